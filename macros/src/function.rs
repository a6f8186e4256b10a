//! An `async fn` without arguments, taken apart into what the expansion puts together again.
//!
//! The shape that is understood, and all that is:
//!
//! ```text
//! #[attribute]*  visibility?  async fn NAME ( )  (-> type)?  { body }
//! ```
//!
//! Fails with an [`Error`] on the token that does not fit.
//!
//! Book: chapter 3.

use crate::arguments::Kind;
use proc_macro::{
    Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree, token_stream,
};
use std::iter::Peekable;

/// A message for the user, and where it belongs.
pub(crate) struct Error {
    span: Span,
    message: String,
}

impl Error {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }

    /// `::core::compile_error! { "message" }`, underlined at the place of the mistake.
    pub(crate) fn into_tokens(self) -> TokenStream {
        let span = self.span;
        let mut message = TokenTree::Literal(Literal::string(&self.message));
        message.set_span(span);
        let mut tokens = TokenStream::new();
        for name in ["core", "compile_error"] {
            tokens.extend([punct(':', Spacing::Joint, span), punct(':', Spacing::Alone, span)]);
            tokens.extend([TokenTree::Ident(Ident::new(name, span))]);
        }
        let mut braces = Group::new(Delimiter::Brace, message.into());
        braces.set_span(span);
        tokens.extend([punct('!', Spacing::Alone, span), TokenTree::Group(braces)]);
        tokens
    }
}

fn punct(symbol: char, spacing: Spacing, span: Span) -> TokenTree {
    let mut punct = Punct::new(symbol, spacing);
    punct.set_span(span);
    TokenTree::Punct(punct)
}

/// The parts of the function.
pub(crate) struct Function {
    /// `#[..]` and doc comments, in order.
    pub(crate) attributes: TokenStream,
    /// Empty, `pub`, `pub(crate)` and so on.
    pub(crate) visibility: TokenStream,
    pub(crate) name: Ident,
    /// Empty or `-> type`.
    pub(crate) output: TokenStream,
    /// The body with its braces.
    pub(crate) body: Group,
}

type Tokens = Peekable<token_stream::IntoIter>;

impl Function {
    pub(crate) fn parse(kind: Kind, item: TokenStream) -> Result<Self, Error> {
        let mut tokens = item.into_iter().peekable();
        let attributes = take_attributes(&mut tokens);
        let visibility = take_visibility(&mut tokens);
        take_async_fn(kind, &mut tokens)?;
        let name = match tokens.next() {
            Some(TokenTree::Ident(name)) => name,
            other => return Err(not_a_function(kind, other)),
        };
        take_empty_parentheses(kind, &mut tokens)?;
        let mut output: Vec<TokenTree> = tokens.collect();
        match output.pop() {
            Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => {
                let output = output.into_iter().collect();
                Ok(Self { attributes, visibility, name, output, body })
            }
            _ => Err(Error::new(name.span(), "the function needs a body")),
        }
    }
}

fn take_attributes(tokens: &mut Tokens) -> TokenStream {
    let mut attributes = TokenStream::new();
    while matches!(tokens.peek(), Some(TokenTree::Punct(hash)) if hash.as_char() == '#') {
        attributes.extend(tokens.by_ref().take(2));
    }
    attributes
}

fn take_visibility(tokens: &mut Tokens) -> TokenStream {
    let mut visibility = TokenStream::new();
    if is_word(tokens.peek(), "pub") {
        visibility.extend(tokens.next());
        if matches!(tokens.peek(), Some(TokenTree::Group(scope))
            if scope.delimiter() == Delimiter::Parenthesis)
        {
            visibility.extend(tokens.next());
        }
    }
    visibility
}

/// Takes `async fn`; names what is there instead.
fn take_async_fn(kind: Kind, tokens: &mut Tokens) -> Result<(), Error> {
    let first = tokens.next();
    if is_word(first.as_ref(), "async") && is_word(tokens.peek(), "fn") {
        tokens.next();
        return Ok(());
    }
    match first {
        Some(word) if is_word(Some(&word), "fn") => Err(Error::new(
            word.span(),
            format!("#[{}] is for an `async fn`: write `async` before `fn`", kind.name()),
        )),
        Some(word)
            if ["async", "const", "unsafe", "extern"].iter().any(|w| is_word(Some(&word), w)) =>
        {
            Err(Error::new(
                word.span(),
                format!("#[{}] is for an `async fn` that is nothing else beside", kind.name()),
            ))
        }
        other => Err(not_a_function(kind, other)),
    }
}

fn take_empty_parentheses(kind: Kind, tokens: &mut Tokens) -> Result<(), Error> {
    match tokens.next() {
        Some(TokenTree::Group(list)) if list.delimiter() == Delimiter::Parenthesis => {
            if list.stream().is_empty() {
                return Ok(());
            }
            let message = format!("a function under #[{}] takes no arguments", kind.name());
            Err(Error::new(list.span(), message))
        }
        Some(token) => {
            let message =
                format!("a function under #[{}] takes no generic parameters", kind.name());
            Err(Error::new(token.span(), message))
        }
        None => Err(not_a_function(kind, None)),
    }
}

fn not_a_function(kind: Kind, token: Option<TokenTree>) -> Error {
    let span = token.map_or_else(Span::call_site, |token| token.span());
    Error::new(span, format!("#[{}] goes on an `async fn`", kind.name()))
}

fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident.to_string() == word)
}
