//! Exercise 1 of chapter 13, solved: announce, then look.

use std::sync::atomic::{AtomicBool, Ordering};

/// Where a worker sleeps: the flag by which it says so.
#[derive(Debug, Default)]
pub struct Doorbell {
    asleep: AtomicBool,
}

impl Doorbell {
    /// Sleeps by calling `park`, once, unless there is work. `has_work` looks into the queue.
    pub fn sleep(&self, has_work: impl Fn() -> bool, park: impl FnOnce()) {
        self.asleep.store(true, Ordering::SeqCst);
        if !has_work() {
            park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }

    /// Must whoever has pushed unpark the worker? To one push only the answer is yes.
    #[must_use]
    pub fn must_wake(&self) -> bool {
        self.asleep.swap(false, Ordering::SeqCst)
    }
}
