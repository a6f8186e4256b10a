//! Writes the generated parts of a page.
//!
//! | directive | the fence below it |
//! |---|---|
//! | `<!-- show: PATH ITEM, ITEM -->` | the items of the file, in that order |
//! | `<!-- diff: A B -->` | how program B differs from program A, headers left out |
//! | `<!-- diff: A B ITEM, ITEM -->` | the same for those items only; one that A lacks is new |
//! | `<!-- output: PROGRAM -->` | what the program prints, measured values masked |
//! | `<!-- mutant: NAME -->` | the patch of that name in `tests/mutants` |
//! | `<!-- chapter-files -->` ... `<!-- /chapter-files -->` | the files whose header names the chapter |
//! | `<!-- chapters -->` ... `<!-- /chapters -->` | the chapters that exist, with minutes and lines |
//! | `<!-- paths -->` ... `<!-- /paths -->` | the ways through the book, with minutes and lines |
//! | `<!-- table: PATH -->` ... `<!-- /table -->` | the first Markdown table of a record |
//!
//! A directive makes exactly one fence, directly below it; whatever fence stands there already is
//! replaced. Listings and diffs of more than [`LIMIT`] lines are refused: nobody reads them.

use similar::{ChangeTag, TextDiff};

use crate::maps::Header;
use crate::page::{self, Place, Problem, Walk};
use crate::source;

/// The longest listing or diff, in lines.
const LIMIT: usize = 40;

/// The lines of unchanged text around a change.
const CONTEXT: usize = 2;

/// The ways through the book: name, for whom, chapters, and what comes after them.
const PATHS: [(&str, &str, &[u32], &str); 3] = [
    ("one evening", "you want to know how a runtime works at all", &[2, 3, 13], ", then `daemons`"),
    (
        "a weekend",
        "you want to understand Waterwheel, or write a runtime",
        &[1, 2, 3, 4, 12, 13, 14, 15, 16, 17, 18],
        "",
    ),
    (
        "companion",
        "you are reading *Async Rust* (Flitton and Morton, O'Reilly), numbered as there",
        &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
        "",
    ),
];

/// What a chapter asks of its reader.
struct Load {
    minutes: usize,
    programs: usize,
    lines: usize,
}

/// Reads something by its name, or says why it cannot.
type Lookup<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Where the generated parts come from.
pub(crate) struct Weaver<'a> {
    /// A file by its path from the root.
    pub(crate) read: Lookup<'a>,
    /// The masked output of a program by its name.
    pub(crate) output: Lookup<'a>,
    /// The headers of all source files.
    pub(crate) headers: &'a [Header],
}

/// Says whether a comment's content is a directive that makes a fence.
pub(crate) fn makes_a_fence(comment: &str) -> bool {
    ["show:", "diff:", "output:", "mutant:"].iter().any(|kind| comment.starts_with(kind))
}

impl Weaver<'_> {
    /// Returns the page as it should be.
    pub(crate) fn weave(&self, path: &str, text: &str, problems: &mut Vec<Problem>) -> String {
        let lines: Vec<&str> = text.lines().collect();
        let mut walk = Walk::default();
        let mut out: Vec<String> = Vec::new();
        let mut next = 0;
        while next < lines.len() {
            let line = lines[next];
            next += 1;
            out.push(line.to_owned());
            if walk.step(line) != Place::Prose {
                continue;
            }
            let Some(comment) = page::comment(line) else { continue };
            if matches!(comment, "chapter-files" | "chapters" | "paths")
                || comment.starts_with("table:")
            {
                let last = format!("<!-- /{} -->", comment.split(':').next().unwrap_or(comment));
                let Some(end) = lines[next..].iter().position(|line| line.trim() == last) else {
                    problems.push(Problem::new(path, next, format!("`{last}` is missing")));
                    continue;
                };
                let block = match comment.split_once(':') {
                    Some((_, record)) => self.table(record.trim()),
                    None if comment == "chapters" => Ok(self.chapters()),
                    None if comment == "paths" => Ok(self.paths()),
                    None => Ok(self.chapter_files(path)),
                };
                match block {
                    Ok(block) => {
                        out.extend(block);
                        next += end;
                    }
                    Err(error) => problems.push(Problem::new(path, next, error)),
                }
            } else if makes_a_fence(comment) {
                match self.fence(path, comment) {
                    Ok(generated) => {
                        next = after_fence(&lines, next);
                        out.extend(generated);
                    }
                    Err(error) => problems.push(Problem::new(path, next, error)),
                }
            } else if comment.split_once(':').is_some_and(|(word, _)| !word.contains(' ')) {
                let say = format!("`{comment}` is not a directive of the book");
                problems.push(Problem::new(path, next, say));
            }
        }
        out.push(String::new());
        out.join("\n")
    }

    fn fence(&self, page: &str, directive: &str) -> Result<Vec<String>, String> {
        let (kind, args) = directive.split_once(':').unwrap_or((directive, ""));
        let args = args.trim();
        let (language, body) = match kind {
            "show" => ("rs", self.show(page, args)?),
            "diff" => ("diff", self.diff(args)?),
            "mutant" => ("diff", (self.read)(&format!("tests/mutants/{args}.patch"))?),
            _ => ("text", (self.output)(args)?),
        };
        let body = body.trim_end_matches('\n');
        let count = body.lines().count();
        if count > LIMIT {
            return Err(format!(
                "`{directive}` is {count} lines long; show at most {LIMIT} at once"
            ));
        }
        let ticks = if body.contains("```") { "````" } else { "```" };
        let caption =
            (kind == "show").then(|| format!("// {}", args.split(' ').next().unwrap_or("")));
        let mut lines = vec![format!("{ticks}{language}")];
        lines.extend(caption);
        lines.extend(body.lines().map(|line| line.trim_end().to_owned()));
        lines.push(ticks.to_owned());
        Ok(lines)
    }

    fn show(&self, page: &str, args: &str) -> Result<String, String> {
        let (path, names) =
            args.split_once(' ').ok_or_else(|| format!("`show: {args}` names no item"))?;
        // An appendix walks through many chapters.
        let of_all = page.starts_with("book/src/appendix_");
        let of_this = || self.headers.iter().any(|header| header.is(path, page));
        if path.starts_with("src/") && !of_all && !of_this() {
            return Err(format!(
                "the header of `{path}` does not say that it belongs to this chapter"
            ));
        }
        let text = (self.read)(path)?;
        let cut: Result<Vec<String>, String> = names
            .split(',')
            .map(|name| source::item(&text, name.trim()).map_err(|why| format!("`{path}` {why}")))
            .collect();
        Ok(cut?.join("\n\n"))
    }

    fn diff(&self, args: &str) -> Result<String, String> {
        let mut words = args.splitn(3, ' ');
        let (Some(old_name), Some(new_name)) = (words.next(), words.next()) else {
            return Err(format!("`diff: {args}` names fewer than two programs"));
        };
        let old = (self.read)(&format!("examples/{old_name}.rs"))?;
        let new = (self.read)(&format!("examples/{new_name}.rs"))?;
        let diff = match words.next() {
            None => unified(&without_header(&old), &without_header(&new)),
            Some(items) => {
                let mut all = Vec::new();
                for name in items.split(',').map(str::trim) {
                    let before = source::item(&old, name).unwrap_or_default();
                    let after = source::item(&new, name);
                    let after = after.map_err(|why| format!("`{new_name}` {why}"))?;
                    all.push(unified(&before, &after));
                }
                all.retain(|diff| !diff.is_empty());
                all.join("@@\n")
            }
        };
        if diff.is_empty() {
            return Err(format!("`diff: {args}`: nothing differs"));
        }
        Ok(diff)
    }

    fn table(&self, record: &str) -> Result<Vec<String>, String> {
        let text = (self.read)(record)?;
        let is_row = |line: &&str| line.starts_with('|');
        let rows = text.lines().skip_while(|line| !is_row(line)).take_while(is_row);
        let mut lines = vec![String::new()];
        lines.extend(rows.map(str::to_owned));
        if lines.len() == 1 {
            return Err(format!("`{record}` has no table"));
        }
        lines.push(String::new());
        Ok(lines)
    }

    fn chapters(&self) -> Vec<String> {
        let head = "| chapter | minutes to read | programs | their lines |";
        let mut lines = vec![String::new(), head.into(), "|--:|--:|--:|--:|".into()];
        for number in 1..=23 {
            let Some(Load { minutes, programs, lines: total }) = self.load(number) else {
                continue;
            };
            let total = total.next_multiple_of(50);
            lines.push(format!(
                "| [{number}](ch{number:02}.md) | {minutes} | {programs} | {total} |"
            ));
        }
        lines.push(String::new());
        lines
    }

    fn paths(&self) -> Vec<String> {
        let head = "| path | for whom | chapters | minutes to read | lines of programs |";
        let mut lines = vec![String::new(), head.into(), "|---|---|---|--:|--:|".into()];
        for (name, for_whom, numbers, then) in PATHS {
            let loads: Vec<Option<Load>> = numbers.iter().map(|n| self.load(*n)).collect();
            let chapters = numbers.iter().zip(&loads).map(|(number, load)| match load {
                Some(_) => format!("[{number}](ch{number:02}.md)"),
                None => number.to_string(),
            });
            let chapters = chapters.collect::<Vec<_>>().join(", ");
            let minutes: usize = loads.iter().flatten().map(|load| load.minutes).sum();
            let total: usize = loads.iter().flatten().map(|load| load.lines).sum();
            let total = total.next_multiple_of(50);
            lines.push(format!("| {name} | {for_whom} | {chapters}{then} | {minutes} | {total} |"));
        }
        lines.push(String::new());
        lines
    }

    /// What a chapter asks for; `None` while it is to come.
    fn load(&self, number: u32) -> Option<Load> {
        let text = (self.read)(&format!("book/src/ch{number:02}.md")).ok()?;
        let prefix = format!("examples/ch{number:02}_");
        let programs = self.headers.iter().filter(|header| header.path.starts_with(&prefix));
        let sizes: Vec<usize> = programs
            .filter_map(|header| Some((self.read)(&header.path).ok()?.lines().count()))
            .collect();
        Some(Load { minutes: minutes(&text), programs: sizes.len(), lines: sizes.iter().sum() })
    }

    fn chapter_files(&self, page: &str) -> Vec<String> {
        let mut lines = vec![String::new(), "| file | what it is |".into(), "|---|---|".into()];
        for header in self.headers.iter().filter(|header| header.is(&header.path, page)) {
            lines.push(format!("| `{}` | {} |", header.path, header.what));
        }
        lines.push(String::new());
        lines
    }
}

/// How many words a minute of reading is; code is read at a third of that speed.
const WORDS_A_MINUTE: usize = 180;

/// What a chapter asks for: minutes of reading, rounded to five, so that a comma changes nothing.
fn minutes(text: &str) -> usize {
    let mut walk = Walk::default();
    let mut words = 0;
    for line in text.lines() {
        let weight = if walk.step(line) == Place::Prose { 1 } else { 3 };
        words += weight * line.split_whitespace().filter(|word| word.len() > 1).count();
    }
    (words / WORDS_A_MINUTE).next_multiple_of(5)
}

/// The index of the line after the fence that starts at `from`, or `from` if none does.
fn after_fence(lines: &[&str], from: usize) -> usize {
    let mut walk = Walk::default();
    let Some(first) = lines.get(from) else { return from };
    if walk.step(first) != Place::Opens {
        return from;
    }
    let length = lines[from + 1..].iter().position(|line| walk.step(line) == Place::Closes);
    length.map_or(lines.len(), |length| from + length + 2)
}

fn without_header(text: &str) -> String {
    let body = text.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
    body.fold(String::new(), |text, line| text + line + "\n")
}

/// A unified diff without line numbers; a lone `@@` stands for what was left out.
fn unified(old: &str, new: &str) -> String {
    let diff = TextDiff::configure().algorithm(similar::Algorithm::Patience).diff_lines(old, new);
    let mut out = String::new();
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            out.push_str("@@\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            out.push(sign);
            out.push_str(change.value().trim_end_matches('\n'));
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "//! Old.\n\nfn one() {\n    first();\n}\n\nfn two() {}\n";
    const NEW: &str = "//! New.\n\nfn one() {\n    second();\n}\n\nfn two() {}\n";

    fn weave(text: &str) -> (String, Vec<String>) {
        let read = |path: &str| match path {
            "examples/old.rs" => Ok(OLD.to_owned()),
            "examples/new.rs" => Ok(NEW.to_owned()),
            "record.md" => Ok("# When\n\n| a |\n|--:|\n| 1 |\n\n| b |\n|---|\n".to_owned()),
            "tests/mutants/late.patch" => Ok("Breaks: the order.\n\n-one\n+two\n".to_owned()),
            "examples/long.rs" => Ok(format!("fn long() {{\n{}}}\n", "    call();\n".repeat(40))),
            other => Err(format!("cannot read `{other}`")),
        };
        let output = |name: &str| match name {
            "old" => Ok("first\nwaited <ms>\n".to_owned()),
            other => Err(format!("there is no program `{other}` that ran")),
        };
        let weaver = Weaver { read: &read, output: &output, headers: &[] };
        let mut problems = Vec::new();
        let woven = weaver.weave("book/src/ch99.md", text, &mut problems);
        (woven, problems.iter().map(ToString::to_string).collect())
    }

    const PAGE: &str = "\
Text.
<!-- show: examples/old.rs one -->
```rs
// examples/old.rs
fn one() {
    first();
}
```
<!-- diff: old new one -->
```diff
 fn one() {
-    first();
+    second();
 }
```
<!-- output: old -->
```text
first
waited <ms>
```
The end.
";

    #[test]
    fn a_current_page_stays_as_it_is() {
        assert_eq!(weave(PAGE), (PAGE.to_owned(), vec![]));
    }

    #[test]
    fn a_drifted_listing_diff_or_output_is_noticed_and_rewritten() {
        for (from, to) in [
            ("    first();\n}\n```", "    first(1);\n}\n```"),
            ("+    second();", "+    third();"),
            ("first\nwaited", "last\nwaited"),
        ] {
            let drifted = PAGE.replacen(from, to, 1);
            assert_ne!(drifted, PAGE);
            assert_eq!(weave(&drifted), (PAGE.to_owned(), vec![]), "{from}");
        }
    }

    #[test]
    fn a_table_is_copied_from_its_record() {
        let page = |table: &str| format!("<!-- table: record.md -->\n{table}<!-- /table -->\n");
        let wanted = page("\n| a |\n|--:|\n| 1 |\n\n");
        assert_eq!(weave(&page("old\n")), (wanted.clone(), vec![]));
        assert_eq!(weave(&wanted), (wanted, vec![]));
        for bad in ["<!-- table: examples/old.rs -->\n<!-- /table -->", "<!-- table: record.md -->"]
        {
            assert_eq!(weave(&format!("{bad}\n")).1.len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_mutant_is_shown_as_its_patch() {
        let page = "<!-- mutant: late -->\n```diff\nBreaks: the order.\n\n-one\n+two\n```\n";
        assert_eq!(weave("<!-- mutant: late -->\n"), (page.to_owned(), vec![]));
        assert_eq!(weave("<!-- mutant: none -->\n").1.len(), 1);
    }

    #[test]
    fn a_missing_fence_is_written() {
        let (woven, problems) = weave("<!-- show: examples/old.rs two -->\nText.\n");
        assert_eq!(problems, [""; 0]);
        assert_eq!(
            woven,
            "<!-- show: examples/old.rs two -->\n```rs\n// examples/old.rs\nfn two() {}\n```\nText.\n"
        );
    }

    #[test]
    fn what_cannot_be_woven_is_noticed() {
        for bad in [
            "<!-- show: examples/old.rs three -->",
            "<!-- show: examples/none.rs one -->",
            "<!-- show: examples/long.rs long -->",
            "<!-- show: examples/old.rs -->",
            "<!-- show: src/lib.rs Priority -->",
            "<!-- diff: old new two -->",
            "<!-- diff: old new three -->",
            "<!-- diff: old -->",
            "<!-- output: none -->",
            "<!-- shwo: examples/old.rs one -->",
            "<!-- chapter-files -->",
            "<!-- chapters -->",
            "<!-- paths -->",
        ] {
            let (_, problems) = weave(&format!("{bad}\n"));
            assert_eq!(problems.len(), 1, "{bad}: {problems:?}");
        }
    }

    #[test]
    fn a_diff_of_whole_programs_leaves_the_headers_out() {
        let (woven, problems) = weave("<!-- diff: old new -->\n");
        assert_eq!(problems, [""; 0]);
        assert!(!woven.contains("Old."), "{woven}");
        assert!(woven.contains("-    first();\n+    second();"), "{woven}");
    }
}
