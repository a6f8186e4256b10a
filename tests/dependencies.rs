//! What the crate stands on: few crates, and none that would bring a second runtime or reactor, or
//! a parser for Rust into every build.

use std::collections::BTreeSet;
use std::process::Command;

const MAX_CRATES: usize = 28; // Waterwheel itself among them

/// Runtimes and reactors besides ours, and the parser of most procedural macros.
const FOREIGN: &[&str] = &["tokio", "async-io", "polling", "syn"];

/// The crates a user builds on this platform, as `name version`.
fn crates() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "-p", "waterwheel", "-e", "normal", "--prefix", "none"])
        .args(["--format", "{p}", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo prints text");
    let name_and_version =
        |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    text.lines().map(name_and_version).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_crates_are_few_and_none_is_a_second_runtime() {
    let crates = crates();
    let list = crates.iter().map(String::as_str).collect::<Vec<_>>().join("\n  ");
    assert!(list.contains("waterwheel v"), "this is no dependency tree of ours:\n  {list}");
    assert!(crates.len() <= MAX_CRATES, "{} crates:\n  {list}", crates.len());
    for name in FOREIGN {
        let found = crates.iter().any(|line| line.split(' ').next() == Some(*name));
        assert!(!found, "{name} is among the crates:\n  {list}");
    }
}
