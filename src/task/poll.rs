//! What the hooks around a poll are told.
//!
//! Book: chapter 20.

use std::panic::Location;

use super::id::TaskId;
use crate::priority::Priority;
use crate::scheduler::shared::TaskInfo;

/// One poll of a task, as [`on_poll_start`](crate::Builder::on_poll_start) and
/// [`on_poll_end`](crate::Builder::on_poll_end) see it.
#[derive(Clone, Debug)]
pub struct TaskPoll {
    pub(crate) task: TaskInfo,
    pub(crate) worker: usize,
}

impl TaskPoll {
    /// The task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.id
    }

    /// The name it was given by [`Builder::name`](super::Builder::name).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.task.name.as_deref()
    }

    /// Where in the source it was spawned.
    #[must_use]
    pub fn spawn_site(&self) -> &'static Location<'static> {
        self.task.site
    }

    /// The task's lane.
    #[must_use]
    pub fn lane(&self) -> Priority {
        self.task.kind.lane()
    }

    /// The number of the worker that polls it: see
    /// [`WorkerMetrics::number`](crate::WorkerMetrics::number).
    #[must_use]
    pub fn worker(&self) -> usize {
        self.worker
    }
}
