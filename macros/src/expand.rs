//! The function that takes the async one's place.
//!
//! ```text
//! #[attributes] visibility fn NAME() -> type {
//!     async fn NAME() -> type { body }
//!     match (::waterwheel::Runtime::builder().with_high_num(2).build(), NAME()) {
//!         (Ok(runtime), future) => runtime.block_on(future),
//!         (Err(error), _) => panic!("the runtime cannot start: {error}"),
//!     }
//! }
//! ```
//!
//! The async function stays a function, with its types written out: what the compiler has to say
//! about its body, it says as if the attribute were not there.
//!
//! Book: chapter 3.

use crate::arguments::{self, Kind, Setting};
use crate::function::{Error, Function};
use proc_macro::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// Expands either attribute; mistakes become compile errors beside what can still be expanded.
pub(crate) fn expand(kind: Kind, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let (settings, errors) = arguments::parse(kind, arguments);
    let mut output: TokenStream = errors.into_iter().map(Error::into_tokens).collect();
    match Function::parse(kind, item.clone()) {
        Ok(function) => output.extend(sync_function(kind, function, settings)),
        Err(error) => {
            output.extend(error.into_tokens());
            output.extend(item);
        }
    }
    output
}

fn sync_function(kind: Kind, function: Function, settings: Vec<Setting>) -> TokenStream {
    let Function { attributes, visibility, name, output, body } = function;
    let signature = |stream: &mut TokenStream| {
        stream.extend(source("fn"));
        stream.extend([TokenTree::Ident(name.clone()), parentheses(TokenStream::new())]);
        stream.extend(output.clone());
    };

    let mut inside = source("async");
    signature(&mut inside);
    inside.extend([TokenTree::Group(body)]);
    inside.extend(run(&name, settings));

    let mut outside = TokenStream::new();
    if kind == Kind::Test {
        outside.extend(source("#[::core::prelude::v1::test]"));
    }
    outside.extend(attributes);
    outside.extend(visibility);
    signature(&mut outside);
    outside.extend([TokenTree::Group(Group::new(Delimiter::Brace, inside))]);
    outside
}

/// The `match` that builds the runtime and blocks on the async function. The function is called
/// outside the arms, where no local of ours can hide its name.
fn run(name: &Ident, settings: Vec<Setting>) -> TokenStream {
    let mut pair = source("::waterwheel::Runtime::builder()");
    for Setting { method, value } in settings {
        pair.extend(source("."));
        pair.extend([TokenTree::Ident(method), parentheses(value)]);
    }
    pair.extend(source(".build(),"));
    pair.extend([TokenTree::Ident(name.clone()), parentheses(TokenStream::new())]);

    let arms = source(
        "(::core::result::Result::Ok(runtime), future) => runtime.block_on(future),
         (::core::result::Result::Err(error), _) => {
             ::core::panic!(\"the runtime cannot start: {error}\")
         }",
    );
    let mut tokens = source("match");
    tokens.extend([parentheses(pair), TokenTree::Group(Group::new(Delimiter::Brace, arms))]);
    tokens
}

fn parentheses(inside: TokenStream) -> TokenTree {
    TokenTree::Group(Group::new(Delimiter::Parenthesis, inside))
}

fn source(rust: &str) -> TokenStream {
    rust.parse().expect("the pieces of the expansion are Rust")
}
