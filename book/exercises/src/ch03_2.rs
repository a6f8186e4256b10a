//! Exercise 2 of chapter 3: sleeping without a nap.
//!
//! The worker of step 4 cannot wait for two channels, so it naps. Build the two lanes so that it can
//! wait for both: one lock around both queues, and one condition variable that is notified whenever
//! either of them grows.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};

/// What the lock guards.
#[derive(Debug)]
pub struct Queues<T> {
    /// The lane that is served first.
    pub high: VecDeque<T>,
    /// The lane that is served second.
    pub low: VecDeque<T>,
    /// Whether nothing more will come.
    pub closed: bool,
}

/// Two lanes that one thread can wait for together.
#[derive(Debug)]
pub struct Lanes<T> {
    /// Both queues.
    pub queues: Mutex<Queues<T>>,
    /// Notified when a queue has grown, and when the lanes were closed.
    pub changed: Condvar,
}

impl<T> Lanes<T> {
    /// Makes two empty lanes.
    pub fn new() -> Self {
        let queues = Queues { high: VecDeque::new(), low: VecDeque::new(), closed: false };
        Self { queues: Mutex::new(queues), changed: Condvar::new() }
    }

    /// Puts `task` at the back of lane High.
    #[expect(unused_variables, clippy::needless_pass_by_value, reason = "this is for you to write")]
    pub fn push_high(&self, task: T) {
        todo!("lock, push, notify one waiter")
    }

    /// Puts `task` at the back of lane Low.
    #[expect(unused_variables, clippy::needless_pass_by_value, reason = "this is for you to write")]
    pub fn push_low(&self, task: T) {
        todo!("lock, push, notify one waiter")
    }

    /// Lets every waiter return once the lanes are empty.
    pub fn close(&self) {
        todo!("set the flag under the lock; how many waiters have to hear of it?")
    }

    /// Waits for a task and takes it, from High if there is one there; `None` when the lanes are closed
    /// and empty.
    pub fn take(&self) -> Option<T> {
        todo!("`Condvar::wait_while` repeats the look for you: a waiter may wake for nothing")
    }
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self::new()
    }
}
