//! The shape of the source: layers, sizes, unsafe code, headers, and what must not be in the text.
//!
//! Each rule is a function from text to complaints, so that the tests at the end can show that it
//! complains about a bad input.

mod imports;
mod tokens;

use imports::Crate;
use std::fs;
use std::path::{Path, PathBuf};
use tokens::{Token, closing, tokens, without_tests};

const MAX_FUNCTION_LINES: usize = 60; // one screen
const MAX_FILE_LINES: usize = 500; // past this it holds two ideas

/// The layers whose functions are held to one screen.
const ENGINE: std::ops::RangeInclusive<u8> = 0..=4;

const UNSAFE_FILES: &[&str] = &[
    "src/task/cell/mod.rs",
    "src/task/cell/live.rs",
    "src/task/cell/meta.rs",
    "src/task/cell/pointer.rs",
    "src/task/cell/slot.rs",
    "src/sys.rs",
    "src/models/tasks.rs", // Stands in for a part of the cell.
];

fn root_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn relative(path: &Path) -> String {
    let inside = path.strip_prefix(root_folder()).expect("the walk starts at the root folder");
    inside.to_string_lossy().replace('\\', "/")
}

/// Every file below a folder, generated folders left out.
fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let generated = ["target", ".git", "node_modules"];
        if name.is_some_and(|name| generated.contains(&name.as_str()))
            || path.ends_with("book/book")
        {
            continue;
        }
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
    found.sort();
}

/// The source files of the crate with their texts, by path from the root folder.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    files_below(&root_folder().join("src"), &mut files);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let read = |path: &PathBuf| fs::read_to_string(path).expect("a source file is text");
    files.iter().map(|path| (relative(path), read(path))).collect()
}

/// `src/scheduler/worker.rs` is `scheduler::worker`, `src/net/mod.rs` is `net`, `src/lib.rs` is the
/// root and has no name.
fn module_of(file: &str) -> String {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs").trim_start_matches("lib");
    path.trim_end_matches("/mod").replace('/', "::")
}

/// Tests and models in files of their own may look everywhere.
fn is_test_file(file: &str) -> bool {
    let mut names = file.split('/').map(|part| part.trim_end_matches(".rs"));
    names.any(|name| matches!(name, "tests" | "models" | "schedules") || name.ends_with("_tests"))
}

#[track_caller]
fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn unsafe_lines(source: &str) -> Vec<usize> {
    let tokens = tokens(source);
    tokens.iter().filter(|token| token.is_word("unsafe")).map(|token| token.line).collect()
}

/// Each function with its name, first line and length in code lines.
fn functions(tokens: &[Token]) -> Vec<(String, usize, usize)> {
    let mut functions = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        let Some(name) = pair[1].word().filter(|_| pair[0].is_word("fn")) else { continue };
        let end_of_head =
            tokens[at..].iter().position(|token| token.is_sign('{') || token.is_sign(';'));
        let open = at + end_of_head.unwrap_or(0);
        if tokens[open].is_sign('{') {
            let mut lines: Vec<usize> =
                tokens[at..=closing(tokens, open)].iter().map(|token| token.line).collect();
            lines.dedup();
            functions.push((name.to_owned(), pair[0].line, lines.len()));
        }
    }
    functions
}

/// Marks of the planning documents: letters and numbers that mean nothing to a reader.
fn row_id(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let Some((series, number)) = word.split_once('-') else {
        let (letter, number) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        return match letter {
            "X" => digits(number) && number.len() <= 2,
            letter => ("A"..="J").contains(&letter) && digits(number) && number.len() == 2,
        };
    };
    let planned = matches!(series, "S" | "J" | "E" | "D" | "A")
        || series.strip_prefix('C').is_some_and(digits);
    planned && digits(number)
}

/// Folders of one machine; spelled in pieces, because this file is searched as well.
const MACHINE_FOLDERS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

fn text_complaints(text: &str) -> Vec<(usize, String)> {
    let mut complaints = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        for word in text.split(|c: char| !is_part(c)).filter(|word| row_id(word)) {
            complaints.push((line, format!("`{word}` means nothing to a reader")));
        }
        for folder in MACHINE_FOLDERS.iter().filter(|folder| text.contains(**folder)) {
            complaints.push((line, format!("`{folder}` is a folder of one machine")));
        }
    }
    complaints
}

#[test]
fn imports_point_down_the_layers() {
    let sources = sources();
    let modules: Vec<String> = sources.iter().map(|(file, _)| module_of(file)).collect();
    let texts = sources.iter().map(|(_, text)| text.as_str());
    let whole = Crate::parse(modules.iter().map(String::as_str).zip(texts));
    let mut complaints = Vec::new();
    for ((file, text), module) in sources.iter().zip(&modules) {
        if module.is_empty() || is_test_file(file) {
            continue;
        }
        for (line, reason) in imports::complaints(&whole, module, text) {
            complaints.push(format!("{file}:{line}: {reason}"));
        }
    }
    assert_none(&complaints);
}

#[test]
fn unsafe_code_stands_in_the_listed_files_only() {
    let mut complaints = Vec::new();
    for (file, text) in sources() {
        if !UNSAFE_FILES.contains(&file.as_str()) {
            let lines = unsafe_lines(&text);
            complaints.extend(lines.iter().map(|line| format!("{file}:{line}: unsafe code")));
        }
    }
    assert_none(&complaints);
}

#[test]
fn functions_of_the_engine_fit_on_a_screen() {
    let mut complaints = Vec::new();
    for (file, text) in sources() {
        let layer = imports::layer_of(&module_of(&file)).map(|(_, layer)| layer);
        if is_test_file(&file) || !layer.is_some_and(|layer| ENGINE.contains(&layer)) {
            continue;
        }
        for (name, line, length) in functions(&without_tests(&tokens(&text))) {
            if length > MAX_FUNCTION_LINES {
                complaints.push(format!("{file}:{line}: `{name}` has {length} lines"));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn files_hold_one_idea_and_say_which() {
    let mut complaints = Vec::new();
    for (file, text) in sources() {
        let lines = text.lines().count();
        if lines > MAX_FILE_LINES && !is_test_file(&file) {
            complaints.push(format!("{file}: {lines} lines"));
        }
        if !text.starts_with("//! ") {
            complaints.push(format!("{file}:1: no `//!` header"));
        }
    }
    assert_none(&complaints);
}

#[test]
fn the_text_speaks_to_its_readers() {
    let mut files = Vec::new();
    files_below(root_folder(), &mut files);
    let mut complaints = Vec::new();
    for path in files {
        let file = relative(&path);
        let drawing = file.ends_with(".svg"); // path commands look like marks
        let Some(text) = fs::read_to_string(&path).ok().filter(|_| !drawing) else { continue };
        if file != "Cargo.lock" {
            let found = text_complaints(&text);
            complaints.extend(found.iter().map(|(line, why)| format!("{file}:{line}: {why}")));
        }
    }
    assert_none(&complaints);
}

/// The rules, shown to complain.
mod rules {
    use super::*;

    const LIB: &str = "pub mod net; mod priority; mod runtime; pub mod blocking; mod driver;
        pub use priority::Priority; pub use runtime::{Handle, handle::EnterGuard as Guard};
        pub use task::{Task, TaskError};";

    const TASK: &str =
        "pub(crate) mod id; mod error; pub use self::error::TaskError; pub use id::*;";

    fn complaints(module: &str, source: &str) -> Vec<usize> {
        let found = imports::complaints(&Crate::parse([("", LIB), ("task", TASK)]), module, source);
        found.into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn an_import_from_above_is_found_in_every_spelling() {
        for source in [
            "\nuse crate::runtime::Handle;",
            "\nuse crate::{priority::Priority, runtime::{Handle, self}};",
            "\nuse crate::Handle;",
            "\nuse crate::Guard as G;",
            "\nuse super::super::runtime::Handle;",
            "\nuse crate::Task;",
            "\nfn f() { crate::runtime::f::<u8>(1) }",
            "/* a\n */ impl From<crate::net::Stream> for u8 {}",
        ] {
            let found = complaints("scheduler::worker", source);
            assert!(!found.is_empty(), "{source}");
            assert!(found.iter().all(|line| *line == 2), "{source}: {found:?}");
        }
    }

    #[test]
    fn an_import_from_below_or_beside_is_fine() {
        for source in [
            "use crate::TaskError; use crate::task::{TaskError as E, id::TaskId};",
            "use crate::{Priority, driver::Driver, blocking::pool, sync::internal::Mutex};",
            "use super::idle::Idle; use self::parts::Part; use std::net::TcpStream;",
            "// use crate::runtime::Handle;\nconst S: &str = \"crate::runtime\"; // crate::net",
            "#[cfg(test)]\nmod tests { use crate::runtime::Handle; }\nfn f() { g('\"') }",
            "#[cfg(all(test, waterwheel_loom))] mod models;",
            "macro_rules! m { () => { $crate::runtime::f() } }",
        ] {
            assert_eq!(complaints("scheduler::worker", source), [0_usize; 0], "{source}");
        }
    }

    #[test]
    fn mechanisms_do_not_know_each_other() {
        assert_eq!(complaints("driver::wheel", "use crate::task::cell::Cell;"), [1]);
        assert_eq!(complaints("driver::wheel", "use super::clock::Clock;"), [1]);
        assert_eq!(complaints("driver::wheel", "use crate::priority::Priority;"), [0; 0]);
    }

    #[test]
    fn what_is_on_top_uses_the_public_api_only() {
        assert_eq!(complaints("daemon::supervisor", "use crate::driver::Driver;"), [1]);
        assert_eq!(complaints("daemon", "use crate::{Handle, net::TcpStream};"), [0; 0]);
    }

    #[test]
    fn a_module_without_a_layer_is_a_complaint() {
        assert_eq!(complaints("gadgets", ""), [1]);
    }

    #[test]
    fn test_code_is_left_out_and_what_follows_it_is_not() {
        let source = "#[cfg(test)]\nfn a() -> [u8; 2] { [1, 2] }\n#[cfg(not(test))] fn b() {}";
        let names: Vec<String> =
            functions(&without_tests(&tokens(source))).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["b"]);
    }

    #[test]
    fn unsafe_is_found_outside_comments_and_strings() {
        let source = "// unsafe\nconst S: &str = r#\"unsafe \" \"#;\nlet b = b'\\''; unsafe { }";
        assert_eq!(unsafe_lines(source), [3]);
    }

    #[test]
    fn function_lines_are_code_lines() {
        let source = "fn f<'a>(\n    x: &'a u8,\n) {\n\n    // why\n    g(x);\n}\nfn h();";
        assert_eq!(functions(&tokens(source)), [("f".to_owned(), 1, 5)]);
    }

    #[test]
    fn marks_and_machine_folders_are_found() {
        let mark = concat!("C3", "-9");
        for text in [mark, concat!("(see ", "B", "02)"), concat!("X", "6"), MACHINE_FOLDERS[0]] {
            assert_eq!(text_complaints(text).len(), 1, "{text}");
        }
        assert!(text_complaints("C3, E0277, HTTP-2, B2, x86-64, UTF-8, i32, 1e-9").is_empty());
    }
}
