//! Exercise 2 of chapter 13: a parker with patience.
//!
//! A worker that must also look after something else every now and then sleeps for a limited time. A
//! wake-up that just misses the end of it is for the next sleep: it must not be lost.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Where one thread sleeps. One wake-up is remembered.
#[derive(Debug, Default)]
pub struct Parker {
    #[expect(dead_code, reason = "this is for you to use")]
    notified: Mutex<bool>,
    #[expect(dead_code, reason = "this is for you to use")]
    rings: Condvar,
}

impl Parker {
    /// Sleeps until it is unparked, or for `patience`. Was it unparked?
    #[must_use]
    #[expect(unused_variables, reason = "this is for you to write")]
    pub fn park_for(&self, patience: Duration) -> bool {
        todo!("`Condvar::wait_timeout_while`; and who takes the wake-up back, and when?")
    }

    /// Wakes the sleeper, or whoever sleeps next.
    pub fn unpark(&self) {
        todo!("remember, then ring")
    }
}
