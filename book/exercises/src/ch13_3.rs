//! Exercise 3 of chapter 13: is the fence needed?
//!
//! A pusher stores "there is a task" and loads "is anybody asleep?"; a worker stores "I am asleep" and
//! loads "is there a task?". If both loads say no, the wake-up is lost. Can that happen at all? Both
//! stored before they loaded.

/// What stands between the store and the load of each thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Nothing.
    Nothing,
    /// `fence(SeqCst)`.
    Fence,
}

/// In how many of `pairs` tries do two threads look past each other?
#[must_use]
#[expect(unused_variables, reason = "this is for you to write")]
pub fn looked_past(pairs: usize, between: Between) -> usize {
    todo!("a vector of flags for either thread; all Relaxed; and let them meet before each try")
}
