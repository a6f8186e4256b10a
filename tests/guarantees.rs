//! The guarantees in `src/lib.rs` name the tests that hold them: those tests exist.

use std::path::Path;

const GUARANTEES: usize = 5;

/// The words in backquotes, in order.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The tests that a guarantee names: pairs of file and function.
fn named_tests(guarantee: &str) -> Vec<(&str, &str)> {
    let mut file = None;
    let mut tests = Vec::new();
    for word in quoted(guarantee) {
        if word.ends_with(".rs") {
            file = Some(word);
        } else if let Some(file) = file {
            tests.push((file, word));
        }
    }
    tests
}

/// The numbered points of the section, without their comment marks.
fn guarantees(source: &str) -> Vec<String> {
    let docs: Vec<&str> = source.lines().filter_map(|line| line.strip_prefix("//!")).collect();
    let section = docs.iter().skip_while(|line| line.trim() != "# Guarantees").skip(1);
    let mut points: Vec<String> = Vec::new();
    for line in section.take_while(|line| !line.trim().starts_with("Book:")) {
        if line.trim_start().starts_with(|c: char| c.is_ascii_digit()) && line.contains(". **") {
            points.push(String::new());
        }
        if let Some(point) = points.last_mut() {
            point.push_str(line);
            point.push('\n');
        }
    }
    points
}

#[test]
fn every_guarantee_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(root.join("src/lib.rs")).expect("the library is there");
    let points = guarantees(&source);
    assert_eq!(points.len(), GUARANTEES, "{points:?}");
    for point in &points {
        let tests = named_tests(point);
        assert!(!tests.is_empty(), "no test named:\n{point}");
        for (file, name) in tests {
            let folder = if file.starts_with("src/") { root } else { &root.join("tests") };
            let text = std::fs::read_to_string(folder.join(file))
                .unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(text.contains(&format!("fn {name}(")), "no `{name}` in {file}");
        }
    }
}

#[test]
fn a_point_without_tests_is_noticed() {
    assert!(named_tests("1. **Progress.** `Ok`: it goes on.").is_empty());
    assert_eq!(named_tests("(`a.rs`: `one`, `two`.)"), [("a.rs", "one"), ("a.rs", "two")]);
}
