//! What a worker counts: plain numbers that one thread writes and any thread reads.
//!
//! Book: chapter 20.

use super::doing::Doing;
use super::histogram::Recorder;
use crate::priority::Priority;
use crate::sync::internal::{AtomicU64, Ordering};

/// A number that only its own thread increments.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        // Relaxed, and not read-modify-write: one writer, and a count orders nothing.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        // Relaxed: as above.
        self.0.store(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Of one worker and one lane.
#[derive(Debug)]
pub(crate) struct LaneCounters {
    pub(crate) polls: Counter,
    /// Tasks, or batches of tasks, taken from another worker's run queue.
    pub(crate) steals: Counter,
    /// Of those, batches that a High-home worker keeps on its own Low queue.
    pub(crate) adoptions: Counter,
    /// Times the lane's injector gave something.
    pub(crate) injected: Counter,
    /// Polls that took too long. The watchdog counts them.
    pub(crate) slow_polls: Counter,
    /// Polls of a task from the LIFO slot.
    pub(crate) lifo_hits: Counter,
    /// From a wake-up to the poll that follows, in ns, of a sample.
    pub(crate) wake_to_poll: Recorder,
    /// How long that poll took, in ns.
    pub(crate) poll_time: Recorder,
}

/// Of one worker.
#[derive(Debug)]
pub(crate) struct Counters {
    lanes: [LaneCounters; 2],
    pub(crate) parks: Counter,
    /// Sleeps that another thread has ended.
    pub(crate) unparks: Counter,
    pub(crate) driver_turns: Counter,
    /// Tasks in its [`Outbox`](super::outbox).
    pub(crate) leaving: Counter,
    pub(crate) doing: Doing,
}

impl Counters {
    pub(crate) fn new() -> Self {
        let lane = || LaneCounters {
            polls: Counter::default(),
            steals: Counter::default(),
            adoptions: Counter::default(),
            injected: Counter::default(),
            slow_polls: Counter::default(),
            lifo_hits: Counter::default(),
            wake_to_poll: Recorder::new(),
            poll_time: Recorder::new(),
        };
        Self {
            lanes: [lane(), lane()],
            parks: Counter::default(),
            unparks: Counter::default(),
            driver_turns: Counter::default(),
            leaving: Counter::default(),
            doing: Doing::new(),
        }
    }

    /// A number that changes with each step of the worker.
    pub(crate) fn sequence(&self) -> u64 {
        let [high, low] = &self.lanes;
        [&high.polls, &low.polls, &self.parks, &self.driver_turns]
            .into_iter()
            .fold(0, |sum, counter| sum.wrapping_add(counter.get()))
    }

    pub(crate) fn lane(&self, lane: Priority) -> &LaneCounters {
        &self.lanes[lane.index()]
    }
}
