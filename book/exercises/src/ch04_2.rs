//! Exercise 2 of chapter 4: remember what was reported, and forget it at the right moment.
//!
//! The kernel reports each change once. So the report must be remembered until somebody finds out
//! that it is used up: a task looks, tries to read, finds nothing, and clears. But a report may come
//! *between* its look and its clearing, and that one must stay.

use std::sync::atomic::AtomicU64;

/// Whether a socket is worth trying.
#[derive(Debug, Default)]
pub struct Readiness {
    /// Yours to divide: one bit is not enough.
    pub word: AtomicU64,
}

/// What somebody saw.
#[derive(Clone, Copy, Debug)]
pub struct Seen(pub u64);

impl Seen {
    /// Whether it was worth trying then.
    #[must_use]
    pub fn is_ready(self) -> bool {
        todo!("which bit says so?")
    }
}

impl Readiness {
    /// The reactor's side: there is news.
    pub fn report(&self) {
        todo!("set the bit, and make the word differ from every word before")
    }

    /// The task's side, before it tries.
    #[must_use]
    pub fn look(&self) -> Seen {
        todo!("load the word")
    }

    /// The task's side, after it has tried in vain. Nothing happens if there was a report since.
    #[expect(unused_variables, reason = "this is for you to write")]
    pub fn clear(&self, seen: Seen) {
        todo!("`compare_exchange` from what was seen")
    }
}
