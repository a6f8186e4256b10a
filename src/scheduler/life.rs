//! How far a runtime has come in its life, and who drops a task that is queued at its very end.
//!
//! The race is between a thread that queues a task and the one that shuts the runtime down and
//! empties the queues:
//!
//! ```text
//! pusher                                closer
//! P1 push the task                      C1 enter Closed
//! P2 fence (`Idle::notify`)             C2 fence
//! P3 Closed? empty the queue            C3 empty the queue, for the last time
//! ```
//!
//! No task stays behind. If P2 comes first, C3 finds the task. If C2 comes first, P3 sees the phase.
//!
//! Book: chapter 18.

use crate::sync::internal::{AtomicU8, Ordering, fence};

/// How far a runtime has come in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    Running,
    /// Tasks may end by themselves; no new ones are accepted.
    Grace,
    /// Workers leave; what is queued is dropped by whoever shuts the runtime down.
    Cancelling,
    /// What is woken now is dropped where it is woken.
    Closed,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Life(AtomicU8);

impl Life {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(Phase::Running as u8))
    }

    /// Goes on to `phase`, never back. For the last one these are C1 and C2; the others are seen
    /// when they are seen.
    pub(crate) fn enter(&self, phase: Phase) {
        self.0.fetch_max(phase as u8, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    pub(crate) fn is_at_least(&self, phase: Phase) -> bool {
        self.0.load(Ordering::SeqCst) >= phase as u8
    }

    /// P3, after a push and a fence: `pop` empties the queue if nobody else will.
    pub(crate) fn drop_late<T>(&self, pop: impl Fn() -> Option<T>) {
        if self.is_at_least(Phase::Closed) {
            while let Some(late) = pop() {
                drop(late);
            }
        }
    }
}
