//! Containment: whatever panics in a user's code stops here.
//!
//! A task cell that is dropped while its future, its output or a panic's payload panics would take
//! the whole process down, since the cell below us can only abort then. So each of the three is
//! dropped under [`contain`], and a payload whose own drop panics is given a few tries and then
//! leaked, which is the only thing left to do with it.
//!
//! Not contained, because the language does not allow it: `panic = "abort"`, a second panic while
//! the first unwinds the same value, stack overflow.
//!
//! Book: chapter 18.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many payloads, each thrown by the drop of the one before, are dropped before one is leaked.
const PAYLOAD_TRIES: usize = 8;

/// Runs `f`; a panic in it becomes an error.
pub(crate) fn contain<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| Payload(Some(payload)))
}

/// What a panic threw. Dropping it never panics.
#[derive(Debug)]
pub(crate) struct Payload(Option<Box<dyn Any + Send>>);

impl Payload {
    pub(crate) fn new(payload: impl Any + Send) -> Self {
        Self(Some(Box::new(payload)))
    }

    pub(crate) fn into_inner(mut self) -> Box<dyn Any + Send> {
        self.0.take().expect("a payload is taken once, by value")
    }

    pub(crate) fn as_any(&self) -> &(dyn Any + Send) {
        self.0.as_deref().expect("a payload is taken once, by value")
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        let Some(mut payload) = self.0.take() else { return };
        for _ in 0..PAYLOAD_TRIES {
            match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                Ok(()) => return,
                Err(next) => payload = next,
            }
        }
        std::mem::forget(payload);
    }
}

/// The message of a panic: what was given to `panic!`, or a note that it was not a string.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic whose payload is not a string")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb(u32);

    impl Drop for Bomb {
        fn drop(&mut self) {
            match self.0 {
                0 => {}
                n => std::panic::resume_unwind(Box::new(Bomb(n - 1))),
            }
        }
    }

    #[test]
    fn a_payload_that_panics_in_drop_three_deep_is_contained() {
        drop(contain(|| std::panic::resume_unwind(Box::new(Bomb(3)))));
    }

    #[test]
    fn a_payload_that_never_stops_panicking_is_leaked_and_not_rethrown() {
        drop(contain(|| std::panic::resume_unwind(Box::new(Bomb(u32::MAX)))));
    }

    #[test]
    fn the_message_of_a_panic_is_found_for_both_kinds_of_string() {
        let literal = contain(|| panic!("plain")).expect_err("it panics");
        assert_eq!(message(literal.as_any()), "plain");
        let formatted = contain(|| panic!("number {}", 7)).expect_err("it panics");
        assert_eq!(message(formatted.as_any()), "number 7");
        let other = contain(|| std::panic::panic_any(7_u8)).expect_err("it panics");
        assert!(message(other.as_any()).contains("not a string"));
    }
}
