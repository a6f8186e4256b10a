//! Turns what ended a run into text, with care: an error's `Display` and `Drop`, and a panic
//! payload's `Drop`, are other people's code and may themselves panic.
//!
//! Book: chapter 22.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::BoxError;
use crate::task::TaskError;

/// Runs other people's code; gives `None` if it panics.
pub(super) fn contained<T>(code: impl FnOnce() -> T) -> Option<T> {
    // Leaked on purpose: a payload whose drop panics must not get us after all.
    catch_unwind(AssertUnwindSafe(code)).map_err(mem::forget).ok()
}

/// An error and its sources in one line, as in `cannot bind: address in use`. Drops the error.
pub(super) fn error_message(error: BoxError) -> String {
    let message = contained(move || {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            message.push_str(": ");
            message.push_str(&error.to_string());
            source = error.source();
        }
        message
    });
    message.unwrap_or_else(|| "an error whose text panics".to_owned())
}

/// The text a task panicked with, or why else it gave nothing. Drops the payload.
pub(super) fn panic_message(error: TaskError) -> String {
    let message = match &error {
        TaskError::Panicked(payload) => payload.message(),
        other => other.to_string(),
    };
    contained(move || drop(error));
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;
    use std::{fmt, io};

    #[test]
    fn a_message_names_all_sources() {
        #[derive(Debug)]
        struct Outer(io::Error);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("cannot bind")
            }
        }
        impl Error for Outer {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let error = Outer(io::Error::other("address in use"));
        assert_eq!(error_message(Box::new(error)), "cannot bind: address in use");
    }

    #[test]
    fn an_error_that_panics_when_shown_or_dropped_is_contained() {
        #[derive(Debug)]
        struct Nasty(bool);
        impl fmt::Display for Nasty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                assert!(!self.0, "no text");
                f.write_str("text")
            }
        }
        impl Error for Nasty {}
        impl Drop for Nasty {
            fn drop(&mut self) {
                assert!(self.0, "no drop");
            }
        }
        for nasty in [Nasty(true), Nasty(false)] {
            assert_eq!(error_message(Box::new(nasty)), "an error whose text panics");
        }
    }
}
