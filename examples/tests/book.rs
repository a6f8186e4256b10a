//! Keeps the book and the code from drifting apart.
//!
//! A chapter never contains typed listings: it names an item, a diff between two programs, or a
//! program whose output it shows, and this test writes the fence below that line. Run
//!
//! ```console
//! UPDATE_BOOK=1 cargo test -p examples --test book
//! ```
//!
//! to rewrite the generated parts; without the variable the test fails with the difference. What
//! is checked, one module each:
//!
//! - `weave`: listings, diffs and outputs are what the code says today; at most 40 lines each;
//! - `programs`: every program of a chapter builds, ends by itself with exit code 0, and prints
//!   what the chapter prints;
//! - `shape`: chapters have the book's one sequence of headings, fences name their language;
//! - `trail`: walks through the files name items that exist, and take at most 15 steps;
//! - `maps`: file headers, chapters, `SUMMARY.md`, `examples/Cargo.toml` and README agree;
//! - `drawings`, `pictures`: generated SVG files are current, every SVG is readable and self-contained.
//!
//! Each module carries tests that break its input on purpose and expect the check to notice.

#[path = "book/drawings.rs"]
mod drawings;
#[path = "book/maps.rs"]
mod maps;
#[path = "book/page.rs"]
mod page;
#[path = "book/pictures.rs"]
mod pictures;
#[path = "book/programs.rs"]
mod programs;
#[path = "book/shape.rs"]
mod shape;
#[path = "book/source.rs"]
mod source;
#[path = "book/trail.rs"]
mod trail;
#[path = "book/weave.rs"]
mod weave;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use page::Problem;

/// The command that rewrites everything generated.
const UPDATE: &str = "UPDATE_BOOK=1 cargo test -p examples --test book";

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the examples package lies inside the repository")
        .to_path_buf()
}

/// Reads a file named relative to the repository's root.
fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("cannot read `{path}`: {error}"))
}

/// The pages of the book, named relative to the root, in alphabetical order.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = fs::read_dir(root().join("book/src"))
        .expect("book/src exists")
        .map(|entry| entry.expect("book/src can be listed").file_name())
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .map(|name| format!("book/src/{name}"))
        .collect();
    pages.sort();
    pages
}

/// Compares a generated file with the committed one, or rewrites it under `UPDATE_BOOK=1`.
fn settle(path: &str, wanted: &str, problems: &mut Vec<Problem>) {
    let committed = read(path).unwrap_or_default();
    if committed == wanted {
        return;
    }
    if std::env::var_os("UPDATE_BOOK").is_some() {
        fs::write(root().join(path), wanted).expect("the page can be written");
        return;
    }
    let diff = similar::TextDiff::from_lines(committed.as_str(), wanted);
    let diff = diff.unified_diff().context_radius(2).header(path, "what the code says").to_string();
    problems.push(Problem::new(
        path,
        0,
        format!("is not current\n{diff}\nrewrite it with\n    {UPDATE}"),
    ));
}

/// Fails the test with every problem found, one paragraph each.
fn report(problems: &[Problem]) {
    if problems.is_empty() {
        return;
    }
    let mut text = String::new();
    for problem in problems {
        writeln!(text, "\n- {problem}").expect("a String takes any text");
    }
    panic!("{} problem(s) in the book:\n{text}", problems.len());
}

#[test]
fn the_programs_end_well_and_every_page_shows_what_the_code_says() {
    let mut problems = Vec::new();
    let runs = programs::run_all(&root(), &mut problems);
    let output = |name: &str| {
        runs.get(name).cloned().ok_or_else(|| format!("there is no program `{name}` that ran"))
    };
    for path in pages() {
        let text = read(&path).expect("a listed page can be read");
        let headers = maps::headers(&root());
        let weaver = weave::Weaver { read: &read, output: &output, headers: &headers };
        let woven = weaver.weave(&path, &text, &mut problems);
        settle(&path, &woven, &mut problems);
    }
    if let Ok(readme) = read("README.md") {
        let wanted = maps::readme(&root(), &readme, &mut problems);
        settle("README.md", &wanted, &mut problems);
    }
    report(&problems);
}

#[test]
fn the_pages_have_the_shape_of_the_book() {
    let mut problems = Vec::new();
    for path in pages() {
        let text = read(&path).expect("a listed page can be read");
        shape::check(&path, &text, &mut problems);
        trail::check(&path, &text, &read, &mut problems);
    }
    report(&problems);
}

#[test]
fn headers_chapters_and_manifests_name_each_other() {
    let mut problems = Vec::new();
    maps::check(&root(), &mut problems);
    report(&problems);
}

#[test]
fn the_pictures_are_current_and_readable() {
    let mut problems = Vec::new();
    for (path, svg) in drawings::all() {
        settle(&path, &svg, &mut problems);
    }
    pictures::check(&root(), &mut problems);
    report(&problems);
}
