//! Exercise 1 of chapter 13: announce, then look.
//!
//! A worker has found its queue empty and wants to sleep. Whoever pushes asks `must_wake` right after
//! the push, and unparks the worker if the answer is `true`. The tests push at every moment in between.

use std::sync::atomic::AtomicBool;

/// Where a worker sleeps: the flag by which it says so.
#[derive(Debug, Default)]
pub struct Doorbell {
    #[expect(dead_code, reason = "this is for you to use")]
    asleep: AtomicBool,
}

impl Doorbell {
    /// Sleeps by calling `park`, once, unless there is work. `has_work` looks into the queue.
    #[expect(unused_variables, reason = "this is for you to write")]
    pub fn sleep(&self, has_work: impl Fn() -> bool, park: impl FnOnce()) {
        todo!("which comes first, the last look or the announcement?")
    }

    /// Must whoever has pushed unpark the worker? To one push only the answer is yes.
    #[must_use]
    pub fn must_wake(&self) -> bool {
        todo!("it must not be asleep twice: take the announcement back")
    }
}
