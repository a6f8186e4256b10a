//! A page of the book as lines: problems with their place, fences, directives.

use std::fmt;

/// Something the book's test complains about.
#[derive(Debug)]
pub(crate) struct Problem {
    file: String,
    line: usize,
    text: String,
}

impl Problem {
    /// A problem in `file`, at the 1-based `line`, or in the file as a whole for line 0.
    pub(crate) fn new(file: &str, line: usize, text: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.text),
            line => write!(f, "{}:{line}: {}", self.file, self.text),
        }
    }
}

/// The opening line of a fence: how many backticks, and what follows them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fence<'a> {
    pub(crate) ticks: usize,
    pub(crate) info: &'a str,
}

/// Reads `line` as the opening or closing line of a fence.
pub(crate) fn fence(line: &str) -> Option<Fence<'_>> {
    let rest = line.trim_start();
    let ticks = rest.len() - rest.trim_start_matches('`').len();
    (ticks >= 3).then(|| Fence { ticks, info: rest[ticks..].trim() })
}

/// Walks over the lines of a page and says of each whether it lies inside a fence.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    open: Option<usize>,
}

/// Where a line stands.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Place {
    Prose,
    Opens,
    Code,
    Closes,
}

impl Walk {
    /// Takes the next line of the page.
    pub(crate) fn step(&mut self, line: &str) -> Place {
        match (self.open, fence(line)) {
            (None, Some(opening)) => {
                self.open = Some(opening.ticks);
                Place::Opens
            }
            (None, None) => Place::Prose,
            (Some(ticks), Some(closing)) if closing.ticks >= ticks && closing.info.is_empty() => {
                self.open = None;
                Place::Closes
            }
            (Some(_), _) => Place::Code,
        }
    }
}

/// The content of a one-line HTML comment, if `line` is one.
pub(crate) fn comment(line: &str) -> Option<&str> {
    line.trim().strip_prefix("<!--")?.strip_suffix("-->").map(str::trim)
}

/// The prose headings of a page with their level and 1-based line.
pub(crate) fn headings(text: &str) -> Vec<(usize, usize, &str)> {
    let mut walk = Walk::default();
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if walk.step(line) != Place::Prose || !line.starts_with('#') {
            continue;
        }
        let level = line.len() - line.trim_start_matches('#').len();
        found.push((level, index + 1, line[level..].trim()));
    }
    found
}
