//! Compares the places that name each other: file headers, chapters, the table of contents, the
//! examples' manifest, the doctests, the exercises and README's map.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::page::Problem;

/// The programs of each chapter, as the book is planned. A chapter whose page exists must have
/// them all.
const PROGRAMS: [(u32, &[&str]); 23] = [
    (1, &["01_1_threads", "01_2_processes", "01_3_condvar", "01_4_joined", "01_5_file_watcher"]),
    (
        2,
        &[
            "02_1_state_machine",
            "02_2_block_on",
            "02_3_breakfast",
            "02_4_counter_future",
            "02_5_pinned",
            "02_6_remote_wake",
            "02_7_async_log",
        ],
    ),
    (
        3,
        &[
            "03_1_one_queue",
            "03_2_workers",
            "03_3_two_queues",
            "03_4_stealing",
            "03_5_spawn_macro",
            "03_6_join_macros",
            "03_7_builder",
            "03_8_background",
            "03_9_what_was_wrong",
        ],
    ),
    (4, &["04_1_mio_alone", "04_2_future_polls_socket", "04_3_reactor", "04_4_echo", "04_5_http"]),
    (
        5,
        &[
            "05_1_generator",
            "05_2_file_copy",
            "05_3_symmetric",
            "05_4_round_robin",
            "05_5_as_future",
        ],
    ),
    (6, &["06_1_heater", "06_2_event_bus", "06_3_slow_subscriber"]),
    (7, &["07_1_builder", "07_2_local_pool", "07_3_thread_state", "07_4_stop_on_signal"]),
    (8, &["08_1_actor", "08_2_actor_or_mutex", "08_3_router", "08_4_recovery", "08_5_supervised"]),
    (
        9,
        &[
            "09_1_isolated_module",
            "09_2_waterfall",
            "09_3_decorator",
            "09_4_state_machine",
            "09_5_retry",
            "09_6_breaker",
        ],
    ),
    (
        10,
        &[
            "10_1_wire",
            "10_2_polling_executor",
            "10_3_waker",
            "10_4_parked_workers",
            "10_5_server_and_client",
        ],
    ),
    (
        11,
        &[
            "11_1_deadlock",
            "11_2_race",
            "11_3_back_pressure",
            "11_4_mock_server",
            "11_5_by_hand",
            "11_6_seed",
        ],
    ),
    (12, &["12_ladder"]),
    (13, &["13_1_lost_wakeup", "13_2_parker"]),
    (14, &["14_1_handover"]),
    (15, &["15_1_heap", "15_2_wheel", "15_3_precision"]),
    (16, &["16_1_starved", "16_2_bound", "16_3_settings", "16_4_greedy"]),
    (17, &["17_1_stuck", "17_2_blocking", "17_3_stuck_status_page"]),
    (18, &["18_1_panics", "18_2_drop_order", "18_3_shutdown"]),
    (19, &["19_1_model_checker", "19_2_mutants"]),
    (20, &[]),
    (21, &["21_1_locks", "21_2_channels", "21_3_drop_at_every_await", "21_4_inversion"]),
    (22, &["22_1_jobs", "22_2_supervisor", "22_3_factory", "22_4_collector", "22_5_stop_clean"]),
    (23, &["23_1_axum", "23_2_websocket", "23_3_quic", "23_4_grpc", "23_5_mixed"]),
];

/// The longest a step of chapter 3 may be, in lines: short ones first, then the later steps.
const STEP_LINES: (usize, usize) = (120, 200);

/// What the `//!` header of a source file says about the book.
#[derive(Debug)]
pub(crate) struct Header {
    /// The file, from the root.
    pub(crate) path: String,
    /// The chapters it names.
    pub(crate) chapters: BTreeSet<u32>,
    /// Its first sentence.
    pub(crate) what: String,
}

impl Header {
    /// Whether this is the header of `path` and names the chapter that `page` is.
    pub(crate) fn is(&self, path: &str, page: &str) -> bool {
        self.path == path && chapter_of_page(page).is_some_and(|n| self.chapters.contains(&n))
    }

    fn of(path: &str, text: &str) -> Self {
        let lines = text.lines().take_while(|line| line.starts_with("//!"));
        let lines: Vec<&str> = lines.map(|line| line.trim_start_matches("//!").trim()).collect();
        let mut chapters = BTreeSet::new();
        for line in &lines {
            if let Some((_, rest)) = line.split_once("Book: chapter") {
                let numbers = rest.split(|c: char| !c.is_ascii_digit());
                chapters.extend(numbers.filter_map(|number| number.parse::<u32>().ok()));
            }
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        chapters.extend(chapter_of_program(name));
        let first = lines.iter().take_while(|line| !line.is_empty()).copied().collect::<Vec<_>>();
        let first = first.join(" ");
        let what = first.split_once(" Run:").map_or(first.as_str(), |(what, _)| what);
        let what = what.split_once(". ").map_or(what, |(sentence, _)| sentence);
        let what = what
            .split_once(", step")
            .map_or(what, |(_, step)| step.split_once(": ").map_or(what, |(_, what)| what));
        // Links that only rustdoc can follow become plain names.
        let what = what.trim_end_matches('.').replace("[`", "`").replace("`]", "`");
        Self { path: path.to_owned(), chapters, what }
    }
}

/// The chapter that a page such as `book/src/ch03.md` is.
fn chapter_of_page(page: &str) -> Option<u32> {
    page.strip_prefix("book/src/ch")?.strip_suffix(".md")?.parse().ok()
}

/// The chapter of a program such as `ch03_1_one_queue`.
pub(crate) fn chapter_of_program(name: &str) -> Option<u32> {
    name.strip_prefix("ch")?.get(..2)?.parse().ok()
}

/// The names of the examples that the manifest lists.
pub(crate) fn examples(root: &Path) -> Vec<String> {
    let manifest = fs::read_to_string(root.join("examples/Cargo.toml")).unwrap_or_default();
    listed(&manifest)
}

fn listed(manifest: &str) -> Vec<String> {
    let sections = manifest.split("[[example]]").skip(1);
    let names = sections.filter_map(|section| {
        let line = section.lines().find(|line| line.trim_start().starts_with("name"))?;
        Some(line.split('"').nth(1)?.to_owned())
    });
    names.collect()
}

/// The headers of all files under `src/` and of the examples, tests left out, by path.
pub(crate) fn headers(root: &Path) -> Vec<Header> {
    let mut paths = Vec::new();
    for folder in ["src", "examples"] {
        rust_files(root, folder, &mut paths);
    }
    let is_test = |path: &str| path.ends_with("tests.rs") || path.starts_with("examples/tests/");
    paths.retain(|path| !is_test(path) && path != "examples/lib.rs");
    paths.sort();
    let read = |path: &String| fs::read_to_string(root.join(path)).unwrap_or_default();
    paths.iter().map(|path| Header::of(path, &read(path))).collect()
}

fn rust_files(root: &Path, folder: &str, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
    for entry in entries.flatten() {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            rust_files(root, &path, found);
        } else if path.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// README with its file -> chapter map as the headers have it.
pub(crate) fn readme(root: &Path, text: &str, problems: &mut Vec<Problem>) -> String {
    const START: &str = "<!-- chapter-map -->\n";
    const END: &str = "<!-- /chapter-map -->";
    let Some((before, rest)) = text.split_once(START) else {
        problems.push(Problem::new("README.md", 0, format!("`{}` is missing", START.trim())));
        return text.to_owned();
    };
    let Some((_, after)) = rest.split_once(END) else {
        problems.push(Problem::new("README.md", 0, format!("`{END}` is missing")));
        return text.to_owned();
    };
    let mut map = String::from("\n| file | what it is | chapter |\n|---|---|---|\n");
    for header in headers(root).iter().filter(|header| header.path.starts_with("src/")) {
        let link = |n: &u32| {
            let page = format!("book/src/ch{n:02}.md");
            if root.join(&page).exists() { format!("[{n}]({page})") } else { n.to_string() }
        };
        let chapters: Vec<String> = header.chapters.iter().map(link).collect();
        let (path, what) = (&header.path, &header.what);
        writeln!(map, "| `{path}` | {what} | {} |", chapters.join(", "))
            .expect("a String takes any text");
    }
    format!("{before}{START}{map}\n{END}{after}")
}

/// Checks that all these places agree.
pub(crate) fn check(root: &Path, problems: &mut Vec<Problem>) {
    let listed = examples(root);
    check_listed(root, &listed, problems);
    for header in headers(root) {
        check_header(root, &header, problems);
    }
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let summary = read("book/src/SUMMARY.md");
    let doctests = read("examples/lib.rs");
    let exercises = read("book/exercises/src/lib.rs");
    for (number, programs) in PROGRAMS {
        let page = format!("book/src/ch{number:02}.md");
        let Ok(text) = fs::read_to_string(root.join(&page)) else { continue };
        for (place, text, wanted) in [
            ("book/src/SUMMARY.md", &summary, format!("(ch{number:02}.md)")),
            ("examples/lib.rs", &doctests, format!("book/src/ch{number:02}.md")),
        ] {
            if !text.contains(&wanted) {
                problems.push(Problem::new(place, 0, format!("does not name `{wanted}`")));
            }
        }
        for program in programs {
            let program = format!("ch{program}");
            if !listed.contains(&program) {
                problems.push(Problem::new(
                    &page,
                    0,
                    format!("its program `{program}` is missing"),
                ));
            } else if !text.contains(&format!("<!-- output: {program} -->")) {
                let say = format!("does not show the output of `{program}`");
                problems.push(Problem::new(&page, 0, say));
            }
        }
        check_commands(&page, &text, &listed, problems);
        check_exercises(&page, &text, number, &exercises, problems);
    }
}

fn check_listed(root: &Path, listed: &[String], problems: &mut Vec<Problem>) {
    let manifest = "examples/Cargo.toml";
    let mut files = Vec::new();
    rust_files(root, "examples", &mut files);
    let direct =
        files.iter().filter_map(|path| path.strip_prefix("examples/")?.strip_suffix(".rs"));
    for name in direct.filter(|name| !name.contains('/') && *name != "lib") {
        if !listed.iter().any(|other| other == name) {
            problems.push(Problem::new(manifest, 0, format!("does not list `{name}`")));
        }
    }
    for name in listed.iter().filter(|name| chapter_of_program(name).is_some()) {
        if !files.contains(&format!("examples/{name}.rs")) {
            problems.push(Problem::new(manifest, 0, format!("`examples/{name}.rs` is missing")));
        }
    }
}

fn check_header(root: &Path, header: &Header, problems: &mut Vec<Problem>) {
    let text = fs::read_to_string(root.join(&header.path)).unwrap_or_default();
    check_header_text(header, &text, problems);
}

fn check_header_text(header: &Header, text: &str, problems: &mut Vec<Problem>) {
    let path = &header.path;
    if header.chapters.is_empty() && path.starts_with("src/") {
        problems.push(Problem::new(path, 1, "its header has no line `Book: chapter N`"));
    }
    for unknown in header.chapters.iter().filter(|n| !(1..=23).contains(*n)) {
        problems.push(Problem::new(path, 1, format!("there is no chapter {unknown}")));
    }
    let Some(name) = path.strip_prefix("examples/").and_then(|name| name.strip_suffix(".rs"))
    else {
        return;
    };
    let Some(chapter) = chapter_of_program(name) else { return };
    let step = name.split('_').nth(1).filter(|part| part.parse::<u32>().is_ok());
    let start = step.map_or_else(
        || format!("//! Chapter {chapter}: "),
        |step| format!("//! Chapter {chapter}, step {step}: "),
    );
    let run = format!("`cargo run --release --example {name}`");
    let two_lines: Vec<&str> = text.lines().take(2).collect();
    if !text.starts_with(&start) || !two_lines.join("\n").contains(&run) {
        let say = format!("its header should start `{start}...` and say `Run: {run}`");
        problems.push(Problem::new(path, 1, say));
    }
    let (short, long) = STEP_LINES;
    let limit = if step.is_some_and(|step| step > "5") { long } else { short };
    let lines = text.lines().count();
    if chapter == 3 && lines > limit {
        problems.push(Problem::new(
            path,
            lines,
            format!("a step of at most {limit} lines, please"),
        ));
    }
}

/// Every `--example NAME` that a page tells its reader to type exists.
fn check_commands(page: &str, text: &str, listed: &[String], problems: &mut Vec<Problem>) {
    for rest in text.split("--example ").skip(1) {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = &rest[..end];
        if name != "NAME" && !listed.iter().any(|other| other == name) {
            problems.push(Problem::new(page, 0, format!("there is no example `{name}`")));
        }
    }
}

/// Each exercise of the chapter is named by its page, and each one the page names exists.
fn check_exercises(
    page: &str,
    text: &str,
    number: u32,
    exercises: &str,
    problems: &mut Vec<Problem>,
) {
    let modules = exercises.lines().filter_map(|line| line.strip_prefix("pub mod "));
    let modules: Vec<&str> = modules.map(|line| line.trim_end_matches(';')).collect();
    let prefix = format!("ch{number:02}_");
    for module in modules.iter().filter(|module| module.starts_with(&prefix)) {
        if !text.contains(&format!("-p exercises {module}`")) {
            problems.push(Problem::new(page, 0, format!("does not name the exercise `{module}`")));
        }
    }
    for rest in text.split("-p exercises ").skip(1) {
        let name = rest.split(['`', ' ', '\n']).next().unwrap_or("");
        if name.starts_with(&prefix) && !modules.contains(&name) {
            problems.push(Problem::new(page, 0, format!("there is no exercise `{name}`")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read() {
        let text =
            "//! The cell of a task. It contains panics.\n//!\n//! Book: chapters 3 and 18.\n";
        let header = Header::of("src/task/cell.rs", text);
        assert!(header.is("src/task/cell.rs", "book/src/ch18.md"));
        assert!(!header.is("src/task/cell.rs", "book/src/ch04.md"));
        assert_eq!(header.what, "The cell of a task");
        let step = "//! Chapter 3, step 2: several workers. Run: `cargo run ...`\n";
        let header = Header::of("examples/ch03_2_workers.rs", step);
        assert_eq!((header.what.as_str(), header.chapters.contains(&3)), ("several workers", true));
    }

    fn header_problems(path: &str, text: &str) -> usize {
        let mut problems = Vec::new();
        check_header_text(&Header::of(path, text), text, &mut problems);
        problems.len()
    }

    #[test]
    fn a_drifted_header_is_noticed() {
        let good = "//! Chapter 3, step 2: several workers. Run: `cargo run --release --example \
                    ch03_2_workers`\n";
        assert_eq!(header_problems("examples/ch03_2_workers.rs", good), 0);
        for (from, to) in [("step 2", "step 3"), ("ch03_2", "ch03_3"), ("Chapter 3", "Chapter 4")] {
            let bad = good.replacen(from, to, 1);
            assert_eq!(header_problems("examples/ch03_2_workers.rs", &bad), 1, "{from} -> {to}");
        }
        let long = good.to_owned() + &"\n".repeat(120);
        assert_eq!(header_problems("examples/ch03_2_workers.rs", &long), 1, "too long a step");
        assert_eq!(header_problems("src/token.rs", "//! No chapter.\n"), 1);
        assert_eq!(header_problems("src/lib.rs", "//! X.\n//!\n//! Book: chapter 77.\n"), 1);
    }

    #[test]
    fn a_program_or_an_exercise_that_does_not_exist_is_noticed() {
        let listed = listed("[[example]]\nname = \"ch03_1\"\npath = \"ch03_1.rs\"\n");
        assert_eq!(listed, ["ch03_1"]);
        let mut problems = Vec::new();
        check_commands(
            "page",
            "`cargo run --example ch03_1` and `--example NAME`",
            &listed,
            &mut problems,
        );
        assert_eq!(problems.len(), 0);
        check_commands("page", "`cargo run --example ch03_2`", &listed, &mut problems);
        assert_eq!(problems.len(), 1);
        let exercises = "pub mod ch03_1;\npub mod ch04_1;\n";
        check_exercises("page", "`cargo test -p exercises ch03_1`", 3, exercises, &mut problems);
        assert_eq!(problems.len(), 1);
        check_exercises("page", "`cargo test -p exercises ch03_9`", 3, exercises, &mut problems);
        assert_eq!(problems.len(), 3, "one is not named, one does not exist");
    }
}
