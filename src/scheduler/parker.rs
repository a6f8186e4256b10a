//! How one worker falls asleep and is woken: on a condition variable, or inside the driver.
//!
//! ```text
//!               park                  unpark
//!   EMPTY ----------------> PARKED ----------+
//!     |  \-- enter_driver -> IN_DRIVER ----+ |        unpark always ends in NOTIFIED; what it
//!     |                                    v v        found says how the sleeper is woken:
//!     +------- unpark -----------------> NOTIFIED     the condition variable, the driver, or,
//!     ^                                      |        if it is not asleep yet, not at all
//!     +--------------- the worker goes on ---+
//! ```
//!
//! A wake-up is never lost: it stays in the state as NOTIFIED until the worker has seen it, and a
//! worker that finds it on its way to sleep does not sleep.
//!
//! Book: chapter 13.

use crate::sync::internal::{AtomicU8, Condvar, Mutex, Ordering};

const EMPTY: u8 = 0;
const PARKED: u8 = 1;
const IN_DRIVER: u8 = 2;
const NOTIFIED: u8 = 3;

/// What must be done to wake a worker after [`Parker::unpark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Wake {
    /// Nothing: it was awake, or it is awake now.
    Done,
    /// It sleeps in the driver: unpark that.
    Driver,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Parker {
    state: AtomicU8,
    lock: Mutex<()>,
    woken: Condvar,
}

impl Parker {
    pub(crate) fn new() -> Self {
        Self { state: AtomicU8::new(EMPTY), lock: Mutex::new(()), woken: Condvar::new() }
    }

    /// Sleeps until [`unpark`](Self::unpark); returns at once if that has come already.
    pub(crate) fn park(&self) {
        let mut guard = self.lock.lock();
        if self.state.compare_exchange(EMPTY, PARKED, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            while self.state.load(Ordering::SeqCst) == PARKED {
                guard = self.woken.wait(guard);
            }
        }
        drop(guard);
        self.go_on();
    }

    /// Announces that this worker sleeps in the driver. `false`: it was woken already, and must not.
    pub(crate) fn enter_driver(&self) -> bool {
        let entered = self
            .state
            .compare_exchange(EMPTY, IN_DRIVER, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok();
        if !entered {
            self.go_on();
        }
        entered
    }

    /// The worker is back from the driver. Has somebody woken it?
    pub(crate) fn leave_driver(&self) -> bool {
        self.go_on() == NOTIFIED
    }

    /// The worker is awake. A swap, not a store: it reads the last NOTIFIED, and with it comes what
    /// that notifier had queued before, even if it is the second one to come.
    fn go_on(&self) -> u8 {
        self.state.swap(EMPTY, Ordering::SeqCst)
    }

    /// Wakes the worker, now or when it next tries to sleep.
    pub(crate) fn unpark(&self) -> Wake {
        match self.state.swap(NOTIFIED, Ordering::SeqCst) {
            PARKED => {
                // The sleeper checks the state with the lock held: after this it is waiting.
                drop(self.lock.lock());
                self.woken.notify_one();
                Wake::Done
            }
            IN_DRIVER => Wake::Driver,
            _ => Wake::Done,
        }
    }
}
