//! A worker's own queue for one lane: growing, first in first out, and open to thieves.
//!
//! The queue is crossbeam's: measured fastest of those tried, it grows instead of overflowing into
//! a second place, and nothing in it is private, so a worker stuck in a poll hides no task. The
//! algorithm is Chase and Lev, *Dynamic Circular Work-Stealing Deque*, SPAA 2005, used first in
//! first out.
//!
//! Book: chapter 12.

use crossbeam_deque::{Steal, Stealer, Worker};

/// The owner's end.
#[derive(Debug)]
pub(crate) struct RunQueue<T>(Worker<T>);

/// A thief's end; cheap to clone.
#[derive(Debug)]
pub(crate) struct Thief<T>(Stealer<T>);

impl<T> RunQueue<T> {
    pub(crate) fn new() -> Self {
        Self(Worker::new_fifo())
    }

    pub(crate) fn thief(&self) -> Thief<T> {
        Thief(self.0.stealer())
    }

    #[inline]
    pub(crate) fn push(&self, task: T) {
        self.0.push(task);
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<T> {
        self.0.pop()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T> Thief<T> {
    /// Takes one task.
    pub(crate) fn steal_one(&self) -> Option<T> {
        settled(|| self.0.steal())
    }

    /// Takes half of the victim's tasks, 32 at most: one as the result, the rest into `own`.
    pub(crate) fn steal_half(&self, own: &RunQueue<T>) -> Option<T> {
        settled(|| self.0.steal_batch_and_pop(&own.0))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Repeats an attempt that met another thief, until it has an answer.
fn settled<T>(mut attempt: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match attempt() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            // Whoever we met made progress, so this ends.
            Steal::Retry => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_queue_is_first_in_first_out() {
        let queue = RunQueue::new();
        (0..100).for_each(|n| queue.push(n));
        let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(popped, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn thieves_and_owner_together_take_every_task_once() {
        const TASKS: usize = 200_000;
        let queue = RunQueue::new();
        let done = AtomicBool::new(false);
        let mut taken = Vec::new();
        std::thread::scope(|scope| {
            let thieves: Vec<_> = (0..3)
                .map(|_| {
                    let (thief, done) = (queue.thief(), &done);
                    scope.spawn(move || {
                        let own = RunQueue::new();
                        let mut got = Vec::new();
                        while !done.load(Ordering::Acquire) || !thief.is_empty() {
                            got.extend(thief.steal_half(&own));
                            got.extend(std::iter::from_fn(|| own.pop()));
                        }
                        got
                    })
                })
                .collect();
            for task in 0..TASKS {
                queue.push(task);
                if task % 3 == 0 {
                    taken.extend(queue.pop());
                }
            }
            taken.extend(std::iter::from_fn(|| queue.pop()));
            done.store(true, Ordering::Release);
            for thief in thieves {
                taken.extend(thief.join().expect("a thief ends well"));
            }
        });
        assert_eq!(taken.len(), TASKS, "none is taken twice");
        assert_eq!(taken.into_iter().collect::<HashSet<_>>().len(), TASKS, "none is lost");
    }
}
