//! Checks the walks through the files: each step names a file and an item in it, and a walk is short.
//!
//! A step is a list item such as ``3. **`src/net/stream.rs`** `TcpStream::peek`: why``.

use crate::page::Problem;
use crate::source;

/// The most steps that one walk may take.
const STEPS: usize = 15;

/// Checks every step on a page; `read` gives a file by its path from the root.
pub(crate) fn check(
    path: &str,
    text: &str,
    read: &dyn Fn(&str) -> Result<String, String>,
    problems: &mut Vec<Problem>,
) {
    for (index, line) in text.lines().enumerate() {
        let Some((number, file, item)) = step(line) else { continue };
        let found = read(file).and_then(|text| source::item(&text, item));
        if let Err(why) = found {
            problems.push(Problem::new(path, index + 1, format!("step {number}: `{file}` {why}")));
        }
        if number > STEPS {
            let say = format!("step {number}: a walk has at most {STEPS}");
            problems.push(Problem::new(path, index + 1, say));
        }
    }
}

/// The number, the file and the item of a step.
fn step(line: &str) -> Option<(usize, &str, &str)> {
    let (number, rest) = line.split_once(". **`")?;
    let (file, rest) = rest.split_once("`** `")?;
    let (item, _) = rest.split_once('`')?;
    Some((number.parse().ok()?, file, item))
}

#[test]
fn a_step_that_leads_nowhere_or_too_far_is_noticed() {
    let read = |path: &str| match path {
        "src/a.rs" => Ok("fn one() {}\n".to_owned()),
        other => Err(format!("cannot read `{other}`")),
    };
    let problems = |text: &str| {
        let mut problems = Vec::new();
        check("book/src/page.md", text, &read, &mut problems);
        problems.len()
    };
    assert_eq!(problems("1. **`src/a.rs`** `one`: the only one.\n2. No step.\n"), 0);
    assert_eq!(problems("1. **`src/a.rs`** `two`: not there.\n"), 1);
    assert_eq!(problems("1. **`src/b.rs`** `one`: no file.\n"), 1);
    assert_eq!(problems("16. **`src/a.rs`** `one`: too far.\n"), 1);
}
