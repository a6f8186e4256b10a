//! Which wake-ups are timed: one in [`EVERY`], from there to the poll, and the poll as well.
//!
//! To read the clock costs as much as a short poll, and a sample of a few hundred tells a distribution.
//!
//! Book: chapter 20.

use std::cell::Cell;

use crate::sync::internal::thread_local;

/// Every how many wake-ups one is timed. A power of two: the test is a mask.
const EVERY: u32 = 256;

/// Counts wake-ups, to find out which is timed.
#[derive(Debug)]
pub(super) struct Wakeups(Cell<u32>);

impl Wakeups {
    pub(super) const fn new() -> Self {
        Self(Cell::new(0))
    }

    /// Counts one. Is it to be timed?
    pub(super) fn is_sampled(&self) -> bool {
        let count = self.0.get().wrapping_add(1);
        self.0.set(count);
        count.is_multiple_of(EVERY)
    }
}

thread_local! {
    /// Of a thread that is no worker.
    static OUTSIDE: Wakeups = const { Wakeups::new() };
}

/// Is the wake-up by a thread that is no worker to be timed?
pub(super) fn is_sampled_outside() -> bool {
    OUTSIDE.with(Wakeups::is_sampled)
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_wake_up_in_so_many_is_timed() {
        let wakeups = Wakeups::new();
        let sampled = (0..10 * EVERY).filter(|_| wakeups.is_sampled()).count();
        assert_eq!(sampled, 10);
    }
}
