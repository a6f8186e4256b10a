//! The one shape of a chapter, and the rules for what may stand in a fence.

use crate::page::{self, Place, Problem, Walk};

/// The second-level headings of a chapter, in order. A heading may go on after a colon.
const SHAPE: [(&str, Needed); 12] = [
    ("The question", Needed::Always),
    ("What you need first", Needed::Always),
    ("The naive program", Needed::Always),
    ("Run it", Needed::Always),
    ("The failure", Needed::Always),
    ("The fix", Needed::Always),
    ("Ours", Needed::Always),
    ("What it costs", Needed::Always),
    ("Compared with tokio", Needed::WhereThereIsANumber),
    ("What you can now do", Needed::Always),
    ("Exercises", Needed::Always),
    ("The next question", Needed::Always),
];

/// Whether a chapter may go without a heading.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    Always,
    WhereThereIsANumber,
}

/// The languages that a fence may name.
const LANGUAGES: [&str; 9] =
    ["rs", "rust", "diff", "text", "console", "toml", "prometheus", "json", "markdown"];

/// The least length of an alternative text: one that states a finding is longer than this.
const ALT_LEAST: usize = 30;

/// Checks a page; chapters must have the one shape, other pages only decent fences.
pub(crate) fn check(path: &str, text: &str, problems: &mut Vec<Problem>) {
    if is_chapter(path) {
        headings(path, text, problems);
    }
    fences(path, text, problems);
    images(path, text, problems);
}

fn is_chapter(path: &str) -> bool {
    path.strip_prefix("book/src/ch")
        .and_then(|rest| rest.strip_suffix(".md"))
        .is_some_and(|number| number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit()))
}

fn headings(path: &str, text: &str, problems: &mut Vec<Problem>) {
    let found = page::headings(text);
    if !matches!(found.first(), Some((1, 1, _))) {
        problems.push(Problem::new(path, 1, "a chapter starts with its title, `# ...`"));
    }
    if let Some((_, line, _)) = found.iter().skip(1).find(|(level, ..)| *level == 1) {
        problems.push(Problem::new(path, *line, "a chapter has one title"));
    }
    let mut wanted = SHAPE.iter().peekable();
    for (_, line, heading) in found.iter().filter(|(level, ..)| *level == 2) {
        let is = |phrase: &str| {
            heading.strip_prefix(phrase).is_some_and(|r| r.is_empty() || r.starts_with(':'))
        };
        loop {
            match wanted.next() {
                Some((phrase, _)) if is(phrase) => break,
                Some((_, Needed::WhereThereIsANumber)) => {}
                Some((phrase, Needed::Always)) => {
                    let say = format!("`## {phrase}` should come here, not `## {heading}`");
                    problems.push(Problem::new(path, *line, say));
                    return;
                }
                None => {
                    let say = format!("`## {heading}` is not part of the shape");
                    problems.push(Problem::new(path, *line, say));
                    return;
                }
            }
        }
    }
    for (phrase, needed) in wanted {
        if *needed == Needed::Always {
            problems.push(Problem::new(path, 0, format!("`## {phrase}` is missing")));
        }
    }
}

fn fences(path: &str, text: &str, problems: &mut Vec<Problem>) {
    let mut walk = Walk::default();
    let mut previous_comment = None;
    for (index, line) in text.lines().enumerate() {
        let line_no = index + 1;
        match walk.step(line) {
            Place::Opens => {
                let info = page::fence(line).map_or("", |fence| fence.info);
                let language = info.split([',', ' ']).next().unwrap_or("");
                if language.is_empty() {
                    problems.push(Problem::new(path, line_no, "a fence names its language"));
                } else if !LANGUAGES.contains(&language) {
                    let say = format!("`{language}` is not one of {LANGUAGES:?}");
                    problems.push(Problem::new(path, line_no, say));
                }
                let woven = previous_comment.is_some_and(crate::weave::makes_a_fence);
                if matches!(language, "rs" | "diff") && !woven {
                    let say = "code is woven (`<!-- show: path item -->`) or a doctest (`rust`)";
                    problems.push(Problem::new(path, line_no, say));
                }
            }
            Place::Prose if line.starts_with("    ") || line.starts_with('\t') => {
                problems.push(Problem::new(path, line_no, "indented code: use a fence"));
            }
            Place::Prose | Place::Code | Place::Closes => {}
        }
        previous_comment = page::comment(line);
    }
    if walk.step("") != Place::Prose {
        problems.push(Problem::new(path, 0, "a fence is never closed"));
    }
}

fn images(path: &str, text: &str, problems: &mut Vec<Problem>) {
    let mut walk = Walk::default();
    for (index, line) in text.lines().enumerate() {
        if walk.step(line) != Place::Prose {
            continue;
        }
        for rest in line.split("![").skip(1) {
            let Some((alt, target)) = rest.split_once("](") else {
                problems.push(Problem::new(path, index + 1, "a picture stands on one line"));
                continue;
            };
            let target = target.split(')').next().unwrap_or("");
            if alt.len() < ALT_LEAST {
                let say = format!("the alt text of `{target}` does not state a finding: `{alt}`");
                problems.push(Problem::new(path, index + 1, say));
            }
            let file = format!("book/src/{target}");
            if target.contains("://") || !crate::root().join(&file).is_file() {
                let say = format!("there is no picture `{target}`");
                problems.push(Problem::new(path, index + 1, say));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        check("book/src/ch99.md", text, &mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    fn chapter() -> String {
        SHAPE.iter().fold("# A title\n".to_owned(), |text, (heading, _)| {
            format!("{text}\n## {heading}\n\nText.\n")
        })
    }

    #[test]
    fn a_chapter_in_shape_passes() {
        assert_eq!(problems(&chapter()), [""; 0]);
        let without = chapter().replace("## Compared with tokio", "### Beside tokio");
        assert_eq!(problems(&without), [""; 0], "the comparison is optional");
        let longer = chapter().replace("## The fix", "## The fix: several workers");
        assert_eq!(problems(&longer), [""; 0], "a heading may go on after a colon");
    }

    #[test]
    fn a_drifted_heading_is_noticed() {
        for (from, to) in [
            ("## Run it", "## Running it"),
            ("## Exercises\n\nText.\n", ""),
            ("## The failure", "## The failures and more"),
            ("## Ours", "## The fix"),
            ("# A title", "A title"),
        ] {
            assert_eq!(problems(&chapter().replacen(from, to, 1)).len(), 1, "{from} -> {to}");
        }
        assert_eq!(problems(&(chapter() + "\n## One more\n")).len(), 1);
    }

    #[test]
    fn a_bad_fence_is_noticed() {
        for bad in [
            "```\nno language\n```\n",
            "```klingon\nx\n```\n",
            "```rs\ntyped()\n```\n",
            "    indented();\n",
            "```text\nnever closed\n",
        ] {
            assert_eq!(problems(&(chapter() + "\n" + bad)).len(), 1, "{bad}");
        }
        let fine =
            "\n````text\n```\nquoted\n```\n````\n\n<!-- show: a b -->\n```rs\nfn b() {}\n```\n";
        assert_eq!(problems(&(chapter() + fine)), [""; 0]);
    }

    #[test]
    fn a_picture_without_a_finding_or_a_file_is_noticed() {
        assert_eq!(problems(&(chapter() + "\n![](pictures/none.svg)\n")).len(), 2);
        assert_eq!(
            problems(&(chapter() + "\n![A long text that states what it shows](none.svg)\n")).len(),
            1
        );
    }
}
