//! Every row that `--list` prints has a paragraph in chapter 20, which says what it measures, how it could
//! be unfair, and what was done about that.
//!
//! Book: chapter 20

use std::collections::BTreeSet;
use std::process::Command;

/// What a row is called without its workers: `echo64-2` and `lanes-1+1` are `echo64` and `lanes`.
fn kind(row: &str) -> &str {
    match row.rsplit_once('-') {
        Some((kind, layout)) if layout.starts_with(|c: char| c.is_ascii_digit()) => kind,
        _ => row,
    }
}

#[test]
fn every_row_has_a_paragraph_in_chapter_20() {
    let output = Command::new(env!("CARGO_BIN_EXE_waterwheel-bench")).arg("--list").output();
    let output = output.expect("the program starts");
    assert!(output.status.success());
    let list = String::from_utf8(output.stdout).expect("it prints text");
    // A row's name starts its line; what belongs to it is indented.
    let names = list.lines().filter(|line| !line.starts_with(' '));
    let kinds: BTreeSet<&str> =
        names.filter_map(|line| line.split_whitespace().next()).map(kind).collect();
    assert!(kinds.contains("spawn-outside") && kinds.contains("lanes"), "{list}");
    let chapter = include_str!("../../book/src/ch20.md");
    for kind in kinds {
        let paragraph = format!("\n**`{kind}`**: ");
        assert!(chapter.contains(&paragraph), "chapter 20 has no paragraph for the rows `{kind}`");
    }
}
