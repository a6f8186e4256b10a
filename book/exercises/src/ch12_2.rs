//! Exercise 2 of chapter 12: a flag in front of the door.
//!
//! An injector that tells with one load that it is empty. Whatever the threads do, no value may stay
//! behind an unset flag once its `push` has returned.

use std::sync::atomic::AtomicBool;

use flume::{Receiver, Sender};

/// The entry queue.
#[derive(Debug)]
#[expect(dead_code, reason = "you will use them")]
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
        drop(value);
        todo!("send, then see to the flag: which order, and what must lie between the two?")
    }

    /// Takes all there is, if the flag says that there is something.
    pub fn drain(&self) -> Vec<T> {
        todo!("when do you clear the flag: before you receive, or after?")
    }
}
