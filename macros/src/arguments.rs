//! What stands in the parentheses of an attribute: `key = value`, separated by commas.
//!
//! Words: a *key* names one method of the runtime's builder; its *value* is handed to that method
//! unread, so the compiler itself checks its type, at the place where it was written.
//!
//! Fails with an [`Error`] that names the keys there are.
//!
//! Book: chapter 3.

use crate::function::Error;
use proc_macro::{Ident, TokenStream, TokenTree};

/// Which of the two attributes is being expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Main,
    Test,
}

impl Kind {
    /// The attribute as its user writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Main => "waterwheel::main",
            Self::Test => "waterwheel::test",
        }
    }

    /// Each key with the builder's method behind it.
    fn keys(self) -> &'static [(&'static str, &'static str)] {
        const MAIN: &[(&str, &str)] =
            &[("high", "with_high_num"), ("low", "with_low_num"), ("start_paused", "start_paused")];
        const TEST: &[(&str, &str)] = &[
            ("high", "with_high_num"),
            ("low", "with_low_num"),
            ("seed", "seed"),
            ("start_paused", "start_paused"),
        ];
        match self {
            Self::Main => MAIN,
            Self::Test => TEST,
        }
    }

    /// The keys as an error message lists them.
    fn key_list(self) -> String {
        let quoted: Vec<String> =
            self.keys().iter().map(|(key, _)| format!("`{key} = ..`")).collect();
        quoted.join(", ")
    }
}

/// One call on the builder: the method, named where its key stands, and what it is given.
pub(crate) struct Setting {
    pub(crate) method: Ident,
    pub(crate) value: TokenStream,
}

/// Reads the arguments. Each mistake is an error of its own; the settings are those that are right.
pub(crate) fn parse(kind: Kind, arguments: TokenStream) -> (Vec<Setting>, Vec<Error>) {
    let mut settings: Vec<Setting> = Vec::new();
    let mut errors = Vec::new();
    for argument in split_at_commas(arguments) {
        match parse_one(kind, argument) {
            Ok(new) if settings.iter().any(|old| same_method(old, &new)) => {
                errors.push(Error::new(new.method.span(), "this argument is given twice"));
            }
            Ok(new) => settings.push(new),
            Err(error) => errors.push(error),
        }
    }
    (settings, errors)
}

fn same_method(one: &Setting, other: &Setting) -> bool {
    one.method.to_string() == other.method.to_string()
}

fn parse_one(kind: Kind, argument: Vec<TokenTree>) -> Result<Setting, Error> {
    let mut tokens = argument.into_iter();
    let first = tokens.next().expect("an argument between commas has a token");
    let TokenTree::Ident(key) = &first else {
        return Err(unknown(kind, &first));
    };
    let name = key.to_string();
    let Some((_, method)) = kind.keys().iter().find(|(key, _)| *key == name) else {
        return Err(unknown(kind, &first));
    };
    match tokens.next() {
        Some(TokenTree::Punct(equals)) if equals.as_char() == '=' => {}
        _ => return Err(no_value(key)),
    }
    let value: TokenStream = tokens.collect();
    if value.is_empty() {
        return Err(no_value(key));
    }
    Ok(Setting { method: Ident::new(method, key.span()), value })
}

fn unknown(kind: Kind, token: &TokenTree) -> Error {
    let message =
        format!("unknown argument `{token}`: #[{}] knows {}", kind.name(), kind.key_list());
    Error::new(token.span(), message)
}

fn no_value(key: &Ident) -> Error {
    Error::new(key.span(), format!("`{key}` needs a value: `{key} = ..`"))
}

/// The runs of tokens between top-level commas; empty ones, as after a trailing comma, are dropped.
fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut runs = vec![Vec::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => runs.push(Vec::new()),
            _ => runs.last_mut().expect("there is a run from the start").push(token),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}
