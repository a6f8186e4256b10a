//! A lane's shared entry queue: one flume channel with a flag in front.
//!
//! Tasks come here from threads that are not workers, and from workers that may not keep them. The
//! flag lets a worker see an empty lane with one load: a contended flume pair costs 206 ns, a load
//! of a shared cache line about one.
//!
//! The protocol between a sender and a drainer:
//!
//! ```text
//! sender                          drainer
//! S1 send the task                D1 flag := false
//! S2 fence                        D2 fence
//! S3 flag = false? flag := true   D3 receive everything
//! ```
//!
//! A task is never left behind an unset flag. If S3 finds the flag set and D1 clears it later, the
//! fences order S1 before D3: the drainer receives the task. If S3 comes after D1 it finds the flag
//! clear and sets it: the next look finds the task.
//!
//! Book: chapter 12.

#[cfg(not(waterwheel_loom))]
use flume::{Receiver, Sender, unbounded};

#[cfg(waterwheel_loom)]
use crate::models::stand_in::{Receiver, Sender, unbounded};

use crate::sync::internal::{AtomicBool, Ordering, fence};

/// See the module.
#[derive(Debug)]
pub(crate) struct Injector<T> {
    sender: Sender<T>,
    receiver: Receiver<T>,
    filled: AtomicBool,
}

impl<T> Injector<T> {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = unbounded();
        Self { sender, receiver, filled: AtomicBool::new(false) }
    }

    pub(crate) fn push(&self, task: T) {
        // The send cannot fail: `self` keeps a receiver.
        self.sender.send(task).ok();
        fence(Ordering::SeqCst);
        // Relaxed load: the fences pair it with the drainer's, see the module.
        if !self.filled.load(Ordering::Relaxed) {
            self.filled.store(true, Ordering::SeqCst);
        }
    }

    /// Is it empty, as far as this thread can see? One load.
    pub(crate) fn is_empty(&self) -> bool {
        !self.filled.load(Ordering::SeqCst)
    }

    /// Gives everything there is to `keep`, in order. Was there anything?
    pub(crate) fn drain(&self, keep: impl FnMut(T)) -> bool {
        if self.is_empty() {
            return false;
        }
        self.filled.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let tasks = self.receiver.drain();
        let found = tasks.len() > 0;
        tasks.for_each(keep);
        found
    }

    /// Takes one task. Calls `uncovered` if others were behind an unset flag for a moment: whoever
    /// looked meanwhile may have gone to sleep, so the caller finds somebody for them.
    pub(crate) fn pop(&self, uncovered: impl FnOnce()) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        if let Ok(task) = self.receiver.try_recv() {
            return Some(task);
        }
        // Empty: clear the flag as a drainer does, and look again.
        self.filled.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let late = self.receiver.try_recv().ok();
        if late.is_some() {
            // There may be more behind it, and their senders may have seen the flag set.
            self.filled.store(true, Ordering::SeqCst);
            uncovered();
        }
        late
    }

    /// How many tasks wait. Takes the channel's lock: for snapshots, not for the worker loop.
    pub(crate) fn len(&self) -> usize {
        self.receiver.len()
    }
}
