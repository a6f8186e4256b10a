//! Exercise 1 of chapter 1, solved: a latch.

use std::sync::{Condvar, Mutex};

/// Lets threads wait until others have counted down to zero.
#[derive(Debug)]
pub struct Latch {
    count: Mutex<usize>,
    at_zero: Condvar,
}

impl Latch {
    /// Makes a latch that has to be counted down `count` times.
    pub fn new(count: usize) -> Self {
        Self { count: Mutex::new(count), at_zero: Condvar::new() }
    }

    /// Counts down by one. Below zero it does nothing.
    pub fn count_down(&self) {
        let mut count = self.count.lock().expect("nobody panics with the lock held");
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.at_zero.notify_all();
        }
    }

    /// Waits until the latch is at zero; returns at once if it is.
    pub fn wait(&self) {
        let count = self.count.lock().expect("nobody panics with the lock held");
        let waiting = self.at_zero.wait_while(count, |count| *count > 0);
        drop(waiting.expect("nobody panics with the lock held"));
    }
}
