//! The alarm: how a new timer reaches a thread that already sleeps until a later one.
//!
//! Whoever holds the driver sleeps at most until the earliest timer. A timer that is added
//! meanwhile may be earlier. Both sides meet on two words: `next`, the earliest timer (one word
//! per shard), and `parked_until`, the tick until which the holder sleeps (0 while it is awake).
//!
//! ```text
//!   the holder                              who adds a timer due at `when`
//!   H1  parked_until = MAX                  A1  next = min(next, when)
//!   H2  fence                               A2  fence
//!   H3  earliest = next                     A3  when < parked_until?
//!   H4  parked_until: MAX -> earliest       A4  parked_until = 0; if it was not 0: unpark
//!       (not if it is no longer MAX)
//!   H5  sleep until earliest
//!   H6  parked_until = 0
//! ```
//!
//! No timer is slept over. Of the two fences one comes first in the single order of all fences:
//! - H2 before A2: A3 reads MAX or something later. MAX: it is earlier than that, so it claims the
//!   alarm (A4) and unparks; H4 then fails, or the sleep ends at once. The holder's `earliest`:
//!   either the timer is not earlier and the holder is up in time, or it is and A4 unparks. 0: the
//!   holder has woken up since, or another timer has claimed the alarm and is about to unpark it.
//! - A2 before H2: H3 reads the new `next`, and `earliest` takes the timer into account.
//!
//! Writing 0 at A4 means that of many timers added at once only one pays for the system call.
//!
//! Book: chapter 14.

use crate::sync::internal::{AtomicU64, Ordering, fence};

/// A tick that never comes.
pub(crate) const NEVER: u64 = u64::MAX;

const AWAKE: u64 = 0;

/// The earliest timer of one shard; [`NEVER`] if it has none. Written under the shard's lock.
#[derive(Debug)]
pub(crate) struct Next(AtomicU64);

impl Next {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(NEVER))
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: ordered by the fences of `prepare` and `adds`; a stale value elsewhere means
        // that a timer is seen one turn later.
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, tick: u64) {
        // Relaxed: see `get`.
        self.0.store(tick, Ordering::Relaxed);
    }
}

/// Where the sleeping holder and the threads that add timers meet.
#[derive(Debug)]
pub(crate) struct Alarm {
    parked_until: AtomicU64,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Self { parked_until: AtomicU64::new(AWAKE) }
    }

    /// H1 to H6, around one wait. `sleep` waits until the tick that it is given; given none, it
    /// must not wait.
    pub(crate) fn wait(&self, earliest: impl FnOnce() -> u64, sleep: impl FnOnce(Option<u64>)) {
        self.prepare();
        let earliest = earliest();
        sleep(self.set(earliest).then_some(earliest));
        self.awake();
    }

    /// H1 and H2: from now on every timer that is added unparks the holder.
    fn prepare(&self) {
        // Relaxed: ordered by the fence, which pairs with the one in `adds`. A swap, so that a claim
        // still under way from the wait before is overwritten for everybody, and by nobody else.
        self.parked_until.swap(NEVER, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// H4: from now on only timers before `earliest` do. False: one has already claimed the
    /// alarm, and the holder must not sleep.
    fn set(&self, earliest: u64) -> bool {
        // Relaxed: the value itself is all that is passed; `next` was ordered by the fences.
        self.parked_until
            .compare_exchange(NEVER, earliest, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// H6.
    fn awake(&self) {
        // Relaxed: a timer that still sees the old value unparks once more than it had to.
        self.parked_until.store(AWAKE, Ordering::Relaxed);
    }

    /// A2 to A4, after `next` has been lowered: whether the caller must unpark the holder.
    #[must_use]
    pub(crate) fn adds(&self, when: u64) -> bool {
        fence(Ordering::SeqCst);
        // Relaxed: ordered by the fence, which pairs with the one in `prepare`.
        when < self.parked_until.load(Ordering::Relaxed)
            && self.parked_until.swap(AWAKE, Ordering::Relaxed) != AWAKE
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_unparked_while_the_holder_is_awake() {
        let alarm = Alarm::new();
        assert!(!alarm.adds(1));
    }

    #[test]
    fn a_timer_added_while_the_holder_prepares_keeps_it_awake() {
        let alarm = Alarm::new();
        alarm.prepare();
        assert!(alarm.adds(500));
        assert!(!alarm.set(NEVER), "the alarm is claimed");
    }

    #[test]
    fn only_an_earlier_timer_unparks_the_sleeping_holder_and_only_once() {
        let alarm = Alarm::new();
        alarm.prepare();
        assert!(alarm.set(100));
        assert!(!alarm.adds(100));
        assert!(!alarm.adds(101));
        assert!(alarm.adds(99));
        assert!(!alarm.adds(98), "the first one has already unparked it");
    }

    #[test]
    fn a_holder_without_timers_sleeps_until_any_is_added() {
        let alarm = Alarm::new();
        alarm.prepare();
        assert!(alarm.set(NEVER));
        assert!(alarm.adds(NEVER - 1));
        alarm.awake();
        assert!(!alarm.adds(1));
    }
}
