//! Which modules a source file names, and whether its layer may.
//!
//! A path is followed wherever it stands, in a `use` or in the middle of an expression, as long as
//! it begins with `crate`, `self` or `super`. A name that a module re-exports counts as the module
//! it comes from: `crate::TaskError` is `task::error::TaskError`.

use crate::tokens::{Token, closing, tokens, without_tests};
use std::collections::BTreeMap;

/// The layers, each module under the number of its own. The longest entry that fits a path wins.
const LAYERS: &[(&str, u8)] = &[
    ("priority", 0),
    ("sync::internal", 0),
    ("budget", 0),
    ("sys", 0),
    ("task::contain", 0),
    ("task::error", 0),
    ("task::id", 0),
    ("task::native", 0),
    ("threads", 1),
    ("scheduler::injector", 1),
    ("scheduler::run_queue", 1),
    ("task::cell", 1),
    ("driver::wheel", 1),
    ("driver::clock", 1),
    ("driver", 2),
    ("blocking::pool", 2),
    ("token", 2),
    ("scheduler", 3),
    ("task::panic", 3), // the hook's argument
    ("task::slow", 3),  // likewise
    ("task::poll", 3),  // likewise
    ("runtime", 4),
    ("task::handle", 4), // what spawning gives back
    ("task::abort", 4),  // likewise
    ("blocking::calls", 5),
    ("task", 5),
    ("blocking", 5),
    ("time", 5),
    ("io", 5),
    ("net", 5),
    ("fs", 5),
    ("process", 5),
    ("signal", 5),
    ("sync", 5),
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

/// What the modules offer under other names than those of their definitions.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    /// Each re-exported path with the path it stands for.
    reexports: BTreeMap<String, String>,
    /// The modules that users can name at the root.
    public_modules: Vec<String>,
}

impl Crate {
    /// Reads all modules, each given with its path; `lib.rs` has the empty one.
    pub(crate) fn parse<'a>(modules: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut this = Self::default();
        for (module, source) in modules {
            this.add_module(module, &without_tests(&tokens(source)));
        }
        this
    }

    fn add_module(&mut self, module: &str, tokens: &[Token]) {
        for at in (0..tokens.len()).filter(|at| tokens[*at].is_word("pub")) {
            let scoped = tokens.get(at + 1).is_some_and(|next| next.is_sign('('));
            let next = if scoped { closing(tokens, at + 1) + 1 } else { at + 1 };
            match tokens.get(next..next + 2) {
                Some([keyword, name]) if keyword.is_word("mod") && module.is_empty() && !scoped => {
                    self.public_modules.extend(name.word().map(str::to_owned));
                }
                Some([keyword, _]) if keyword.is_word("use") => {
                    self.add_reexports(module, tokens, next + 1);
                }
                _ => {}
            }
        }
    }

    fn add_reexports(&mut self, module: &str, tokens: &[Token], at: usize) {
        let mut paths = Vec::new();
        use_tree(tokens, at, &[], &mut paths);
        for Path { segments, alias, .. } in paths {
            let name = alias.or_else(|| segments.last().cloned()).unwrap_or_default();
            if let Some(target) = absolute(module, &segments) {
                self.reexports.insert(join(module, &name), target);
            }
        }
    }

    fn is_public(&self, path: &str) -> bool {
        let first = path.split("::").next().unwrap_or_default();
        let module = self.public_modules.iter().any(|module| module == first);
        self.reexports.contains_key(first) || (module && !path.contains("internal"))
    }

    /// Follows re-exports, from one module to the next, to the definition.
    fn resolve(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for _ in 0..8 {
            // The longest beginning that is a re-export; a module beats an item of the same name.
            let ends = path.match_indices("::").map(|(at, _)| at).chain([path.len()]);
            let found =
                ends.filter(|end| layer_of(&path[..*end]).is_none_or(|(m, _)| m != &path[..*end]));
            let found =
                found.filter_map(|end| Some((end, self.reexports.get(&path[..end])?))).last();
            let Some((end, target)) = found.filter(|(end, target)| **target != path[..*end]) else {
                break;
            };
            path = format!("{target}{}", &path[end..]);
        }
        path
    }
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

/// One path as written, with the line it ends on.
#[derive(Debug)]
struct Path {
    segments: Vec<String>,
    alias: Option<String>,
    line: usize,
}

/// Every complaint about one file: `line: reason`.
pub(crate) fn complaints(whole: &Crate, module: &str, source: &str) -> Vec<(usize, String)> {
    let Some((own, layer)) = layer_of(module) else {
        return vec![(1, format!("module `{module}` has no layer: add it to the table"))];
    };
    let tokens = without_tests(&tokens(source));
    let mut complaints = Vec::new();
    for path in paths(&tokens) {
        let Some(absolute) = absolute(module, &path.segments) else { continue };
        let target = whole.resolve(&absolute);
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
        } else if layer == ON_TOP && other_layer < ON_TOP && !whole.is_public(&absolute) {
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
    let mut base: Vec<&str> = module.split("::").filter(|name| !name.is_empty()).collect();
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
