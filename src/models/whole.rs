//! Whole runtimes, for the models in which workers meet: the scheduler that ships, its loop included.
//!
//! What is not real is below it ([`stand_in`](crate::models::stand_in), and the driver's and the threads'),
//! and the clock, which stands still. A model says which workers get a thread. The others are stuck in a poll
//! from the start, as far as anybody can see. The last task ends the run as a shutdown does, so a task that
//! nobody comes to is a deadlock.
//!
//! Book: chapter 19.

use std::future::poll_fn;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::arming::{Slept, Watch};
use super::core::Core;
use super::idle::{Serves, WorkerIndex};
use super::life::Phase;
use super::replacement::Replaced;
use super::settings::Settings;
use super::shared::{RawTask, Shared};
use super::watchdog::{Eyes, Found};
use super::worker;
use crate::driver::Driver;
use crate::models::stand_in::SOCKET;
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

    /// A task of one poll.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        lane: Priority,
        poll: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) {
        let whole = self.clone();
        self.spawn_future(lane, async move {
            poll(&whole);
            whole.ends();
        });
    }

    pub(crate) fn spawn_future(
        &self,
        lane: Priority,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        let task: RawTask<()> =
            self.shared.spawn(future, Kind::Lane(lane), None, Location::caller());
        task.fallible.detach();
    }

    /// A task has ended.
    fn ends(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.cancel();
        }
    }

    /// As `shutdown::cancel`.
    fn cancel(&self) {
        self.shared.enter_phase(Phase::Cancelling);
        self.shared.unpark_all();
    }

    /// As `shutdown::shutdown` with endless grace, up to the end of the tasks.
    pub(crate) fn wait_for_the_last_task(&self) {
        self.shared.enter_phase(Phase::Grace);
        self.shared.registry.close();
        let is_empty = || self.shared.live_tasks() == 0;
        assert!(self.shared.registry.wait_until(is_empty, || Some(Duration::MAX)));
    }

    /// What is left of a shutdown.
    pub(crate) fn shut_down(&self) {
        self.cancel();
        self.finish();
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

    /// A task that waits for the socket, and then does what is left. Tells when it waits.
    pub(crate) fn spawn_reader(
        self: &Arc<Self>,
        then: impl FnOnce() + Send + 'static,
    ) -> Arc<Event> {
        let (whole, waits) = (self.clone(), Event::new());
        let tells = waits.clone();
        self.spawn_future(Priority::Low, async move {
            let mut first = true;
            poll_fn(|cx| {
                if !std::mem::take(&mut first) {
                    return Poll::Ready(());
                }
                *whole.shared.driver.waiting.lock() = Some(cx.waker().clone());
                tells.happen();
                Poll::Pending
            })
            .await;
            then();
            whole.ends();
        });
        waits
    }

    /// What the reader waits for.
    pub(crate) fn happen(&self) {
        self.shared.driver.poller.happen(SOCKET);
    }

    /// The watchdog watches: workers may hide tasks in their slots.
    pub(crate) fn watch_everyone(&self) {
        let _ = self.shared.watchdog.arming.arm(Watch::Everyone);
    }

    /// What the watchdog does about what is in a slot.
    pub(crate) fn empty_slots(&self, worker: usize) {
        self.shared.empty_slots(WorkerIndex(worker));
    }

    /// The watchdog looks often enough to find a poll slow that lasts.
    pub(crate) fn find_slow_polls(&self) -> Watching {
        let mut eyes = Eyes::new(&self.shared);
        while eyes.look(&self.shared, Slept::Paused) == Found::NothingSlow {}
        Watching(eyes)
    }

    /// It looks once more.
    pub(crate) fn look_again(&self, Watching(eyes): &mut Watching) {
        eyes.look(&self.shared, Slept::Paused);
    }

    /// A replacement for a Low-home worker; `None` if there is none to be had.
    pub(crate) fn replace(&self) -> Option<WorkerIndex> {
        match self.shared.replace(Priority::Low) {
            Replaced::By(worker) => Some(worker),
            Replaced::NoneLeft | Replaced::Failed => None,
        }
    }

    /// Threads that were wanted and could not be had.
    pub(crate) fn failed_threads(&self) -> u64 {
        self.shared.failed_threads.load(Ordering::Relaxed)
    }

    pub(crate) fn tell_to_retire(&self, replacement: WorkerIndex) {
        self.shared.tell_to_retire(replacement);
    }
}

/// The watchdog's memory between two looks.
pub(crate) struct Watching(Eyes);

/// Something that happens once, and whoever waits for it.
#[derive(Debug, Default)]
pub(crate) struct Event {
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Debug, Default)]
struct State {
    happened: bool,
    waker: Option<Waker>,
}

impl Event {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub(crate) fn happen(&self) {
        let mut state = self.state.lock();
        state.happened = true;
        let waker = state.waker.take();
        drop(state);
        self.came.notify_all();
        waker.into_iter().for_each(Waker::wake);
    }

    /// The poll that asks keeps its worker until then.
    pub(crate) fn wait(&self) {
        let mut state = self.state.lock();
        while !state.happened {
            state = self.came.wait(state);
        }
    }

    /// The same without the worker.
    pub(crate) async fn come(&self) {
        poll_fn(|cx| {
            let mut state = self.state.lock();
            if state.happened {
                return Poll::Ready(());
            }
            state.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
