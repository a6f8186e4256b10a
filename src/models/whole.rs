//! Whole runtimes, for the models in which workers meet: the scheduler that ships, its loop included.
//!
//! What is not real is below it ([`stand_in`](crate::models::stand_in), and the driver's and the threads'),
//! and the clock, which stands still. A model says which workers get a thread. The others are stuck in a poll
//! from the start, as far as anybody can see. The last task ends the run as a shutdown does, so a task that
//! nobody comes to is a deadlock.
//!
//! Book: chapter 19.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::idle::{Serves, WorkerIndex};
use super::life::Phase;
use super::settings::Settings;
use super::shared::{RawTask, Shared};
use super::worker;
use crate::driver::Driver;
use crate::priority::Priority;
use crate::sync::internal::{AtomicUsize, Condvar, Mutex, Ordering};
use crate::task::cell::meta::Kind;
use crate::threads::ThreadSettings;

/// What a model may choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Workers by home lane.
    pub(crate) workers: [usize; 2],
    /// Replacements at a time.
    pub(crate) replacements: usize,
    /// Tasks that end, until the runtime does.
    pub(crate) tasks: usize,
    /// Threads that may be started.
    pub(crate) threads: usize,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) shared: Arc<Shared>,
    cores: Mutex<Vec<Option<Core>>>,
    left: AtomicUsize,
}

impl Whole {
    pub(crate) fn new(plan: Plan) -> Arc<Self> {
        let settings = Settings {
            workers: plan.workers,
            serves: Serves { stealing_from: [true, true] },
            threads: ThreadSettings { most: plan.threads },
            max_blocking_threads: 2,
            keep_alive: Duration::MAX,
            lane_share: 64,
            poll_budget: 64,
            seed: 0,
            on_park: None,
            on_unpark: None,
            on_task_panic: None,
            poll_hooks: None,
            // The models are the watchdog.
            slow_poll_after: Duration::MAX,
            replacements: plan.replacements,
            on_slow_poll: None,
        };
        let (shared, cores) = Shared::new(settings, Driver::new());
        let cores = Mutex::new(cores.into_iter().map(Some).collect());
        Arc::new(Self { shared, cores, left: AtomicUsize::new(plan.tasks) })
    }

    fn core(&self, worker: usize) -> Core {
        self.cores.lock()[worker].take().expect("a part is taken once")
    }

    /// Starts a worker on a thread of its own.
    pub(crate) fn start(&self, worker: usize) {
        worker::start(self.core(worker), || {}).expect("a model has threads enough");
    }

    /// This thread is a worker, until the runtime ends.
    pub(crate) fn be(&self, worker: usize) {
        let _ = worker::run(Box::new(self.core(worker)));
    }

    /// A worker has found work, and is in a poll for good.
    pub(crate) fn get_stuck(&self, worker: usize) {
        let home = self.shared.homes()[worker];
        let _ = self.shared.idle.found_work(home);
    }

    pub(crate) fn spawn(
        self: &Arc<Self>,
        lane: Priority,
        poll: impl FnOnce(&Self) + Send + 'static,
    ) {
        let whole = self.clone();
        let future = async move {
            poll(&whole);
            whole.ends();
        };
        let task: RawTask<()> =
            self.shared.spawn(future, Kind::Lane(lane), None, Location::caller());
        task.fallible.detach();
    }

    /// A task has ended.
    fn ends(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.shared.enter_phase(Phase::Cancelling);
            self.shared.unpark_all();
        }
    }

    /// Waits until all threads have ended: then nothing is left behind.
    pub(crate) fn finish(&self) {
        self.shared.threads.join_all();
        self.cores.lock().clear();
        self.shared.close_outside();
        assert!(self.shared.take_any().is_none(), "a task was left behind");
        assert_eq!(self.shared.live_tasks(), 0, "a task is still counted");
        assert_eq!(self.shared.registry.len(), 0, "a task is still registered");
    }

    pub(crate) fn unpark(&self, worker: usize) {
        self.shared.unpark(WorkerIndex(worker));
    }
}

/// Something that happens once, and whoever waits for it.
#[derive(Debug, Default)]
pub(crate) struct Event {
    happened: Mutex<bool>,
    came: Condvar,
}

impl Event {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { happened: Mutex::new(false), came: Condvar::new() })
    }

    pub(crate) fn happen(&self) {
        *self.happened.lock() = true;
        self.came.notify_all();
    }

    /// The poll that asks keeps its worker until then.
    pub(crate) fn wait(&self) {
        let mut happened = self.happened.lock();
        while !*happened {
            happened = self.came.wait(happened);
        }
    }
}
