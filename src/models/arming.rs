//! A watchdog that falls asleep against workers that become busy, or fill their LIFO slot.
//!
//! Each worker gets stuck in its first poll and waits to be rescued. The watchdog is armed and about to
//! look whether it is still needed; it comes to the rescue only if it does not sleep over that.
//!
//! Book: chapter 19.

use std::time::Duration;

use loom::thread;

use super::checked;
use super::scheduler::arming::{Arming, Watch};
use super::scheduler::idle::{Idle, Serves};
use crate::priority::Priority;
use crate::sync::internal::{Arc, Condvar, Mutex};

/// The lane of all workers here.
const LANE: Priority = Priority::Low;

struct Runtime {
    idle: Idle,
    arming: Arming,
    workers: usize,
    rescued: Mutex<bool>,
    rescue: Condvar,
}

impl Runtime {
    /// All workers search.
    fn new(workers: usize, level: Watch) -> Arc<Self> {
        let idle = Idle::new(Serves { stealing_from: [true, true] });
        (0..workers).for_each(|_| idle.join(LANE));
        let arming = Arming::new();
        arming.arm(level);
        let (rescued, rescue) = (Mutex::new(false), Condvar::new());
        Arc::new(Self { idle, arming, workers, rescued, rescue })
    }

    /// As `Shared::watch`, after the worker has found work.
    fn becomes_busy(&self) {
        self.idle.found_work(LANE);
        if !self.arming.is_at_least(Watch::Gaps) && self.idle.leaves_a_gap(|| true) {
            self.arming.arm(Watch::Gaps);
        }
    }

    /// As a worker that puts a task into its slot.
    fn fills_its_slot(&self) {
        if !self.arming.is_at_least(Watch::Everyone) {
            self.arming.arm(Watch::Everyone);
        }
    }

    fn is_stuck(&self) {
        let mut rescued = self.rescued.lock();
        while !*rescued {
            rescued = self.rescue.wait(rescued);
        }
    }

    /// As the watchdog's loop, with a look that finds nothing before it may sleep.
    fn watchdog(&self) {
        self.arming.disarm(|level| match level {
            Watch::Off => false,
            Watch::Gaps => self.idle.leaves_a_gap(|| true),
            Watch::Everyone => self.idle.idlers() < self.workers,
        });
        let _ = self.arming.sleep(Duration::ZERO, || false);
        *self.rescued.lock() = true;
        self.rescue.notify_all();
    }
}

fn run(runtime: &Arc<Runtime>, workers: usize, worker: fn(&Runtime)) {
    let workers: Vec<_> = (0..workers)
        .map(|_| {
            let runtime = runtime.clone();
            thread::spawn(move || worker(&runtime))
        })
        .collect();
    runtime.watchdog();
    for worker in workers {
        worker.join().expect("a worker is rescued");
    }
}

#[test]
fn a_worker_that_leaves_a_gap_is_watched() {
    checked(|| {
        run(&Runtime::new(1, Watch::Gaps), 1, |runtime| {
            runtime.becomes_busy();
            runtime.is_stuck();
        });
    });
}

#[test]
fn two_workers_do_not_leave_the_arming_to_each_other() {
    checked(|| {
        run(&Runtime::new(2, Watch::Gaps), 2, |runtime| {
            runtime.becomes_busy();
            runtime.is_stuck();
        });
    });
}

#[test]
fn a_filled_slot_is_watched_though_another_worker_idles() {
    checked(|| {
        run(&Runtime::new(2, Watch::Everyone), 1, |runtime| {
            runtime.becomes_busy();
            runtime.fills_its_slot();
            runtime.is_stuck();
        });
    });
}
