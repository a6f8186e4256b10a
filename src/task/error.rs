//! Why a task has no value.
//!
//! Book: chapter 18.

use std::any::Any;
use std::fmt;

use super::contain::{Payload, message};
use crate::sync::internal::Mutex;

/// Why a task has no value: what [`Task::outcome`](crate::Task::outcome) and
/// [`blocking::try_join!`](crate::blocking::try_join) give instead of one.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// The task was cancelled: its handle was dropped or aborted, its runtime was shut down before
    /// it finished, or no thread could be started for a blocking call.
    Cancelled,
    /// The task panicked.
    Panicked(PanicPayload),
}

impl TaskError {
    /// Was the task cancelled?
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// Did the task panic?
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }

    /// Gives the payload of the panic, for [`std::panic::resume_unwind`].
    ///
    /// # Errors
    ///
    /// The error itself, if it is no panic.
    ///
    /// ```
    /// use waterwheel::{block_on, spawn_task};
    ///
    /// let error = block_on(spawn_task!(async { panic!("no tea") }).outcome()).expect_err("it panics");
    /// let payload = error.into_panic().expect("it is a panic");
    /// assert_eq!(payload.downcast_ref(), Some(&"no tea"));
    /// ```
    pub fn into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self {
            Self::Panicked(payload) => Ok(payload.into_inner()),
            Self::Cancelled => Err(self),
        }
    }

    /// Sorts what a panic threw: the report of a cancelled task, awaited in vain, stays one.
    pub(crate) fn from_payload(payload: Payload) -> Self {
        match payload.as_any().downcast_ref::<TaskError>() {
            Some(TaskError::Cancelled) => Self::Cancelled,
            _ => Self::Panicked(PanicPayload(Mutex::new(payload))),
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("task was cancelled"),
            Self::Panicked(payload) => write!(f, "task panicked: {}", payload.message()),
        }
    }
}

impl std::error::Error for TaskError {}

/// What a panic threw.
#[derive(Debug)]
pub struct PanicPayload(
    /// The lock makes the error `Sync`, though a payload is only `Send`.
    Mutex<Payload>,
);

impl PanicPayload {
    /// The message given to `panic!`, or a note that the payload is not a string.
    #[must_use]
    pub fn message(&self) -> String {
        message(self.0.lock().as_any()).to_owned()
    }

    /// The payload itself.
    #[must_use]
    pub fn into_inner(self) -> Box<dyn Any + Send> {
        self.0.into_inner().into_inner()
    }
}
