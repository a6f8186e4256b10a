//! What a runtime has counted, as a snapshot.
//!
//! Book: chapter 20.

use std::sync::atomic::Ordering;

use crate::priority::Priority;
use crate::scheduler::counters::{Counter, Counters, LaneCounters};
use crate::scheduler::histogram::Histogram;
use crate::scheduler::shared::Shared;
use crate::task::cell::meta::Kind;

/// What one lane has counted since the runtime began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneMetrics {
    /// Tasks spawned into the lane.
    pub spawned: u64,
    /// Polls of the lane's tasks.
    pub polls: u64,
    /// Times a worker took one task or a batch of them from another worker.
    pub steals: u64,
    /// Of those, batches of Low tasks that a High-home worker took over.
    pub adoptions: u64,
    /// Times a worker took one task or more from the lane's injector.
    pub injected: u64,
    /// Polls that took longer than [`slow_poll_after`](crate::Builder::slow_poll_after). Polls that
    /// keep nobody waiting are looked at only if [`on_slow_poll`](crate::Builder::on_slow_poll) is set.
    pub slow_polls: u64,
    /// Polls of a task that came from a worker's LIFO slot: woken or spawned by the task before it.
    pub lifo_hits: u64,
    /// Tasks that are queued now, without those in LIFO slots: one a worker at most.
    pub queue_depth: u64,
    /// From the wake-up of a task to its poll, of every 256th wake-up of a thread.
    pub wake_to_poll: Histogram,
}

/// What a runtime has counted since it began: [`Handle::metrics`](crate::Handle::metrics).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    workers: [usize; 2],
    lanes: [LaneMetrics; 2],
    tasks_spawned: u64,
    tasks_live: u64,
    task_panics: u64,
    parks: u64,
    driver_turns: u64,
    threads: usize,
    blocking_threads: usize,
    blocking_queued: usize,
    failed_threads: u64,
    sources: usize,
    timers: usize,
    replacements: usize,
    replacements_started: u64,
}

impl Metrics {
    pub(super) fn of(shared: &Shared) -> Self {
        let sum = |f: fn(&Counters) -> &Counter| shared.counters().map(|c| f(c).get()).sum();
        let lanes = Priority::ALL.map(|lane| lane_metrics(shared, lane));
        let in_lanes: u64 = lanes.iter().map(|lane| lane.spawned).sum();
        let (sources, timers) = shared.driver.occupancy();
        let tasks_spawned = in_lanes + shared.registry.spawned(Kind::Blocking);
        Self {
            workers: shared.settings.workers,
            lanes,
            tasks_spawned,
            tasks_live: shared.live_tasks() as u64,
            task_panics: shared.panics.load(Ordering::Relaxed),
            parks: sum(|c| &c.parks),
            driver_turns: sum(|c| &c.driver_turns),
            threads: shared.threads.running(),
            blocking_threads: shared.blocking.threads(),
            blocking_queued: shared.blocking.queued(),
            failed_threads: shared.failed_threads.load(Ordering::Relaxed),
            sources,
            timers,
            replacements: shared.replacements.active(),
            replacements_started: shared.replacements.started(),
        }
    }

    /// What one lane has counted.
    #[must_use]
    pub fn lane(&self, lane: Priority) -> &LaneMetrics {
        &self.lanes[lane.index()]
    }

    /// How many workers have this lane as their home.
    #[must_use]
    pub fn workers(&self, home: Priority) -> usize {
        self.workers[home.index()]
    }

    /// Tasks and blocking calls spawned so far.
    #[must_use]
    pub fn tasks_spawned(&self) -> u64 {
        self.tasks_spawned
    }

    /// Tasks and blocking calls whose future has not been dropped yet.
    #[must_use]
    pub fn tasks_live(&self) -> u64 {
        self.tasks_live
    }

    /// Panics that came out of a task's future.
    #[must_use]
    pub fn task_panics(&self) -> u64 {
        self.task_panics
    }

    /// Times a worker went to sleep.
    #[must_use]
    pub fn parks(&self) -> u64 {
        self.parks
    }

    /// Passes over sockets and timers.
    #[must_use]
    pub fn driver_turns(&self) -> u64 {
        self.driver_turns
    }

    /// Threads of the runtime that run now, of all kinds.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Threads for blocking calls that run now.
    #[must_use]
    pub fn blocking_threads(&self) -> usize {
        self.blocking_threads
    }

    /// Blocking calls that wait for a thread.
    #[must_use]
    pub fn blocking_queued(&self) -> usize {
        self.blocking_queued
    }

    /// Workers that stand in now for one that is stuck in a slow poll.
    #[must_use]
    pub fn replacements(&self) -> usize {
        self.replacements
    }

    /// How often a worker was replaced.
    #[must_use]
    pub fn replacements_started(&self) -> u64 {
        self.replacements_started
    }

    /// Threads that were wanted in passing and could not be started.
    #[must_use]
    pub fn failed_threads(&self) -> u64 {
        self.failed_threads
    }

    /// Sockets that the driver watches now.
    #[must_use]
    pub fn sources(&self) -> usize {
        self.sources
    }

    /// Timers that are set now: one for each sleep, time-out and interval that waits.
    #[must_use]
    pub fn timers(&self) -> usize {
        self.timers
    }
}

fn lane_metrics(shared: &Shared, lane: Priority) -> LaneMetrics {
    let sum =
        |f: fn(&LaneCounters) -> &Counter| shared.counters().map(|c| f(c.lane(lane)).get()).sum();
    let mut wake_to_poll = Histogram::default();
    for counters in shared.counters() {
        wake_to_poll.add(&counters.lane(lane).wake_to_poll);
    }
    LaneMetrics {
        spawned: shared.registry.spawned(Kind::Lane(lane)),
        polls: sum(|c| &c.polls),
        steals: sum(|c| &c.steals),
        adoptions: sum(|c| &c.adoptions),
        injected: sum(|c| &c.injected),
        slow_polls: sum(|c| &c.slow_polls),
        lifo_hits: sum(|c| &c.lifo_hits),
        queue_depth: shared.queue_depth(lane) as u64,
        wake_to_poll,
    }
}
