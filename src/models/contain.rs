//! What stands in for the containment of panics where the model checker runs: nothing contains them. A
//! panic there is a fault that was found, and ends the model.
//!
//! Book: chapter 19.

use std::any::Any;

#[expect(clippy::unnecessary_wraps, reason = "as the real one, which catches panics")]
pub(crate) fn contain<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    Ok(f())
}

/// What a panic threw.
#[derive(Debug)]
pub(crate) struct Payload(Box<dyn Any + Send>);

impl Payload {
    pub(crate) fn new(payload: impl Any + Send) -> Self {
        Self(Box::new(payload))
    }

    pub(crate) fn into_inner(self) -> Box<dyn Any + Send> {
        self.0
    }

    pub(crate) fn as_any(&self) -> &(dyn Any + Send) {
        &*self.0
    }
}

pub(crate) fn message(_: &(dyn Any + Send)) -> &str {
    "a panic"
}
