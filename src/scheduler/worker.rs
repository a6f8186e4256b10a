//! The worker: one thread's loop, and the order in which it looks for work.
//!
//! A worker's part is its [`Core`]: its queues and counters. It stands in a thread-local while the
//! worker runs, so that a task that is woken on this thread can be put into the worker's own queue,
//! and it can be taken out and handed to another thread when this one is about to block. The loop
//! never holds it across a poll, nor across any other call of user code.
//!
//! ```text
//! each round      home lane: own queue, injector
//! (High-home:     Low it has adopted, Low's injector)
//! out of work     search: home lane of the others, then the other lane, if it may
//! still nothing   sleep: in the driver, if nobody is there, else on a condition variable
//! every 61st      the other lane first
//! every 61st      look at what the others have, though there is work at hand
//! every 100 us    take in what waits in the injectors; turn the driver: see [`Pace`]
//! ```
//!
//! The look at the others is for progress: a worker that always has work of its own would never search, and
//! what is queued behind a worker stuck in a poll would wait as long as that.
//!
//! Book: chapter 12.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use async_task::ScheduleInfo;

use super::context::{self, Role};
use super::counters::Counters;
use super::idle::WorkerIndex;
use super::pace::Pace;
use super::run_queue::RunQueue;
use super::shared::{Phase, Runnable, Shared};
use crate::budget;
use crate::driver::Wait;
use crate::priority::Priority;
use crate::task::contain::contain;
use crate::task::native::Native;
use crate::threads;

/// Every how many ticks a worker looks elsewhere first. Prime, so that it beats no rhythm.
const FAIRNESS_TICK: u32 = 61;

/// The tick, counted from each look at the other lane, at which the queues of the others have their
/// turn. Half-way, so that the two never fall on one poll.
const RESCUE_TICK: u32 = 30;

/// What is a worker's own.
#[derive(Debug)]
pub(crate) struct Core {
    shared: Arc<Shared>,
    index: WorkerIndex,
    home: Priority,
    /// By lane. A Low-home worker keeps no High tasks: they would wait behind its Low ones.
    queues: [RunQueue<Runnable>; 2],
    tick: u32,
    /// When the injectors and the driver have their turn.
    pace: Pace,
    /// The lane that the next look at the others' queues is for.
    rescue: Priority,
    /// Counted among the searchers of [`Idle`](super::idle::Idle).
    searching: bool,
    /// The lane of the task under way.
    polling: Priority,
    wakeups: u32,
    random: fastrand::Rng,
}

/// What a worker does next.
enum Step {
    Poll(Runnable),
    TurnDriver,
    Sleep,
}

thread_local! {
    static CORE: RefCell<Option<Box<Core>>> = const { RefCell::new(None) };
}

/// Calls `f` with this thread's core, if it has one.
fn with_core<R>(f: impl FnOnce(&mut Core) -> R) -> Option<R> {
    // Err: the thread's locals are gone. A borrow under way would be a bug; it is not worth a panic
    // in somebody's wake-up, since the caller without a core does the right thing too.
    CORE.try_with(|core| core.try_borrow_mut().ok()?.as_deref_mut().map(f)).ok().flatten()
}

/// The number of the worker that this thread is, in the runtime of `shared`.
pub(super) fn index_in(shared: &Arc<Shared>) -> Option<WorkerIndex> {
    with_core(|core| Arc::ptr_eq(&core.shared, shared).then_some(core.index)).flatten()
}

/// Starts a worker's thread.
pub(crate) fn start(core: Core, is_up: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let shared = Arc::clone(&core.shared);
    let role = format!("{}-{}", core.home, core.index.0);
    shared.threads.clone().start(&role, move || {
        let _member = context::enter(&shared, Role::Thread);
        is_up();
        run(Box::new(core));
    })
}

/// The loop. Ends with the runtime, or when the core has been handed to another thread.
pub(crate) fn run(core: Box<Core>) {
    let shared = Arc::clone(&core.shared);
    let (index, home) = (core.index, core.home);
    CORE.with_borrow_mut(|place| *place = Some(core));
    let mut ready = Vec::new();
    while !shared.is_at_least(Phase::Cancelling) {
        match with_core(Core::next) {
            Some(Step::Poll(runnable)) => poll(&shared, runnable),
            Some(Step::TurnDriver) => {
                turn_driver(&shared, index, &mut ready);
                let now = shared.nanos();
                with_core(|core| core.pace.looked(now));
            }
            Some(Step::Sleep) => sleep(&shared, index, home, &mut ready),
            None => return,
        }
    }
    // Whoever shuts the runtime down drops what is left in the queues.
    drop(CORE.with_borrow_mut(Option::take));
}

/// Polls a task once, or drops it if it was aborted. Nothing a task does comes back from here.
pub(super) fn poll(shared: &Shared, runnable: Runnable) {
    if runnable.metadata().is_aborted() {
        drop(runnable);
    } else {
        budget::reset(shared.settings.poll_budget);
        runnable.run();
    }
}

/// Counts a poll that is about to be made, and its wait if that was timed.
pub(super) fn count_poll(shared: &Shared, counters: &Counters, runnable: &Runnable) {
    let meta = runnable.metadata();
    let lane = counters.lane(meta.lane());
    lane.polls.add(1);
    // Relaxed: the queue orders this after the stamp was set.
    let woken_at = meta.woken_at.load(Ordering::Relaxed);
    if woken_at != 0 {
        meta.woken_at.store(0, Ordering::Relaxed);
        lane.wake_to_poll.record(shared.nanos().saturating_sub(woken_at));
    }
}

/// One look at sockets and timers between two polls, unless somebody is at it.
fn turn_driver(shared: &Shared, index: WorkerIndex, ready: &mut Vec<Waker>) {
    let Some(mut hold) = shared.driver.try_hold() else { return };
    hold.turn(Wait::Never, ready);
    drop(hold);
    shared.counters_of(index).driver_turns.add(1);
    wake_all(ready);
    // Somebody may have gone to sleep elsewhere while we held it.
    if shared.idle.is_anyone_asleep() {
        shared.ensure_driver_is_held();
    }
}

fn wake_all(ready: &mut Vec<Waker>) {
    for waker in ready.drain(..) {
        // Anybody's waker: it may panic.
        drop(contain(|| waker.wake()));
    }
}

/// Sleeps until there may be work: see [`Idle`](super::idle) for the protocol.
fn sleep(shared: &Shared, index: WorkerIndex, home: Priority, ready: &mut Vec<Waker>) {
    let was_searching = with_core(|core| std::mem::take(&mut core.searching)).unwrap_or(false);
    shared.idle.fall_asleep(index, home, was_searching);
    let serves = shared.idle.serves();
    let has_work =
        Priority::ALL.into_iter().any(|lane| serves.lane(home, lane) && shared.has_queued(lane));
    if !has_work && !shared.is_at_least(Phase::Cancelling) {
        shared.counters_of(index).parks.add(1);
        threads::call(shared.settings.on_park.as_ref());
        park(shared, index, ready);
        threads::call(shared.settings.on_unpark.as_ref());
    }
    shared.idle.wake_up(index, home);
    with_core(|core| {
        core.searching = true;
        core.pace.slept();
    });
    wake_all(ready);
}

/// Waits in the driver if that is free, else on the worker's own condition variable.
fn park(shared: &Shared, index: WorkerIndex, ready: &mut Vec<Waker>) {
    let parker = shared.parker(index);
    let Some(mut hold) = shared.driver.try_hold() else { return parker.park() };
    if parker.enter_driver() {
        hold.turn(Wait::ForEvents, ready);
        parker.leave_driver();
        shared.counters_of(index).driver_turns.add(1);
    }
}

impl Core {
    pub(super) fn new(
        shared: Arc<Shared>,
        index: WorkerIndex,
        queues: [RunQueue<Runnable>; 2],
    ) -> Self {
        let home = shared.homes()[index.0];
        let random = fastrand::Rng::with_seed(shared.settings.seed ^ index.0 as u64);
        Self {
            shared,
            index,
            home,
            queues,
            tick: 0,
            pace: Pace::new(),
            rescue: home,
            searching: false,
            polling: home,
            wakeups: 0,
            random,
        }
    }

    /// Decides what to do next.
    fn next(&mut self) -> Step {
        if self.pace.is_due() {
            self.take_in_all();
            return Step::TurnDriver;
        }
        self.tick += 1;
        let first = match self.tick {
            RESCUE_TICK => self.rescue(),
            FAIRNESS_TICK => {
                self.tick = 0;
                self.other_lane_first()
            }
            _ => None,
        };
        match first.or_else(|| self.at_hand()).or_else(|| self.search()) {
            Some(runnable) => {
                self.begin(&runnable);
                Step::Poll(runnable)
            }
            None => Step::Sleep,
        }
    }

    fn may_serve(&self, lane: Priority) -> bool {
        self.shared.idle.serves().lane(self.home, lane)
    }

    /// May this worker keep tasks of `lane` on its own queue?
    fn may_keep(&self, lane: Priority) -> bool {
        lane == self.home || (self.home == Priority::High && self.may_serve(lane))
    }

    /// What needs no search: the home lane, then Low that this worker has adopted or may.
    fn at_hand(&mut self) -> Option<Runnable> {
        self.own(self.home).or_else(|| {
            let other = self.home.other();
            if self.may_keep(other) { self.own(other) } else { None }
        })
    }

    /// From the own queue of `lane`, else from its injector.
    fn own(&mut self, lane: Priority) -> Option<Runnable> {
        match self.queues[lane.index()].pop() {
            Some(runnable) => {
                self.share_the_rest(lane);
                Some(runnable)
            }
            None => self.injected(lane),
        }
    }

    /// If this worker has more than it is about to poll, and somebody sleeps who could help, wakes
    /// him. The pop before this is a full barrier, which a push by a task that yields is not: so
    /// yields need none.
    fn share_the_rest(&self, lane: Priority) {
        if self.shared.idle.is_anyone_asleep_for(lane) && !self.queues[lane.index()].is_empty() {
            self.shared.notify(lane, false);
        }
    }

    /// From the injector of `lane`: all of it if this worker may keep it, else one task.
    fn injected(&mut self, lane: Priority) -> Option<Runnable> {
        if self.may_keep(lane) {
            if !self.take_in(lane) {
                return None;
            }
            let first = self.queues[lane.index()].pop();
            self.share_the_rest(lane);
            first
        } else {
            let one = self.shared.injector(lane).pop()?;
            self.counters().lane(lane).injected.add(1);
            Some(one)
        }
    }

    /// Moves what waits in the injector behind what is queued here.
    fn take_in(&mut self, lane: Priority) -> bool {
        let queue = &self.queues[lane.index()];
        let found = self.shared.injector(lane).drain(|runnable| queue.push(runnable));
        if found {
            self.counters().lane(lane).injected.add(1);
        }
        found
    }

    /// The turn of the injectors: the home lane's, and that of a lane whose tasks are kept here.
    fn take_in_all(&mut self) {
        self.take_in(self.home);
        let other = self.home.other();
        if !self.queues[other.index()].is_empty() {
            self.take_in(other);
        }
    }

    /// The turn of what is queued behind others: home lane and other lane by turns.
    fn rescue(&mut self) -> Option<Runnable> {
        let lane = self.rescue;
        self.rescue = lane.other();
        if self.may_serve(lane) { self.steal(lane) } else { None }
    }

    /// The turn that the other lane has on every 61st tick.
    fn other_lane_first(&mut self) -> Option<Runnable> {
        let lane = self.home.other();
        if !self.may_serve(lane) {
            return None;
        }
        if self.may_keep(lane) {
            self.own(lane).or_else(|| self.steal(lane))
        } else {
            self.injected(lane).or_else(|| self.steal(lane))
        }
    }

    /// Looks at what the others have, home lane first; one searcher of a home at a time.
    fn search(&mut self) -> Option<Runnable> {
        if !self.searching {
            self.searching = self.shared.idle.start_searching(self.home);
            if !self.searching {
                return None;
            }
        }
        let (home, other) = (self.home, self.home.other());
        self.steal(home).or_else(|| {
            if !self.may_serve(other) {
                return None;
            }
            if self.may_keep(other) {
                self.steal(other)
            } else {
                self.injected(other).or_else(|| self.steal(other))
            }
        })
    }

    /// From another worker's queue of `lane`: half of it if this worker may keep it, else one task.
    fn steal(&mut self, lane: Priority) -> Option<Runnable> {
        let workers = self.shared.homes().len();
        let start = self.random.usize(..workers);
        let keep = self.may_keep(lane);
        let queue = &self.queues[lane.index()];
        let stolen = (0..workers)
            .map(|step| WorkerIndex((start + step) % workers))
            .filter(|victim| *victim != self.index)
            .map(|victim| self.shared.thief(victim, lane))
            .find_map(|thief| if keep { thief.steal_half(queue) } else { thief.steal_one() })?;
        let counters = self.counters().lane(lane);
        counters.steals.add(1);
        if keep && lane != self.home {
            counters.adoptions.add(1);
        }
        Some(stolen)
    }

    /// The last thing before a poll.
    fn begin(&mut self, runnable: &Runnable) {
        if self.searching {
            self.searching = false;
            if self.shared.idle.found_work(self.home) {
                self.shared.wake_successor();
            }
        }
        self.polling = runnable.metadata().lane();
        count_poll(&self.shared, self.counters(), runnable);
    }

    fn counters(&self) -> &Counters {
        self.shared.counters_of(self.index)
    }

    /// Queues a task that was woken or spawned on this thread; gives it back if another worker must
    /// have it.
    fn keep(&mut self, runnable: Runnable, how: ScheduleInfo) -> Result<(), Runnable> {
        let meta = runnable.metadata();
        let lane = meta.lane();
        if !std::ptr::eq(Arc::as_ptr(&meta.host), Arc::as_ptr(&self.shared)) {
            return Err(runnable);
        }
        self.shared.stamp(meta, &mut self.wakeups);
        if !self.may_keep(lane) || self.shared.is_at_least(Phase::Cancelling) {
            return Err(runnable);
        }
        self.queues[lane.index()].push(runnable);
        // A task that yields is looked after when this worker pops the next one.
        if !how.woken_while_running {
            self.shared.notify(lane, self.polling != lane);
        }
        Ok(())
    }
}

/// Queues a woken task of the lanes.
pub(super) fn schedule(runnable: Runnable, how: ScheduleInfo) {
    let mut runnable = Some(runnable);
    with_core(|core| {
        runnable = runnable.take().and_then(|runnable| core.keep(runnable, how).err());
    });
    let Some(runnable) = runnable else { return };
    // The task may be polled, and its memory freed, as soon as it is queued: hold the runtime.
    let shared = Arc::clone(&runnable.metadata().host);
    let lane = runnable.metadata().lane();
    shared.push_from_outside(runnable, lane);
}

/// Runs `f`, which may block, on this thread. On a worker, first hands the worker's part to another
/// thread; panics before `f` if there is none to be had.
#[track_caller]
pub(crate) fn block_in_place<R>(f: impl FnOnce() -> R) -> R {
    let core = CORE.try_with(|core| core.try_borrow_mut().ok()?.take()).ok().flatten();
    if let Some(core) = core {
        let shared = Arc::clone(&core.shared);
        if let Err(core) = shared.hand_over(core) {
            CORE.with_borrow_mut(|place| *place = Some(core));
            panic!(
                "cannot block on this worker: no spare thread could take its place (raise \
                 Builder::max_blocking_threads, or await spawn_blocking(..), join!(..) or the \
                 future itself instead of blocking)"
            );
        }
    }
    let _synchronous = Native::leave();
    f()
}
