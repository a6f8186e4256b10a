//! Rust source as a flat list of tokens with line numbers: enough to find imports, keywords and
//! braces, and to pass over comments, strings and what is compiled for tests alone.

/// What a rule can ask about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword.
    Word(String),
    /// One punctuation character, or one bracket.
    Sign(char),
    /// A string, character or number; its text is of no interest here.
    Literal,
}

/// A token and the line it stands on, counted from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) line: usize,
}

impl Token {
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(own) if own == word)
    }

    pub(crate) fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// Splits source text into tokens.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut reader = Reader { rest: source, line: 1, tokens: Vec::new() };
    while reader.step() {}
    reader.tokens
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    /// Takes one token, comment or white space; false at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        if self.rest.starts_with("//") {
            let length = self.rest.find('\n').unwrap_or(self.rest.len());
            self.skip(length);
        } else if self.rest.starts_with("/*") {
            let length = block_comment(self.rest);
            self.skip(length);
        } else if let Some(length) = string(self.rest).or_else(|| character(self.rest)) {
            self.push(Kind::Literal, length);
        } else if first.is_alphabetic() || first == '_' {
            let length = word_length(self.rest);
            self.push(Kind::Word(self.rest[..length].to_owned()), length);
        } else if first.is_ascii_digit() {
            let length = word_length(self.rest);
            self.push(Kind::Literal, length);
        } else if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else {
            self.push(Kind::Sign(first), first.len_utf8());
        }
        true
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { kind, line: self.line });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
    }
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len())
}

/// The length of a block comment, nested ones included.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let here = &text.as_bytes()[at..];
        if here.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if here.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of a string literal of any kind, if one begins here.
fn string(text: &str) -> Option<usize> {
    let prefix = ["", "b", "c", "r", "br", "cr"].into_iter().find(|prefix| {
        let after = text.strip_prefix(prefix).unwrap_or_default();
        let hashes = if prefix.ends_with('r') { after.trim_start_matches('#') } else { after };
        hashes.starts_with('"')
    })?;
    let body = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.find('"').expect("the prefix was followed by a quote");
        let end = format!("\"{}", &body[..hashes]);
        let close = body[hashes + 1..].find(&end).map_or(body.len(), |at| hashes + 1 + at);
        return Some((prefix.len() + close + end.len()).min(text.len()));
    }
    Some(prefix.len() + quoted(body, '"'))
}

/// The length of a character literal, if one begins here; a lifetime's quote is a sign.
fn character(text: &str) -> Option<usize> {
    let body = text.strip_prefix('b').filter(|rest| rest.starts_with('\'')).unwrap_or(text);
    let inside = body.strip_prefix('\'')?;
    let is_lifetime = !inside.starts_with('\\') && inside.chars().nth(1) != Some('\'');
    (!is_lifetime).then(|| text.len() - body.len() + quoted(body, '\''))
}

/// The length of what stands between quotes, quotes and escapes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = true; // the opening quote closes nothing
    for (at, c) in text.char_indices() {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = at > 0 && c == '\\' && !escaped;
    }
    text.len()
}

/// Drops every item that only tests or models compile: `#[cfg(test)]`, `#[cfg(all(test, waterwheel_loom))]`.
pub(crate) fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        match test_attribute(tokens, at) {
            Some(after) => at = item_end(tokens, after),
            None => {
                kept.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    kept
}

/// If `#[cfg(..)]` with the word `test`, but not `not`, begins here: where it ends.
fn test_attribute(tokens: &[Token], at: usize) -> Option<usize> {
    let [hash, bracket, cfg, ..] = &tokens[at..] else { return None };
    if !(hash.is_sign('#') && bracket.is_sign('[') && cfg.is_word("cfg")) {
        return None;
    }
    let end = closing(tokens, at + 1);
    let inside = &tokens[at + 3..end];
    let has = |word: &str| inside.iter().any(|token| token.is_word(word));
    (has("test") && !has("not")).then_some(end + 1)
}

/// Where an item ends that begins here: behind its `;` or its braces.
fn item_end(tokens: &[Token], from: usize) -> usize {
    let mut at = from;
    while at < tokens.len() {
        match tokens[at].kind {
            Kind::Sign(';') => return at + 1,
            Kind::Sign('{') => return closing(tokens, at) + 1,
            Kind::Sign('(' | '[') => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    at
}

/// The index of the bracket that closes the one at `open`; the last token if none does.
pub(crate) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Sign('(' | '[' | '{') => depth += 1,
            Kind::Sign(')' | ']' | '}') => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}
