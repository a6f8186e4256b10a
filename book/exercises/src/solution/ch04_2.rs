//! Exercise 2 of chapter 4, solved: remember what was reported, and forget it at the right moment.

use std::sync::atomic::{AtomicU64, Ordering};

const READY: u64 = 1;
/// Each report adds one here, so that no two of them leave the same word.
const TICK: u64 = 2;

/// Whether a socket is worth trying.
#[derive(Debug, Default)]
pub struct Readiness {
    /// The lowest bit is "ready", the others count the reports.
    pub word: AtomicU64,
}

/// What somebody saw.
#[derive(Clone, Copy, Debug)]
pub struct Seen(pub u64);

impl Seen {
    /// Whether it was worth trying then.
    #[must_use]
    pub fn is_ready(self) -> bool {
        self.0 & READY != 0
    }
}

impl Readiness {
    /// The reactor's side: there is news.
    pub fn report(&self) {
        let next = |word: u64| Some((word | READY).wrapping_add(TICK));
        self.word
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next)
            .expect("the closure always gives a word");
    }

    /// The task's side, before it tries.
    #[must_use]
    pub fn look(&self) -> Seen {
        Seen(self.word.load(Ordering::SeqCst))
    }

    /// The task's side, after it has tried in vain. Nothing happens if there was a report since.
    pub fn clear(&self, seen: Seen) {
        // It fails if the word is another one by now, and that is all we want of it.
        let _ =
            self.word.compare_exchange(seen.0, seen.0 & !READY, Ordering::SeqCst, Ordering::SeqCst);
    }
}
