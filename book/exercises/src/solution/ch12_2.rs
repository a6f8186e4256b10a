//! Exercise 2 of chapter 12, solved: a flag in front of the door.

use std::sync::atomic::{AtomicBool, Ordering};

use flume::{Receiver, Sender};

/// The entry queue.
#[derive(Debug)]
pub struct Injector<T> {
    sender: Sender<T>,
    receiver: Receiver<T>,
    filled: AtomicBool,
}

impl<T> Default for Injector<T> {
    fn default() -> Self {
        let (sender, receiver) = flume::unbounded();
        Self { sender, receiver, filled: AtomicBool::new(false) }
    }
}

impl<T> Injector<T> {
    /// Puts a value in.
    pub fn push(&self, value: T) {
        // It cannot fail: the injector has a receiver.
        self.sender.send(value).ok();
        // A swap, not a store: it is the fence as well. Ours puts a fence and a load here, because
        // the flag is mostly set, and a load of it leaves the cache line where it is.
        self.filled.swap(true, Ordering::SeqCst);
    }

    /// Takes all there is, if the flag says that there is something.
    pub fn drain(&self) -> Vec<T> {
        // First the flag: a value that is sent after we received finds it unset, and sets it.
        if self.filled.swap(false, Ordering::SeqCst) {
            self.receiver.drain().collect()
        } else {
            Vec::new()
        }
    }
}
