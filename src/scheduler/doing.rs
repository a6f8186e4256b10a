//! What a worker is doing, published for the watchdog.
//!
//! Each poll costs its worker one store here: whose poll it is, as the task's [`Place`] among the
//! live ones. The watchdog compares it, and the worker's counts, with what it saw before, and looks
//! the task up only when it has to name it. Words that are no place say what else a worker may do.
//!
//! Book: chapter 17.

use crate::sync::internal::{AtomicU64, Ordering};
use crate::task::cell::meta::Place;

/// Nothing that may last: it searches, sleeps, or has handed its part on.
const NOTHING: u64 = u64::MAX;
/// It calls the wakers that a turn of the driver has given it.
const WAKING: u64 = u64::MAX - 1;

/// See the module.
#[derive(Debug)]
pub(crate) struct Doing(AtomicU64);

/// What was read from a [`Doing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Activity(u64);

impl Doing {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(NOTHING))
    }

    /// A poll begins.
    pub(crate) fn polls(&self, task: Place) {
        self.set(task.word());
    }

    /// The worker is about to wake tasks, which is anybody's code.
    pub(crate) fn wakes(&self) {
        self.set(WAKING);
    }

    /// The worker has nothing to do, or has handed its part on.
    pub(crate) fn rests(&self) {
        self.set(NOTHING);
    }

    fn set(&self, activity: u64) {
        // Relaxed: the watchdog acts on what stays the same for milliseconds.
        self.0.store(activity, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Activity {
        Activity(self.0.load(Ordering::Relaxed))
    }
}

impl Activity {
    /// Can it last, without being sleep?
    pub(crate) fn is_work(self) -> bool {
        self.0 != NOTHING
    }

    /// The place of the task that is polled.
    pub(crate) fn place(self) -> Option<Place> {
        Place::from_word(self.0)
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_poll_names_its_task_and_rest_and_waking_name_none() {
        let doing = Doing::new();
        assert!(!doing.get().is_work() && doing.get().place().is_none());
        let task = Place::from_word(7).expect("it may be one");
        doing.polls(task);
        assert!(doing.get().is_work() && doing.get().place() == Some(task));
        doing.wakes();
        assert!(doing.get().is_work() && doing.get().place().is_none());
        doing.rests();
        assert!(!doing.get().is_work() && doing.get().place().is_none());
    }
}
