//! Cancelling a task from elsewhere.
//!
//! Book: chapter 18.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::cell::{Cold, Meta};
use super::id::TaskId;
use super::slot::Slot;
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
pub struct AbortHandle {
    runtime: Weak<Shared>,
    cold: Arc<Cold>,
    slot: Option<Slot>,
    id: TaskId,
}

impl AbortHandle {
    pub(super) fn new(meta: &Meta<Shared>) -> Self {
        Self {
            runtime: Arc::downgrade(&meta.host),
            cold: Arc::clone(meta.cold()),
            slot: meta.slot(),
            id: meta.id,
        }
    }

    /// Cancels the task: it is not polled again, and its future is dropped by the thread that would
    /// have polled it. Does nothing if it has finished; may be called any number of times.
    pub fn abort(&self) {
        // Relaxed: the wake-up below orders this before the look at it.
        self.cold.aborted.store(true, Ordering::Relaxed);
        let (Some(runtime), Some(slot)) = (self.runtime.upgrade(), self.slot) else { return };
        let waker = runtime
            .registry
            .find(slot, |task| (task.meta().id == self.id).then(|| task.waker().clone()));
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
