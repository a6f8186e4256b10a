//! What the threads of one runtime share, and the way of a task into a queue.
//!
//! Book: chapter 12.

use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use crossbeam_utils::CachePadded;

use super::Settings;
use super::closing::Closing;
use super::core::Core;
use super::counters::Counters;
use super::idle::{Idle, Notified, WorkerIndex};
use super::injector::Injector;
use super::life::{Life, Phase};
use super::outbox::Inbox;
use super::parker::Wake;
use super::registry::Registry;
use super::replacement::Replacements;
use super::reserve::Reserve;
use super::run_queue::{RunQueue, Thief};
use super::seat::Seat;
use super::watchdog::Watchdog;
use super::worker;
use crate::blocking::pool::Pool;
use crate::driver::Driver;
use crate::priority::Priority;
use crate::task::cell::live::Leaving;
use crate::task::cell::meta::{Kind, Meta};
use crate::task::cell::{self, Host, Woken};
use crate::task::contain::{Payload, contain};
use crate::task::error::TaskError;
use crate::task::id::TaskId;
use crate::task::panic::TaskPanic;
use crate::threads::Threads;
use crate::token::CancellationToken;

/// A task, ready to be polled.
pub(crate) type Runnable = cell::Runnable<Shared>;

/// A task, as its spawner holds it.
pub(crate) type RawTask<T> = cell::RawTask<T, Shared>;

/// A job for the threads that may block.
#[derive(Debug)]
pub(crate) enum Job {
    /// A blocking call, as a task of one poll.
    Call(Runnable),
    /// The part of a worker whose thread is about to block.
    Worker(Box<Core>),
}

/// Who a live task is, for reports.
#[derive(Clone, Debug)]
pub(crate) struct TaskInfo {
    pub(crate) id: TaskId,
    pub(crate) site: &'static Location<'static>,
    pub(crate) name: Option<String>,
    pub(crate) kind: Kind,
}

impl TaskInfo {
    pub(crate) fn of(meta: &Meta<Shared>) -> Self {
        let name = meta.name().map(str::to_owned);
        Self { id: meta.id(), site: meta.site(), name, kind: meta.kind() }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) driver: Arc<Driver>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) blocking: Pool<Job>,
    pub(crate) registry: Registry<Shared>,
    pub(crate) closing: Closing<Result<(), Vec<TaskInfo>>>,
    /// Cancelled when a shutdown begins.
    pub(crate) token: CancellationToken,
    /// By worker, then by replacement.
    pub(crate) seats: Box<[Arc<Seat>]>,
    pub(crate) panics: AtomicU64,
    /// Threads that were wanted in passing (reserve, blocking) and could not be started.
    pub(crate) failed_threads: AtomicU64,
    pub(super) idle: CachePadded<Idle>,
    /// For the tasks of threads that are no workers.
    pub(super) outside: CachePadded<Inbox>,
    pub(crate) reserve: Reserve,
    pub(super) watchdog: Watchdog,
    pub(crate) replacements: Replacements,
    /// For threads that are started in passing.
    pub(super) itself: Weak<Shared>,
    homes: Box<[Priority]>,
    injectors: [CachePadded<Injector<Runnable>>; 2],
    life: CachePadded<Life>,
}

/// Futures from this size on, in bytes, go to the heap before they go anywhere else. `async-task`
/// boxes them from here on too, but a dozen moves later: in a debug build each of those is a copy on
/// the spawner's stack, and 128 KiB overflowed one of 2 MiB.
const BOXED_FROM: usize = 2048;

/// How often two counts are taken that belong together, if they change meanwhile.
const CONSISTENT_TRIES: usize = 4;

impl Shared {
    /// Makes what is shared and, for each worker, what is its own.
    pub(crate) fn new(settings: Settings, driver: Driver) -> (Arc<Self>, Vec<Core>) {
        let homes: Box<[Priority]> = Priority::ALL
            .into_iter()
            .flat_map(|home| std::iter::repeat_n(home, settings.workers[home.index()]))
            .collect();
        let owners = homes.len() + settings.replacements;
        let mut queues: Vec<[RunQueue<Runnable>; 2]> =
            (0..owners).map(|_| [RunQueue::new(), RunQueue::new()]).collect();
        let seats = queues.iter().map(|queues| Arc::new(Seat::new(queues))).collect();
        let spares = queues.split_off(homes.len());
        let shared = Arc::new_cyclic(|itself| Self {
            itself: Weak::clone(itself),
            driver: Arc::new(driver),
            threads: Arc::new(Threads::new(settings.threads.clone())),
            blocking: Pool::new(settings.max_blocking_threads, settings.keep_alive),
            registry: Registry::new(owners + 1),
            closing: Closing::new(),
            token: CancellationToken::new(),
            seats,
            panics: AtomicU64::new(0),
            failed_threads: AtomicU64::new(0),
            idle: CachePadded::new(Idle::new(settings.serves)),
            outside: CachePadded::new(Inbox::open()),
            reserve: Reserve::new(),
            watchdog: Watchdog::new(),
            replacements: Replacements::new(homes.len(), spares),
            injectors: [CachePadded::new(Injector::new()), CachePadded::new(Injector::new())],
            life: CachePadded::new(Life::new()),
            homes,
            settings,
        });
        let cores = queues
            .into_iter()
            .enumerate()
            .map(|(index, queues)| {
                let home = shared.homes[index];
                Core::new(Arc::clone(&shared), WorkerIndex(index), home, queues)
            })
            .collect();
        (shared, cores)
    }

    pub(crate) fn homes(&self) -> &[Priority] {
        &self.homes
    }

    pub(crate) fn injector(&self, lane: Priority) -> &Injector<Runnable> {
        &self.injectors[lane.index()]
    }

    /// The thieves' ends of `lane`'s queues, by worker.
    pub(super) fn thieves(
        &self,
        lane: Priority,
    ) -> impl ExactSizeIterator<Item = &Thief<Runnable>> {
        self.seats[..self.queue_owners()].iter().map(move |seat| seat.thief(lane))
    }

    pub(super) fn seat(&self, worker: WorkerIndex) -> &Arc<Seat> {
        &self.seats[worker.0]
    }

    /// Of the workers and replacements by their numbers, then of the reserve.
    pub(crate) fn counters(&self) -> impl Iterator<Item = &Counters> {
        let of_seats = self.seats.iter().map(|seat| &*seat.counters);
        of_seats.chain(std::iter::once(&*self.reserve.counters))
    }

    /// How many have queues in which something may be: the workers, and the replacements as far as
    /// there have been any.
    pub(crate) fn queue_owners(&self) -> usize {
        self.homes.len() + self.replacements.used()
    }

    /// The number of the reserve comes after those of the workers and replacements.
    pub(crate) fn reserve_index(&self) -> WorkerIndex {
        WorkerIndex(self.seats.len())
    }

    /// Is a task of `lane` queued, as far as this thread can see?
    pub(super) fn has_queued(&self, lane: Priority) -> bool {
        !self.injector(lane).is_empty() || self.thieves(lane).any(|thief| !thief.is_empty())
    }

    /// Is a task of `lane` queued elsewhere than on the run queue of `worker`?
    fn has_queued_beside(&self, worker: WorkerIndex, lane: Priority) -> bool {
        let mut others = self.thieves(lane).enumerate().filter(|(index, _)| *index != worker.0);
        !self.injector(lane).is_empty() || others.any(|(_, thief)| !thief.is_empty())
    }

    /// Nanoseconds since the runtime began, by the driver's clock; never 0.
    #[inline(never)] // Rare, and in the middle of what every poll does.
    pub(super) fn nanos(&self) -> u64 {
        self.driver.clock().nanos().max(1)
    }

    /// How many tasks have not dropped their future yet.
    pub(crate) fn live_tasks(&self) -> usize {
        // The inboxes first: a task that moves meanwhile is in neither, rather than in both.
        let leaving = || {
            let inboxes = self.seats.iter().map(|seat| seat.inbox.len()).sum::<u64>();
            let inboxes = inboxes + self.outside.len();
            inboxes + self.seats.iter().map(|seat| seat.counters.leaving.get()).sum::<u64>()
        };
        let (mut before, mut registered) = (leaving(), self.registry.len());
        for _ in 0..CONSISTENT_TRIES {
            let after = leaving();
            if after == before {
                break;
            }
            // Some were taken out, or put aside, meanwhile.
            (before, registered) = (after, self.registry.len());
        }
        registered.saturating_sub(before as usize)
    }

    /// Who they are.
    pub(crate) fn live_task_infos(&self) -> Vec<TaskInfo> {
        let infos = |task: &Meta<Self>| (!task.is_gone()).then(|| TaskInfo::of(task));
        self.registry.collect(|task| infos(task.meta())).into_iter().flatten().collect()
    }

    /// As an owner more, for whoever is about to lose what keeps the runtime alive.
    pub(super) fn owned(&self) -> Arc<Self> {
        self.itself.upgrade().expect("whoever borrows the runtime keeps it alive")
    }

    // --- Life ---

    /// Goes on to `phase`, never back.
    pub(crate) fn enter_phase(&self, phase: Phase) {
        self.life.enter(phase);
    }

    pub(crate) fn is_at_least(&self, phase: Phase) -> bool {
        self.life.is_at_least(phase)
    }

    /// Wakes every thread that sleeps in the scheduler, to see that the phase has changed.
    pub(crate) fn unpark_all(&self) {
        for index in 0..self.seats.len() {
            self.unpark(WorkerIndex(index));
        }
        self.reserve.unpark();
        self.watchdog.wake();
    }

    /// Takes any queued task out, whoever it belongs to.
    pub(crate) fn take_any(&self) -> Option<Runnable> {
        Priority::ALL.into_iter().find_map(|lane| {
            let from_queues = || self.thieves(lane).find_map(Thief::steal_one);
            let from_slots = || self.seats.iter().find_map(|seat| seat.slot(lane).take());
            self.injector(lane).pop(|| {}).or_else(from_queues).or_else(from_slots)
        })
    }

    // --- Spawning ---

    /// Makes and schedules a task. After a shutdown has begun the future is dropped and the task
    /// is cancelled from the start.
    #[inline(always)]
    pub(crate) fn spawn<F>(
        self: &Arc<Self>,
        future: F,
        kind: Kind,
        name: Option<String>,
        site: &'static Location<'static>,
    ) -> RawTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if size_of::<F>() >= BOXED_FROM {
            self.spawn_as_it_is(Box::pin(future), kind, name, site)
        } else {
            self.spawn_as_it_is(future, kind, name, site)
        }
    }

    #[inline(always)]
    fn spawn_as_it_is<F>(
        self: &Arc<Self>,
        future: F,
        kind: Kind,
        name: Option<String>,
        site: &'static Location<'static>,
    ) -> RawTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (newborn, task) = cell::allocate(future, self, kind, self.registry.shard(), site, name);
        match self.registry.insert(newborn) {
            Ok(runnable) => Self::schedule(runnable, Woken::Waiting),
            Err(refused) => drop(refused),
        }
        task
    }

    // --- Scheduling ---

    /// Queues a task from a thread that may not keep it: any thread, or a worker of the other lane.
    pub(super) fn push_from_outside(&self, runnable: Runnable, lane: Priority) {
        self.injector(lane).push(runnable);
        self.notify(lane, true);
        self.life.drop_late(|| self.injector(lane).pop(|| {}));
    }

    /// Finds a thread for a task that was just queued in `lane`. `beside`: the thread that queued
    /// it will not come to it by itself, or only after a poll of the other lane.
    #[inline]
    pub(super) fn notify(&self, lane: Priority, beside: bool) {
        match self.idle.notify(lane) {
            Notified::Wake(worker) => self.unpark(worker),
            Notified::AllBusy if lane == Priority::High && beside => self.wake_reserve(),
            Notified::AllBusy | Notified::Searched => {}
        }
    }

    pub(super) fn unpark(&self, worker: WorkerIndex) {
        match self.seat(worker).parker.unpark() {
            Wake::Done => {}
            Wake::Driver => self.driver.unpark(),
        }
    }

    /// The last searcher found work: whoever sleeps is needed if more is queued, or if nobody is
    /// left to wait in the driver. A `quiet` worker needs nobody for its own queues, nor for the
    /// driver, to which it will be back soon.
    pub(super) fn wake_successor(&self, quiet: Option<WorkerIndex>) {
        let has_queued = |lane| match quiet {
            Some(worker) => self.has_queued_beside(worker, lane),
            None => self.has_queued(lane),
        };
        let is_held = || quiet.is_some() || self.driver.is_held();
        if let Some(worker) = self.idle.successor(has_queued, is_held) {
            self.unpark(worker);
        }
    }

    /// If nobody holds the driver and somebody sleeps, he shall.
    pub(super) fn ensure_driver_is_held(&self) {
        if let Some(worker) = self.idle.next_holder(|| self.driver.is_held()) {
            self.unpark(worker);
        }
    }

    /// Notes the time of a wake-up that is one of the sample.
    #[cold]
    pub(super) fn stamp(&self, task: &Meta<Self>) {
        task.set_woken_at(self.nanos());
    }
}

impl Host for Shared {
    #[inline]
    fn schedule(runnable: Runnable, woken: Woken) {
        worker::schedule(runnable, woken);
    }

    fn forget(&self, task: Leaving<Self>) -> Option<Arc<Self>> {
        let is_own = task.place().shard() == usize::from(self.registry.shard());
        let task = if is_own { task } else { worker::put_aside(self, task).err()? };
        self.registry.remove(&task)
    }

    fn panicked(&self, task: &Meta<Self>, payload: &Payload) {
        if payload.as_any().downcast_ref::<TaskError>().is_some_and(TaskError::is_cancelled) {
            return; // Somebody awaited a cancelled task: nothing has failed.
        }
        self.panics.fetch_add(1, Ordering::Relaxed);
        if let Some(hook) = &self.settings.on_task_panic {
            let panic = TaskPanic::new(task, payload);
            drop(contain(|| hook(&panic)));
        }
    }
}
