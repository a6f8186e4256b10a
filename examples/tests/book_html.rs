//! Checks the rendered book: every link and anchor inside it leads somewhere, every page has one title
//! and skips no level of headings, every picture has an alternative text, the page for printing has
//! all the others, and no page loads anything from another host.
//!
//! Rendering needs the `mdbook` program, so this looks only where `WATERWHEEL_BOOK_HTML` names the
//! folder that `mdbook build book` wrote; CI renders the book and sets it. Without the variable
//! only the checker itself is tested, on broken pages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The variable that names the folder of the rendered book.
const FOLDER: &str = "WATERWHEEL_BOOK_HTML";

/// All pages in one, for printing.
const PRINT: &str = "print.html";

/// What a page of HTML contains, as far as links go.
#[derive(Debug, Default)]
struct Page {
    anchors: BTreeSet<String>,
    links: Vec<String>,
    assets: Vec<String>,
    pictures_without_alt: Vec<String>,
    /// The levels of the headings in the page's own part, in order.
    headings: Vec<u8>,
}

impl Page {
    fn read(html: &str) -> Self {
        let mut page = Self::default();
        let mut in_main = false;
        for tag in tags(html) {
            let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or("");
            in_main = (in_main || name == "main") && tag != "/main";
            if let (true, [b'h', level @ b'1'..=b'6']) = (in_main, name.as_bytes()) {
                page.headings.push(level - b'0');
            }
            for id in [attribute(tag, "id"), attribute(tag, "name")].into_iter().flatten() {
                page.anchors.insert(id);
            }
            let target = attribute(tag, "src").or_else(|| attribute(tag, "href"));
            match (name, target) {
                ("a", Some(target)) => page.links.push(target),
                ("img" | "script" | "link" | "iframe" | "source", Some(target)) => {
                    if name == "img" && attribute(tag, "alt").is_none_or(|alt| alt.is_empty()) {
                        page.pictures_without_alt.push(target.clone());
                    }
                    page.assets.push(target);
                }
                _ => {}
            }
        }
        page
    }
}

/// The inside of every tag, comments and scripts left out.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    let mut rest = html;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('<')?..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                rest = comment.split_once("-->")?.1;
                continue;
            }
            let end = rest.find('>')?;
            let tag = &rest[1..end];
            rest = &rest[end + 1..];
            if tag.starts_with("script") {
                rest = rest.split_once("</script>")?.1;
            }
            return Some(tag);
        }
    })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let at = rest.find(&format!("{name}="))?;
        let starts_a_word = rest[..at].ends_with(|c: char| c.is_whitespace());
        let value = &rest[at + name.len() + 1..];
        if starts_a_word {
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            return value[1..].split(quote).next().map(|value| value.replace("&amp;", "&"));
        }
        rest = value;
    }
}

fn is_remote(target: &str) -> bool {
    target.starts_with("http:") || target.starts_with("https:") || target.starts_with("//")
}

/// Checks pages, named by their path in the book; `exists` knows the other files.
fn check(pages: &BTreeMap<String, Page>, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, page) in pages {
        // The page for printing is all pages together, each with its title.
        let titles = page.headings.iter().filter(|level| **level == 1).count();
        if titles != 1 && path != PRINT {
            problems.push(format!("{path}: has {titles} titles"));
        }
        for pair in page.headings.windows(2).filter(|pair| pair[1] > pair[0] + 1) {
            problems
                .push(format!("{path}: a heading of level {} under one of {}", pair[1], pair[0]));
        }
        for picture in &page.pictures_without_alt {
            problems.push(format!("{path}: the picture `{picture}` has no alternative text"));
        }
        for asset in page.assets.iter().filter(|asset| is_remote(asset)) {
            problems.push(format!("{path}: loads `{asset}` from another host"));
        }
        let inside = page.links.iter().chain(&page.assets).filter(|target| {
            !is_remote(target)
                && !["mailto:", "data:", "javascript:"].iter().any(|p| target.starts_with(p))
        });
        for target in inside {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = file.split('?').next().unwrap_or("");
            let wanted = if file.is_empty() { path.clone() } else { beside(path, file) };
            match pages.get(&wanted) {
                Some(page) if anchor.is_empty() || page.anchors.contains(anchor) => {}
                Some(_) => problems.push(format!("{path}: `{target}` names no anchor of {wanted}")),
                None if exists(&wanted) => {}
                None => problems.push(format!("{path}: `{target}` leads nowhere")),
            }
        }
    }
    problems
}

/// The path of `file` as a link on the page `from` means it.
fn beside(from: &str, file: &str) -> String {
    if let Some(from_the_root) = file.strip_prefix('/') {
        return from_the_root.to_owned();
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn files(folder: &Path, inside: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the book can be listed").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if inside.is_empty() { name } else { format!("{inside}/{name}") };
        if entry.path().is_dir() {
            files(&entry.path(), &path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn every_link_of_the_rendered_book_leads_somewhere() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = if folder.is_absolute() { folder } else { root.join(folder) };
    let mut all = Vec::new();
    files(&folder, "", &mut all);
    assert!(all.iter().any(|path| path == "index.html"), "{FOLDER} names no rendered book");
    let read = |path: &String| fs::read_to_string(folder.join(path)).unwrap_or_default();
    let mut problems = Vec::new();
    for sheet in all.iter().filter(|path| path.ends_with(".css")) {
        let text = read(sheet);
        if ["url(http", "url(\"http", "url('http", "url(//", "@import"]
            .iter()
            .any(|b| text.contains(b))
        {
            problems.push(format!("{sheet}: loads something from another host"));
        }
    }
    // The page for unknown addresses is written for the root of a host, wherever it is shown, and
    // the table of contents is the inside of a frame.
    let no_page = |path: &str| path.ends_with("404.html") || path == "toc.html";
    let pages = all.iter().filter(|path| path.ends_with(".html") && !no_page(path));
    let pages: BTreeMap<String, Page> =
        pages.map(|path| (path.clone(), Page::read(&read(path)))).collect();
    problems.extend(check(&pages, &|path| folder.join(path).exists()));
    let titles = |page: &Page| page.headings.iter().filter(|level| **level == 1).count();
    let printed = pages.get(PRINT).map_or(0, titles);
    // The first page is there twice: by its name, and as the index.
    if printed + 2 != pages.len() {
        problems.push(format!("{PRINT}: has {printed} of {} pages", pages.len() - 2));
    }
    assert!(problems.is_empty(), "{} problem(s):\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn a_broken_page_is_noticed() {
    let good = "<main><h1 id=\"top\">T</h1><h2>S</h2><h3>S</h3></main><a href=\"#top\">up</a> <a href=\"b/c.html?x#far\">on</a>\
                <img src=\"p.svg\" alt=\"says it\"><a href=\"https://example.org\">out</a>";
    let problems = |html: &str| {
        let pages = BTreeMap::from([
            ("a.html".to_owned(), Page::read(html)),
            (
                "b/c.html".to_owned(),
                Page::read("<main><h1>U</h1><a id='far' href='../a.html'>back</a></main>"),
            ),
        ]);
        check(&pages, &|path| path == "p.svg").len()
    };
    assert_eq!(problems(good), 0);
    for (from, to) in [
        ("<h2>S</h2>", ""),
        ("<h2>S</h2>", "<h1>S</h1><h2>S</h2>"),
        ("#top", "#bottom"),
        ("b/c.html", "b/d.html"),
        ("#far", "#near"),
        (" alt=\"says it\"", ""),
        ("p.svg", "q.svg"),
        ("p.svg", "https://example.org/p.svg"),
    ] {
        assert_eq!(problems(&good.replacen(from, to, 1)), 1, "{from} -> {to}");
    }
}
