//! Whether the watchdog watches or sleeps.
//!
//! While somebody idles who would do what a stuck worker leaves undone, nothing starves and there
//! is nothing to watch: so the watchdog sleeps, without a time-out, and a runtime without work makes
//! no wake-ups. Whoever becomes busy and leaves a gap arms it. The race is between him and a
//! watchdog that finds no gap and is about to sleep:
//!
//! ```text
//! watchdog (disarm)                      worker (becomes busy)
//! D1 level := Off                        B1 leave the searchers
//! D2 fence                               B2 fence
//! D3 is it needed? arm again             B3 is the level high enough? done
//!    else sleep until armed              B4 is it needed? raise the level, and wake the watchdog
//! ```
//!
//! The watchdog never sleeps over a gap. If B2 comes first, D3 sees that the worker idles no more.
//! If D2 comes first, B3 sees `Off`, or a level that somebody has set since, and B4 sees at least the
//! gap that its own worker has left. Of several workers that become busy at once, the last one in
//! the order of their fences sees all of them gone. B1 and B2 are the caller's
//! ([`Idle::found_work`](super::idle::Idle::found_work)).
//!
//! There are two levels, since a gap is not all there is to watch for. A task in a LIFO slot is seen
//! by nobody else, however many sleep; and who has asked for reports wants them all. Both need
//! [`Watch::Everyone`], which lasts as long as anybody is busy. That is why a worker that fills its
//! slot needs no fence: its own B2, at the begin of this busy spell, is ordered against D2 already.
//! Either D3 has seen it busy, or it reads what D1 wrote or what came after.
//!
//! Book: chapter 17.

use std::time::Duration;

use crate::sync::internal::{AtomicU8, Condvar, Mutex, Ordering, fence};

/// For what the watchdog watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Watch {
    /// Nothing: it sleeps.
    Off,
    /// Slow polls, while some lane or the driver has nobody who idles.
    Gaps,
    /// Slow polls, while anybody is busy.
    Everyone,
}

impl Watch {
    fn from(level: u8) -> Self {
        match level {
            0 => Self::Off,
            1 => Self::Gaps,
            _ => Self::Everyone,
        }
    }
}

/// How the watchdog's sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slept {
    /// A whole pause has passed.
    Paused,
    /// It was armed, or the runtime ends.
    Woken,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Arming {
    level: AtomicU8,
    lock: Mutex<()>,
    raised: Condvar,
}

impl Arming {
    pub(crate) fn new() -> Self {
        Self {
            level: AtomicU8::new(Watch::Off as u8),
            lock: Mutex::new(()),
            raised: Condvar::new(),
        }
    }

    /// B3: one load.
    pub(crate) fn is_at_least(&self, level: Watch) -> bool {
        // Relaxed: ordered by the fence of the caller, see the module.
        self.level.load(Ordering::Relaxed) >= level as u8
    }

    /// Raises the level, and wakes the watchdog if it was off. True: it was.
    pub(crate) fn arm(&self, level: Watch) -> bool {
        let was_off = self.level.fetch_max(level as u8, Ordering::SeqCst) == Watch::Off as u8;
        if was_off && level > Watch::Off {
            self.wake();
        }
        was_off
    }

    /// D1 to D3: `is_needed` tells for a level whether there is still something to watch for.
    pub(crate) fn disarm(&self, is_needed: impl FnOnce(Watch) -> bool) {
        let level = Watch::from(self.level.swap(Watch::Off as u8, Ordering::SeqCst));
        fence(Ordering::SeqCst);
        if is_needed(level) {
            self.arm(level);
        }
    }

    /// The watchdog could not be started: whoever needs it next tries again.
    pub(crate) fn give_up(&self) {
        self.level.store(Watch::Off as u8, Ordering::SeqCst);
    }

    /// Ends the watchdog's sleep: it is armed, or `ends` may have become true.
    pub(crate) fn wake(&self) {
        // Whoever waits checks both with the lock held: after this it is waiting.
        drop(self.lock.lock());
        self.raised.notify_all();
    }

    /// For the watchdog: sleeps for `pause` if it is armed, else until it is; or until `ends`.
    pub(crate) fn sleep(&self, pause: Duration, ends: impl Fn() -> bool) -> Slept {
        let mut guard = self.lock.lock();
        let is_off = || self.level.load(Ordering::SeqCst) == Watch::Off as u8;
        if is_off() {
            while is_off() && !ends() {
                guard = self.raised.wait(guard);
            }
            return Slept::Woken;
        }
        let mut timed_out = false;
        while !timed_out && !ends() {
            (guard, timed_out) = self.raised.wait_for(guard, pause);
        }
        if timed_out { Slept::Paused } else { Slept::Woken }
    }
}
