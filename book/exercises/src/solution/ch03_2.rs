//! Exercise 2 of chapter 3, solved: sleeping without a nap.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

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

    fn lock(&self) -> MutexGuard<'_, Queues<T>> {
        self.queues.lock().expect("nothing panics while it holds the lock")
    }

    /// Puts `task` at the back of lane High.
    pub fn push_high(&self, task: T) {
        self.lock().high.push_back(task);
        self.changed.notify_one();
    }

    /// Puts `task` at the back of lane Low.
    pub fn push_low(&self, task: T) {
        self.lock().low.push_back(task);
        self.changed.notify_one();
    }

    /// Lets every waiter return once the lanes are empty.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits for a task and takes it, from High if there is one there; `None` when the lanes are closed
    /// and empty.
    pub fn take(&self) -> Option<T> {
        let nothing = |queues: &mut Queues<T>| {
            queues.high.is_empty() && queues.low.is_empty() && !queues.closed
        };
        let queues = self.changed.wait_while(self.lock(), nothing);
        let mut queues = queues.expect("nothing panics while it holds the lock");
        queues.high.pop_front().or_else(|| queues.low.pop_front())
    }
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self::new()
    }
}
