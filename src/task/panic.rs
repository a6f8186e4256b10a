//! What the hook for panics is told.
//!
//! Book: chapter 18.

use std::any::Any;
use std::fmt;
use std::panic::Location;

use super::cell::meta::Meta;
use super::contain::{self, Payload};
use super::id::TaskId;
use crate::scheduler::shared::Shared;

/// A task that panicked, as [`on_task_panic`](crate::Builder::on_task_panic) sees it.
pub struct TaskPanic<'a> {
    task: &'a Meta<Shared>,
    payload: &'a Payload,
}

impl<'a> TaskPanic<'a> {
    pub(crate) fn new(task: &'a Meta<Shared>, payload: &'a Payload) -> Self {
        Self { task, payload }
    }

    /// The task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.id()
    }

    /// The name it was given by [`Builder::name`](super::Builder::name).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.task.name()
    }

    /// Where in the source it was spawned.
    #[must_use]
    pub fn spawn_site(&self) -> &'static Location<'static> {
        self.task.site()
    }

    /// The message given to `panic!`, or a note that the payload is not a string.
    #[must_use]
    pub fn message(&self) -> &str {
        contain::message(self.payload.as_any())
    }

    /// The payload itself, which the awaiter will get.
    #[must_use]
    pub fn payload(&self) -> &(dyn Any + Send) {
        self.payload.as_any()
    }
}

impl fmt::Debug for TaskPanic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskPanic")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("message", &self.message())
            .finish_non_exhaustive()
    }
}
