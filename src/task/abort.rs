//! Cancelling a task from elsewhere.
//!
//! Book: chapter 18.

use std::fmt;

use super::cell::Aborter;
use super::id::TaskId;
use crate::scheduler::shared::Shared;

/// Cancels a task; made by [`Task::abort_handle`](crate::Task::abort_handle).
///
/// It does not keep the task alive, and works after the [`Task`](crate::Task) was detached.
///
/// ```
/// use waterwheel::{block_on, spawn_task};
///
/// let task = spawn_task!(std::future::pending::<()>());
/// let handle = task.abort_handle();
/// std::thread::spawn(move || handle.abort());
/// assert!(block_on(task.outcome()).expect_err("it is cancelled").is_cancelled());
/// ```
#[derive(Clone)]
pub struct AbortHandle(Aborter<Shared>);

impl AbortHandle {
    pub(super) fn new(aborter: Aborter<Shared>) -> Self {
        Self(aborter)
    }

    /// Cancels the task: it is not polled again, and its future is dropped by the thread that would
    /// have polled it. Does nothing if it has finished; may be called any number of times.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// The task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.0.meta().id()
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("id", &self.id()).finish_non_exhaustive()
    }
}
