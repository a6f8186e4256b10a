//! Exercise 1 of chapter 17, solved: the eyes of a watchdog.

/// What a worker shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// How many polls it has begun.
    pub polls: u64,
    /// Is it inside the last of them? If not, it searches or sleeps.
    pub is_inside: bool,
}

/// What the watchdog remembers of one worker.
#[derive(Debug, Default)]
pub struct Eyes {
    last: Option<Shown>,
    pauses: u32,
}

impl Eyes {
    /// One look, a whole pause after the one before. True: a poll has just been found slow.
    pub fn look(&mut self, shown: Shown) -> bool {
        if self.last == Some(shown) && shown.is_inside {
            self.pauses = self.pauses.saturating_add(1);
        } else {
            (self.last, self.pauses) = (Some(shown), 0);
        }
        self.pauses == 2
    }
}
