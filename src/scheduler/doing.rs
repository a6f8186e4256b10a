//! What a worker is doing, published for the watchdog.
//!
//! Each poll costs its worker one store here: which task it polls. The watchdog compares it, and
//! the worker's counts, with what it saw before, and looks the task up only when it has to name it.
//!
//! ```text
//! bits  0..33  0: nothing that could last (asleep, searching); 1: it wakes tasks after a turn of
//!              the driver; else the task's key in its shard of the registry, plus 2
//! bits 33..49  the shard
//! bits 49..64  the end of the task's number, since a slot can change hands while a poll ends
//! ```
//!
//! Book: chapter 17.

use crate::sync::internal::{AtomicU64, Ordering};
use crate::task::cell::Slot;
use crate::task::id::TaskId;

const NOTHING: u64 = 0;
const WAKING: u64 = 1;
/// What keys are moved up by.
const FIRST_KEY: u64 = 2;
const SHARD_SHIFT: u32 = 33;
const ID_SHIFT: u32 = 49;

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
    pub(crate) fn polls(&self, slot: Option<Slot>, id: TaskId) {
        // A task that is polled has been accepted by the registry, and so has a slot.
        let Slot { shard, key } = slot.unwrap_or(Slot { shard: u16::MAX, key: u32::MAX });
        let place = (u64::from(key) + FIRST_KEY) | u64::from(shard) << SHARD_SHIFT;
        self.set(place | id.as_u64() << ID_SHIFT);
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
    pub(crate) fn slot(self) -> Option<Slot> {
        let key = (self.0 & ((1 << SHARD_SHIFT) - 1)).checked_sub(FIRST_KEY)?;
        Some(Slot {
            shard: u16::try_from(self.0 >> SHARD_SHIFT & u64::from(u16::MAX)).ok()?,
            key: u32::try_from(key).ok()?,
        })
    }

    /// May the task that is polled be this one? False for certain; true but for one in 32,768 of
    /// those that take over a slot just then.
    pub(crate) fn may_be(self, id: TaskId) -> bool {
        self.0 >> ID_SHIFT == id.as_u64() << ID_SHIFT >> ID_SHIFT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_is_read_as_it_was_written() {
        let doing = Doing::new();
        for (shard, key) in [(0, 0), (1, 7), (u16::MAX, u32::MAX)] {
            let id = TaskId::next();
            doing.polls(Some(Slot { shard, key }), id);
            let seen = doing.get();
            let slot = seen.slot().expect("a poll has a slot");
            assert_eq!((slot.shard, slot.key), (shard, key));
            assert!(seen.is_work() && seen.may_be(id));
            assert!(!seen.may_be(TaskId::next()));
        }
    }

    #[test]
    fn rest_and_waking_name_no_task() {
        let doing = Doing::new();
        assert!(!doing.get().is_work());
        doing.wakes();
        assert!(doing.get().is_work() && doing.get().slot().is_none());
        doing.rests();
        assert!(!doing.get().is_work() && doing.get().slot().is_none());
    }
}
