//! What stands in for flume where the model checker runs: a queue behind one lock.
//!
//! Loom cannot look into flume. The models need from it that a sent item is received once and in
//! order, and that a send happens before the receive; this gives the same and no more.
//!
//! Book: chapter 19.

use std::collections::VecDeque;
use std::collections::vec_deque::IntoIter;

use crate::sync::internal::{Arc, Mutex};

#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Mutex<VecDeque<T>>>);

#[derive(Debug)]
pub(crate) struct Receiver<T>(Arc<Mutex<VecDeque<T>>>);

pub(crate) fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let queue = Arc::new(Mutex::new(VecDeque::new()));
    (Sender(queue.clone()), Receiver(queue))
}

impl<T> Sender<T> {
    pub(crate) fn send(&self, item: T) -> Result<(), ()> {
        self.0.lock().push_back(item);
        Ok(())
    }
}

impl<T> Receiver<T> {
    pub(crate) fn try_recv(&self) -> Result<T, ()> {
        self.0.lock().pop_front().ok_or(())
    }

    pub(crate) fn drain(&self) -> IntoIter<T> {
        std::mem::take(&mut *self.0.lock()).into_iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }
}
