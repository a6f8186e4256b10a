//! What stands in for foreign structures where the model checker runs.
//!
//! Loom cannot look into flume, crossbeam or the operating system. Each stand-in gives what our
//! protocols rely on and no more. In particular none orders two threads where the real thing does
//! not, since a lock too many would hide a fence too few.
//!
//! | here | stands for | relied upon |
//! |---|---|---|
//! | [`unbounded`] | flume's channel, which is a queue behind a lock | a sent item is received once, in order; a send happens before its receive |
//! | [`Deque`], [`RunQueue`], [`Thief`] | crossbeam's deque | a push is seen by a thief some time; a pop is a full barrier; a look at an empty queue orders nothing |
//! | [`Poller`] | epoll and eventfd | an event ends one wait, the one under way or the next, whoever waits |
//!
//! The real ones are covered by stress tests and by the address sanitizer.
//!
//! Book: chapter 19.

use std::collections::VecDeque;
use std::collections::vec_deque::IntoIter;

use crate::sync::internal::{Arc, AtomicUsize, Condvar, Mutex, Ordering, fence};

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

/// A worker's run queue. Its length stands beside it, so that a look takes no lock.
#[derive(Debug)]
pub(crate) struct Deque<T> {
    tasks: Mutex<VecDeque<T>>,
    len: AtomicUsize,
}

impl<T> Deque<T> {
    pub(crate) fn new() -> Self {
        Self { tasks: Mutex::new(VecDeque::new()), len: AtomicUsize::new(0) }
    }

    pub(crate) fn push(&self, task: T) {
        let mut tasks = self.tasks.lock();
        tasks.push_back(task);
        // Release: pairs with the load in `is_empty`.
        self.len.store(tasks.len(), Ordering::Release);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        // Acquire: pairs with the stores in `push` and `take`.
        self.len.load(Ordering::Acquire)
    }

    /// The owner's pop and the thief's steal.
    pub(crate) fn take(&self) -> Option<T> {
        fence(Ordering::SeqCst);
        if self.is_empty() {
            return None;
        }
        let mut tasks = self.tasks.lock();
        let task = tasks.pop_front()?;
        // Release: as in `push`.
        self.len.store(tasks.len(), Ordering::Release);
        Some(task)
    }

    /// The thief's steal of half: one task as the result, the rest into `own`. Between the two
    /// queues they can be seen in neither.
    pub(crate) fn take_half(&self, own: &Self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let mut tasks = self.tasks.lock();
        let half = tasks.len().div_ceil(2);
        let mut stolen = tasks.drain(..half).collect::<VecDeque<T>>();
        // Release: as in `push`.
        self.len.store(tasks.len(), Ordering::Release);
        drop(tasks);
        let first = stolen.pop_front();
        stolen.into_iter().for_each(|task| own.push(task));
        first
    }
}

/// A worker's run queue and its other end, as `scheduler::run_queue` has them.
#[derive(Debug)]
pub(crate) struct RunQueue<T>(Arc<Deque<T>>);

#[derive(Debug)]
pub(crate) struct Thief<T>(Arc<Deque<T>>);

impl<T> RunQueue<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Deque::new()))
    }

    pub(crate) fn thief(&self) -> Thief<T> {
        Thief(self.0.clone())
    }

    pub(crate) fn push(&self, task: T) {
        self.0.push(task);
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.0.take()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T> Thief<T> {
    pub(crate) fn steal_one(&self) -> Option<T> {
        self.0.take()
    }

    pub(crate) fn steal_half(&self, own: &RunQueue<T>) -> Option<T> {
        self.0.take_half(&own.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// What happened, as bits.
pub(crate) type Events = u8;

/// Somebody woke the poller.
pub(crate) const WOKEN: Events = 1;

/// Something that a task waits for.
pub(crate) const SOCKET: Events = 2;

/// The operating system: an event is reported once, to whoever asks first.
#[derive(Debug)]
pub(crate) struct Poller {
    events: Mutex<Events>,
    came: Condvar,
}

impl Poller {
    pub(crate) fn new() -> Self {
        Self { events: Mutex::new(0), came: Condvar::new() }
    }

    pub(crate) fn happen(&self, event: Events) {
        *self.events.lock() |= event;
        self.came.notify_one();
    }

    /// Takes what has happened, without waiting.
    pub(crate) fn look(&self) -> Events {
        std::mem::take(&mut *self.events.lock())
    }

    /// Waits until something has happened.
    pub(crate) fn wait(&self) -> Events {
        let mut events = self.events.lock();
        while *events == 0 {
            events = self.came.wait(events);
        }
        std::mem::take(&mut *events)
    }
}
