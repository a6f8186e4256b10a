//! What a runtime has counted, as a snapshot.
//!
//! Book: chapter 20.

use std::fmt;
use std::sync::atomic::Ordering;

use crate::priority::Priority;
use crate::scheduler::counters::{Counters, LaneCounters};
use crate::scheduler::histogram::Histogram;
use crate::scheduler::shared::Shared;
use crate::task::cell::meta::Kind;

/// What was counted in one lane since the runtime began, by one worker or by all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneMetrics {
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
    /// Tasks that are queued now, without those in LIFO slots: one a worker at most. Of one worker:
    /// on its own queue; of all: in the injector as well.
    pub queue_depth: u64,
    /// From the wake-up of a task to its poll, of every 256th wake-up by a thread.
    pub wake_to_poll: Histogram,
    /// How long that poll took, unless it blocked. Of all polls where hooks are called around them, or
    /// where the reserve makes them.
    pub poll_time: Histogram,
}

/// What a worker is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerRole {
    /// It serves this lane first.
    Home(Priority),
    /// It stands in for workers that are stuck in a slow poll, one after another.
    Replacement,
    /// It serves High while all High-home workers are busy.
    Reserve,
}

impl fmt::Display for WorkerRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home(lane) => lane.fmt(f),
            Self::Replacement => f.pad("replacement"),
            Self::Reserve => f.pad("reserve"),
        }
    }
}

/// What one worker has counted since the runtime began: an item of [`Metrics::per_worker`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// As in the thread's name for a worker with a home; higher for a replacement, and highest for
    /// the reserve.
    pub number: usize,
    /// What it is there for.
    pub role: WorkerRole,
    /// Times it went to sleep.
    pub parks: u64,
    /// Sleeps that another thread ended; what ended the others was a socket or a timer.
    pub unparks: u64,
    /// Passes over sockets and timers.
    pub driver_turns: u64,
    lanes: [LaneMetrics; 2],
}

/// What a runtime has counted since it began: [`Handle::metrics`](crate::Handle::metrics).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    homes: [usize; 2],
    workers: Vec<WorkerMetrics>,
    lanes: [LaneMetrics; 2],
    spawned: [u64; Kind::COUNT],
    tasks_live: u64,
    task_panics: u64,
    threads: usize,
    blocking_threads: usize,
    blocking_queued: usize,
    failed_threads: u64,
    sources: usize,
    timers: usize,
    replacements: usize,
    replacements_started: u64,
}

impl LaneMetrics {
    fn of(counters: &LaneCounters, queue_depth: usize) -> Self {
        Self {
            polls: counters.polls.get(),
            steals: counters.steals.get(),
            adoptions: counters.adoptions.get(),
            injected: counters.injected.get(),
            slow_polls: counters.slow_polls.get(),
            lifo_hits: counters.lifo_hits.get(),
            queue_depth: queue_depth as u64,
            wake_to_poll: Histogram::of(&counters.wake_to_poll),
            poll_time: Histogram::of(&counters.poll_time),
        }
    }

    fn add(&mut self, other: &Self) {
        self.polls += other.polls;
        self.steals += other.steals;
        self.adoptions += other.adoptions;
        self.injected += other.injected;
        self.slow_polls += other.slow_polls;
        self.lifo_hits += other.lifo_hits;
        self.queue_depth += other.queue_depth;
        self.wake_to_poll.add(&other.wake_to_poll);
        self.poll_time.add(&other.poll_time);
    }
}

impl WorkerMetrics {
    fn of(
        number: usize,
        role: WorkerRole,
        counters: &Counters,
        queued: impl Fn(Priority) -> usize,
    ) -> Self {
        Self {
            number,
            role,
            parks: counters.parks.get(),
            unparks: counters.unparks.get(),
            driver_turns: counters.driver_turns.get(),
            lanes: Priority::ALL.map(|lane| LaneMetrics::of(counters.lane(lane), queued(lane))),
        }
    }

    /// What it has counted in one lane.
    #[must_use]
    pub fn lane(&self, lane: Priority) -> &LaneMetrics {
        &self.lanes[lane.index()]
    }
}

impl Metrics {
    pub(super) fn of(shared: &Shared) -> Self {
        let workers = per_worker(shared);
        let mut lanes = Priority::ALL.map(|lane| LaneMetrics {
            queue_depth: shared.injector(lane).len() as u64,
            ..LaneMetrics::default()
        });
        for worker in &workers {
            lanes.iter_mut().zip(&worker.lanes).for_each(|(all, own)| all.add(own));
        }
        let (sources, timers) = shared.driver.occupancy();
        Self {
            homes: shared.settings.workers,
            workers,
            lanes,
            spawned: shared.registry.spawned(),
            tasks_live: shared.live_tasks() as u64,
            task_panics: shared.panics.load(Ordering::Relaxed),
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

    /// What all workers together have counted in one lane.
    #[must_use]
    pub fn lane(&self, lane: Priority) -> &LaneMetrics {
        &self.lanes[lane.index()]
    }

    /// What each worker has counted: those with a home, the replacements there have been, and the
    /// reserve.
    #[must_use]
    pub fn per_worker(&self) -> &[WorkerMetrics] {
        &self.workers
    }

    /// How many workers have this lane as their home.
    #[must_use]
    pub fn workers(&self, home: Priority) -> usize {
        self.homes[home.index()]
    }

    /// Tasks and blocking calls spawned so far.
    #[must_use]
    pub fn tasks_spawned(&self) -> u64 {
        self.spawned.iter().sum()
    }

    /// Tasks spawned into one lane so far.
    #[must_use]
    pub fn spawned(&self, lane: Priority) -> u64 {
        self.spawned[lane.index()]
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
        self.sum(|worker| worker.parks)
    }

    /// Times another thread ended a worker's sleep.
    #[must_use]
    pub fn unparks(&self) -> u64 {
        self.sum(|worker| worker.unparks)
    }

    /// Times the reserve was woken: a High task was queued while every High-home worker was busy.
    #[must_use]
    pub fn reserve_wakeups(&self) -> u64 {
        let reserve = self.workers.iter().filter(|worker| worker.role == WorkerRole::Reserve);
        reserve.map(|worker| worker.unparks).sum()
    }

    /// Passes over sockets and timers.
    #[must_use]
    pub fn driver_turns(&self) -> u64 {
        self.sum(|worker| worker.driver_turns)
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

    fn sum(&self, of: impl Fn(&WorkerMetrics) -> u64) -> u64 {
        self.workers.iter().map(of).sum()
    }
}

fn per_worker(shared: &Shared) -> Vec<WorkerMetrics> {
    let homes = shared.homes().iter().map(|home| WorkerRole::Home(*home));
    let roles = homes.chain(std::iter::repeat(WorkerRole::Replacement));
    let seats = shared.seats[..shared.queue_owners()].iter().zip(roles).enumerate();
    let reserve = || {
        let number = shared.reserve_index().0;
        WorkerMetrics::of(number, WorkerRole::Reserve, &shared.reserve.counters, |_| 0)
    };
    seats
        .map(|(number, (seat, role))| {
            WorkerMetrics::of(number, role, &seat.counters, |lane| seat.thief(lane).len())
        })
        .chain(std::iter::once_with(reserve))
        .collect()
}
