//! What every picture of the book must be like.

use std::fs;
use std::path::Path;

use crate::page::Problem;

/// The smallest text, in px.
const LEAST_FONT: f64 = 12.0;

/// Checks every SVG under `book/src`.
pub(crate) fn check(root: &Path, problems: &mut Vec<Problem>) {
    let Ok(entries) = fs::read_dir(root.join("book/src/pictures")) else { return };
    for entry in entries.flatten() {
        let path = format!("book/src/pictures/{}", entry.file_name().to_string_lossy());
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        check_svg(&path, &text, problems);
    }
}

fn check_svg(path: &str, text: &str, problems: &mut Vec<Problem>) {
    let mut say = |what: String| problems.push(Problem::new(path, 0, what));
    if !text.starts_with("<svg ") || !text.contains("viewBox=") {
        say("is not an SVG with a viewBox".to_owned());
    }
    for tag in ["title", "desc"] {
        let content = text.split_once(&format!("<{tag}>")).and_then(|(_, rest)| {
            rest.split_once(&format!("</{tag}>")).map(|(content, _)| content.trim())
        });
        if content.is_none_or(str::is_empty) {
            say(format!("has no <{tag}>"));
        }
    }
    let remote = text.replace("http://www.w3.org/2000/svg", "");
    for bad in ["http:", "https:", "//cdn", "@import", "<script", "<image", "<foreignObject"] {
        if remote.contains(bad) {
            say(format!("reaches outside itself: `{bad}`"));
        }
    }
    for rest in text.split("font-size").skip(1) {
        let number = rest.trim_start_matches(['=', ':', '"', '\'', ' ']);
        let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
        if number[..end].parse::<f64>().is_ok_and(|size| size < LEAST_FONT) {
            say(format!("has text of {} px; the least is {LEAST_FONT} px", &number[..end]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\"><title>T</title>\
                        <desc>D</desc><text font-size=\"14\">x</text></svg>";

    fn problems(text: &str) -> usize {
        let mut problems = Vec::new();
        check_svg("x.svg", text, &mut problems);
        problems.len()
    }

    #[test]
    fn a_bad_picture_is_noticed() {
        assert_eq!(problems(GOOD), 0);
        for (from, to) in [
            ("<title>T</title>", ""),
            ("<desc>D</desc>", "<desc> </desc>"),
            ("\"14\"", "\"11\""),
            ("<text", "<image href=\"x.png\"/><text"),
            ("<text", "<style>@import 'x.css';</style><text"),
            (" viewBox=\"0 0 9 9\"", ""),
        ] {
            assert_eq!(problems(&GOOD.replacen(from, to, 1)), 1, "{from} -> {to}");
        }
    }
}
