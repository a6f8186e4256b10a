//! Spawning with a name and a lane.
//!
//! Book: chapter 3.

use std::future::Future;

use super::Task;
use crate::priority::Priority;
use crate::runtime::{Handle, context};
use crate::task::cell::meta::Kind;

/// Spawns a task with a name.
///
/// ```
/// use waterwheel::{Priority, block_on, task};
///
/// let task = task::Builder::new().name("miller").priority(Priority::High).spawn(async { 3 });
/// assert_eq!(task.name(), Some("miller"));
/// assert_eq!(block_on(task), 3);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it spawns"]
pub struct Builder {
    name: Option<String>,
    priority: Priority,
}

impl Builder {
    /// Begins with no name and lane Low.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the task, for reports and [`Task::name`].
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Chooses the lane.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Spawns on the current runtime, or on the process default, which is started if need be.
    ///
    /// # Panics
    ///
    /// If the process default has to be started and cannot be.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_on(&context::current_or_default(), future)
    }

    /// Spawns on the runtime of `handle`.
    #[track_caller]
    pub fn spawn_on<F>(self, handle: &Handle, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let site = std::panic::Location::caller();
        Task::new(handle.shared().spawn(future, Kind::Lane(self.priority), self.name, site))
    }
}

/// Spawns a task in the given lane: the function behind [`spawn_task!`](crate::spawn_task!).
///
/// # Panics
///
/// If the process default has to be started and cannot be.
#[track_caller]
pub fn spawn_task<F>(future: F, priority: Priority) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    context::current_or_default().spawn_with(future, priority)
}
