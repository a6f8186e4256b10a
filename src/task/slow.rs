//! What the hook for slow polls is told.
//!
//! Book: chapter 17.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use super::id::TaskId;
use crate::priority::Priority;
use crate::scheduler::shared::TaskInfo;

/// A poll that takes too long, as [`on_slow_poll`](crate::Builder::on_slow_poll) sees it.
#[derive(Clone, Debug)]
pub struct SlowPoll {
    pub(crate) task: Option<TaskInfo>,
    pub(crate) lane: Priority,
    pub(crate) worker: usize,
    pub(crate) duration: Duration,
    pub(crate) waiting: usize,
}

impl SlowPoll {
    /// The task's number. `None`: the task itself has ended, and what takes so long is a waker that is
    /// not ours, called by the worker.
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.task.as_ref().map(|task| task.id)
    }

    /// The name it was given by [`Builder::name`](super::Builder::name).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.task.as_ref()?.name.as_deref()
    }

    /// Where in the source it was spawned; `None` as for [`id`](Self::id).
    #[must_use]
    pub fn spawn_site(&self) -> Option<&'static Location<'static>> {
        self.task.as_ref().map(|task| task.site)
    }

    /// The task's lane.
    #[must_use]
    pub fn lane(&self) -> Priority {
        self.lane
    }

    /// The number of the worker, as in the names of the threads. Higher numbers than those are
    /// replacements, and the highest is the reserve.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// How long it has taken so far, at least.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// How many tasks were queued behind it, on the worker's own queues. Others take them over.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }
}

impl fmt::Display for SlowPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.task, self.name()) {
            (Some(task), Some(name)) => write!(f, "task {name:?} spawned at {}", task.site)?,
            (Some(task), None) => write!(f, "task {} spawned at {}", task.id, task.site)?,
            (None, _) => f.write_str("a foreign waker")?,
        }
        write!(
            f,
            " has held worker {} in lane {} for {} ms; waiting behind it: {}",
            self.worker,
            self.lane,
            self.duration.as_millis(),
            self.waiting
        )
    }
}
