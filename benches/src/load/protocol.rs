//! What the load generator asks, and when an answer is whole.
//!
//! Book: chapter 20

use std::fmt;
use std::io::{self, ErrorKind};
use std::str::FromStr;

/// An echo's message.
const MESSAGE: &[u8] = &[b'w'; 64];
/// A request with what every client sends, and no more.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
const GOOD: &[u8] = b"HTTP/1.1 200 ";

/// The language that a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// 64 bytes come back as they went.
    Echo,
    /// HTTP/1.1 with keep-alive; the answer has a content length.
    Http,
}

impl Protocol {
    const ALL: [Self; 2] = [Self::Echo, Self::Http];

    fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Http => "http",
        }
    }

    pub(super) fn question(self) -> &'static [u8] {
        match self {
            Self::Echo => MESSAGE,
            Self::Http => REQUEST,
        }
    }

    /// Is `answer` all that will come?
    ///
    /// # Errors
    ///
    /// If it is not what was to be expected.
    pub(super) fn is_whole(self, answer: &[u8]) -> io::Result<bool> {
        let (whole, right) = match self {
            Self::Echo => (answer.len() == MESSAGE.len(), MESSAGE.starts_with(answer)),
            Self::Http => {
                let length = http_length(answer);
                let right = length.is_none_or(|length| answer.len() <= length)
                    && GOOD.iter().zip(answer).all(|(good, got)| good == got);
                (length == Some(answer.len()), right)
            }
        };
        if right {
            Ok(whole)
        } else {
            Err(io::Error::new(ErrorKind::InvalidData, "a wrong answer"))
        }
    }
}

/// The length of the whole answer, once its head has come.
fn http_length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let text = str::from_utf8(&answer[..head]).ok()?;
    let body = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    Some(head + 4 + body)
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|protocol| protocol.name() == text);
        found.ok_or_else(|| format!("no protocol `{text}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_answer_is_whole_with_the_last_byte_of_its_body() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ndate: today\r\n\r\nhello";
        for length in 0..answer.len() {
            assert!(matches!(Protocol::Http.is_whole(&answer[..length]), Ok(false)), "{length}");
        }
        assert!(matches!(Protocol::Http.is_whole(answer), Ok(true)));
    }

    #[test]
    fn a_wrong_answer_is_an_error() {
        for answer in [&b"HTTP/1.1 500 "[..], b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nmore"] {
            assert!(Protocol::Http.is_whole(answer).is_err());
        }
        assert!(Protocol::Echo.is_whole(b"x").is_err());
        assert!(Protocol::Echo.is_whole(&[b'w'; 65]).is_err());
        assert!(matches!(Protocol::Echo.is_whole(&[b'w'; 63]), Ok(false)));
        assert!(matches!(Protocol::Echo.is_whole(MESSAGE), Ok(true)));
    }
}
