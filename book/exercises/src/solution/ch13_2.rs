//! Exercise 2 of chapter 13, solved: a parker with patience.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Where one thread sleeps. One wake-up is remembered.
#[derive(Debug, Default)]
pub struct Parker {
    notified: Mutex<bool>,
    rings: Condvar,
}

impl Parker {
    /// Sleeps until it is unparked, or for `patience`. Was it unparked?
    #[must_use]
    pub fn park_for(&self, patience: Duration) -> bool {
        let notified = self.notified.lock().expect("nobody panics with it");
        let waited = self.rings.wait_timeout_while(notified, patience, |notified| !*notified);
        let (mut notified, _) = waited.expect("nobody panics with it");
        // What the clock says does not matter: a wake-up that is there is taken.
        std::mem::take(&mut *notified)
    }

    /// Wakes the sleeper, or whoever sleeps next.
    pub fn unpark(&self) {
        *self.notified.lock().expect("nobody panics with it") = true;
        self.rings.notify_one();
    }
}
