//! What the scenarios share: how they are run, the runtime that they are run on, what must be true at
//! their end, and two ways to wait.
//!
//! Book: chapter 19.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

use super::time;
use crate::runtime::{Builder, Handle, Runtime};
use crate::sync::internal::{Condvar, Mutex};

/// How many schedules of each scenario are tried, unless `WATERWHEEL_SHUTTLE_SCHEDULES` says.
const SCHEDULES: u64 = 2_000;

/// Which ones, unless `WATERWHEEL_SHUTTLE_SEED` says: the same on every machine and every day.
const SEED: u64 = 2026;

/// Of how many changes of priority a PCT schedule is made, less one.
const DEPTH: usize = 4;

/// More steps than this are a runtime that runs in circles; the longest scenario takes a tenth.
const MOST_STEPS: usize = 100_000;

/// Bytes. Nothing here needs a tenth of it, but an assertion that fails does.
const STACK: usize = 256 * 1024;

fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(name);
    text.map_or(default, |text| text.parse().expect("the settings of a run are numbers"))
}

/// Runs `scenario` under many schedules. Says how many, which, and how long it took.
#[track_caller]
pub(super) fn explore(scenario: fn()) {
    let schedules = setting("WATERWHEEL_SHUTTLE_SCHEDULES", SCHEDULES);
    let schedules = usize::try_from(schedules).expect("a number of schedules can be counted to");
    let seed = setting("WATERWHEEL_SHUTTLE_SEED", SEED);
    println!("WATERWHEEL_SHUTTLE_SEED={seed} WATERWHEEL_SHUTTLE_SCHEDULES={schedules}");
    let begun = Instant::now();
    let by_priority = schedules / 2;
    let random = RandomScheduler::new_from_seed(seed, schedules - by_priority);
    let tried = run(random, scenario)
        + run(PctScheduler::new_from_seed(seed, DEPTH, by_priority), scenario);
    println!("{tried} schedules in {:.1?}", begun.elapsed());
}

fn run(scheduler: impl Scheduler + 'static, scenario: fn()) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    config.silence_warnings = true; // About weak memory: see the module.
    Runner::new(scheduler, config).run(move || {
        time::start_anew();
        scenario();
    })
}

/// A runtime that does the same things in each run, if the schedule is the same. It has no watchdog:
/// that would come to the rescue of a task which the scheduler has lost.
pub(super) fn runtime(high: usize, low: usize) -> Runtime {
    build(plain(high, low))
}

pub(super) fn plain(high: usize, low: usize) -> Builder {
    let workers = Runtime::builder().with_high_num(high).with_low_num(low);
    workers.slow_poll_after(Duration::MAX).seed(1)
}

pub(super) fn build(builder: Builder) -> Runtime {
    builder.build().expect("there are threads")
}

/// Shuts the runtime down, and looks whether anything is left of what was spawned.
pub(super) fn end(runtime: &Runtime, spawned: u64, panics: u64) {
    let handle = runtime.handle();
    handle.shutdown(Duration::ZERO).expect("no scenario leaves anything stuck");
    assert_eq!(handle.metrics().tasks_spawned(), spawned, "tasks spawned");
    at_rest(handle, panics);
}

/// Nothing is left: no task, no thread, nothing in a queue, no timer.
pub(super) fn at_rest(handle: &Handle, panics: u64) {
    let shared = handle.shared();
    assert!(shared.live_task_infos().is_empty(), "tasks are left");
    assert_eq!(shared.registry.len(), 0, "tasks are left in the registry");
    assert!(shared.take_any().is_none(), "a task is left in a queue");
    let metrics = handle.metrics();
    assert_eq!(metrics.task_panics(), panics, "tasks that panicked");
    let left = [
        ("live tasks", metrics.tasks_live()),
        ("threads", metrics.threads() as u64),
        ("threads for blocking calls", metrics.blocking_threads() as u64),
        ("blocking calls", metrics.blocking_queued() as u64),
        ("timers", metrics.timers() as u64),
        ("sockets", metrics.sources() as u64),
        ("replacements", metrics.replacements() as u64),
    ];
    for (what, number) in left {
        assert_eq!(number, 0, "{what}");
    }
}

/// How many clones there are of this: one in each future that is still there.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<()>);

impl Held {
    #[track_caller]
    pub(super) fn stands_alone(self) {
        assert_eq!(Arc::strong_count(&self.0), 1, "futures are left");
    }
}

/// Tasks wait for it to be raised; it stays raised.
#[derive(Clone, Debug, Default)]
pub(super) struct Flag(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Flag {
    pub(super) fn raise(&self) {
        let mut state = self.0.lock();
        state.0 = true;
        let wakers = std::mem::take(&mut state.1);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) async fn raised(&self) {
        poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut state = self.0.lock();
            if state.0 {
                drop(state);
                return Poll::Ready(());
            }
            state.1.push(waker);
            Poll::Pending
        })
        .await;
    }
}

/// Threads wait for it to be opened, whatever they should do instead.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(super) fn open(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    pub(super) fn is_open(&self) -> bool {
        *self.0.0.lock()
    }

    pub(super) fn pass(&self) {
        let mut open = self.0.0.lock();
        while !*open {
            open = self.0.1.wait(open);
        }
    }

    /// Waits for it and lets the time go on, by `step` at a time.
    pub(super) fn pass_in_time(&self, step: Duration) {
        while !self.is_open() {
            time::pass(step);
            shuttle::thread::yield_now();
        }
    }
}
