//! Which modules a source file names, and whether its layer may.
//!
//! A path is followed wherever it stands, in a `use` or in the middle of an expression, as long as
//! it begins with `crate`, `self` or `super`. A name that `lib.rs` re-exports at the root counts
//! as the module it comes from.

use crate::tokens::{Token, closing, tokens, without_tests};
use std::collections::BTreeMap;

/// The layers, each module under the number of its own. The longest entry that fits a path wins.
const LAYERS: &[(&str, u8)] = &[
    ("priority", 0),
    ("sync::internal", 0),
    ("budget", 0),
    ("sys", 0),
    ("scheduler::injector", 1),
    ("scheduler::run_queue", 1),
    ("task::cell", 1),
    ("driver::wheel", 1),
    ("driver::clock", 1),
    ("driver", 2),
    ("blocking", 2),
    ("scheduler", 3),
    ("runtime", 4),
    ("task", 5),
    ("time", 5),
    ("io", 5),
    ("net", 5),
    ("fs", 5),
    ("process", 5),
    ("signal", 5),
    ("sync", 5),
    ("token", 5),
    ("channel", 5),
    ("stream", 5),
    ("local", 5),
    ("macros", 5),
    ("daemon", 6),
    ("bus", 6),
    ("coroutine", 6),
    ("resilience", 6),
];

const MECHANISM: u8 = 1;
const ON_TOP: u8 = 6;

/// The table's entry for a module path such as `scheduler::worker`.
pub(crate) fn layer_of(path: &str) -> Option<(&'static str, u8)> {
    let covers = |module: &str| {
        path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    LAYERS.iter().copied().filter(|(module, _)| covers(module)).max_by_key(|(m, _)| m.len())
}

/// What `lib.rs` offers at the root.
#[derive(Debug, Default)]
pub(crate) struct Root {
    /// Re-exported names with the path each comes from.
    reexports: BTreeMap<String, String>,
    /// The modules users can name.
    public_modules: Vec<String>,
}

impl Root {
    pub(crate) fn parse(lib: &str) -> Self {
        let tokens = without_tests(&tokens(lib));
        let mut root = Self::default();
        for at in 0..tokens.len() {
            if tokens[at].is_word("pub") {
                match &tokens[at + 1..] {
                    [next, name, ..] if next.is_word("mod") => {
                        root.public_modules.extend(name.word().map(str::to_owned));
                    }
                    [next, ..] if next.is_word("use") => root.add_reexports(&tokens, at + 2),
                    _ => {}
                }
            }
        }
        root
    }

    fn add_reexports(&mut self, tokens: &[Token], at: usize) {
        let mut paths = Vec::new();
        use_tree(tokens, at, &[], &mut paths);
        for Path { mut segments, alias, .. } in paths {
            if segments.first().is_some_and(|first| first == "crate" || first == "self") {
                segments.remove(0);
            }
            let name = alias.or_else(|| segments.last().cloned()).unwrap_or_default();
            self.reexports.insert(name, segments.join("::"));
        }
    }

    fn is_public(&self, path: &str) -> bool {
        let first = path.split("::").next().unwrap_or_default();
        self.reexports.contains_key(first)
            || (self.public_modules.iter().any(|module| module == first)
                && !path.contains("internal"))
    }

    /// A path with a re-exported first name replaced by what it stands for.
    fn resolve(&self, path: &str) -> String {
        let (first, rest) = path.split_once("::").unwrap_or((path, ""));
        match self.reexports.get(first) {
            // A module beats a macro or function of the same name.
            Some(target) if layer_of(first).is_none() => match rest {
                "" => target.clone(),
                rest => format!("{target}::{rest}"),
            },
            _ => path.to_owned(),
        }
    }
}

/// One path as written, with the line it ends on.
#[derive(Debug)]
struct Path {
    segments: Vec<String>,
    alias: Option<String>,
    line: usize,
}

/// Every complaint about one file: `line: reason`.
pub(crate) fn complaints(root: &Root, module: &str, source: &str) -> Vec<(usize, String)> {
    let Some((own, layer)) = layer_of(module) else {
        return vec![(1, format!("module `{module}` has no layer: add it to the table"))];
    };
    let tokens = without_tests(&tokens(source));
    let mut complaints = Vec::new();
    for path in paths(&tokens) {
        let Some(absolute) = absolute(module, &path.segments) else { continue };
        let target = root.resolve(&absolute);
        let Some((other, other_layer)) = layer_of(&target) else { continue };
        if own == other {
            continue;
        }
        let reason = if other_layer > layer {
            format!("layer {layer} (`{own}`) names `{target}` of layer {other_layer}, above it")
        } else if layer == MECHANISM && other_layer == MECHANISM {
            format!(
                "`{own}` names `{target}`: the mechanisms of layer 1 know nothing of each other"
            )
        } else if layer == ON_TOP && other_layer < ON_TOP && !root.is_public(&absolute) {
            format!("`{own}` names `{target}`: layer 6 uses the public API only")
        } else {
            continue;
        };
        complaints.push((path.line, reason));
    }
    complaints
}

/// All paths in the file that begin with `crate`, `self` or `super` and have a second segment.
fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut paths = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let begins = ["crate", "self", "super"].iter().any(|word| token.is_word(word));
        let inside = at > 0 && (tokens[at - 1].is_sign(':') || tokens[at - 1].is_sign('$'));
        if begins && !inside && tokens.get(at + 1).is_some_and(|next| next.is_sign(':')) {
            use_tree(tokens, at, &[], &mut paths);
        }
    }
    paths.retain(|path| path.segments.len() > 1);
    paths
}

/// Reads one `use` tree, or a plain path, from `at` on; groups are read to their ends.
fn use_tree(tokens: &[Token], mut at: usize, prefix: &[String], paths: &mut Vec<Path>) {
    let mut segments = prefix.to_vec();
    let mut line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        if let Some(word) = token.word() {
            line = token.line;
            if word != "self" || segments.is_empty() {
                segments.push(word.to_owned());
            }
        } else if token.is_sign('{') {
            group(tokens, at, &segments, paths);
            return;
        } else {
            break; // `*`, generics, or the end of the path
        }
        match tokens.get(at + 1..at + 3) {
            Some([one, two]) if one.is_sign(':') && two.is_sign(':') => at += 3,
            Some([alias, name]) if alias.is_word("as") => {
                let alias = name.word().map(str::to_owned);
                paths.push(Path { segments, alias, line });
                return;
            }
            _ => break,
        }
    }
    paths.push(Path { segments, alias: None, line });
}

/// Reads the members of a brace group, each with the path so far before it.
fn group(tokens: &[Token], open: usize, prefix: &[String], paths: &mut Vec<Path>) {
    let close = closing(tokens, open);
    let mut at = open + 1;
    while at < close {
        use_tree(&tokens[..close], at, prefix, paths);
        while at < close && !tokens[at].is_sign(',') {
            at = if tokens[at].is_sign('{') { closing(tokens, at) + 1 } else { at + 1 };
        }
        at += 1;
    }
}

/// A path from the crate's root, or `None` if it stays inside the module itself.
fn absolute(module: &str, segments: &[String]) -> Option<String> {
    let mut base: Vec<&str> = module.split("::").collect();
    let mut rest = segments;
    while let Some((first, others)) = rest.split_first() {
        match first.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop();
            }
            _ => break,
        }
        rest = others;
    }
    base.extend(rest.iter().map(String::as_str));
    (!rest.is_empty()).then(|| base.join("::"))
}
