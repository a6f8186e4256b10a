//! Exercise 1 of chapter 17: the eyes of a watchdog.
//!
//! A worker counts its polls, and says whether it is inside one. The watchdog looks after each pause. A
//! poll is slow when a worker was seen inside the same one in three looks in a row, which makes two
//! whole pauses; and that is to be said once for each slow poll, not again at each look.

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
    // What do you need?
}

impl Eyes {
    /// One look, a whole pause after the one before. True: a poll has just been found slow.
    #[expect(unused_variables, reason = "this is for you to write")]
    pub fn look(&mut self, shown: Shown) -> bool {
        todo!("remember what was seen last, and for how many pauses it has not changed")
    }
}
