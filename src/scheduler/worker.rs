//! The worker: one thread's loop.
//!
//! A worker's part is its [`Core`]: its queues and counters. It stands in a thread-local while the
//! worker runs, so that a task that is woken on this thread can be put into the worker's own queue,
//! and it can be taken out and handed to another thread when this one is about to block. The loop
//! never holds it across a poll, nor across any other call of user code.
//!
//! What to do next, and from which queue, the core decides: see [`Core::next`].
//!
//! Book: chapters 12, 13, 14 and 17.

use std::cell::RefCell;
use std::sync::Arc;
use std::task::Waker;

use async_task::ScheduleInfo;

use super::context::{self, Role};
use super::core::{Core, Step};
use super::counters::Counters;
use super::idle::WorkerIndex;
use super::life::Phase;
use super::offload;
use super::replacement;
use super::shared::{Runnable, Shared};
use crate::budget;
use crate::driver::Wait;
use crate::priority::Priority;
use crate::task::contain::contain;
use crate::task::native::Native;
use crate::threads;

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
    with_core(|core| Arc::ptr_eq(core.shared(), shared).then_some(core.index())).flatten()
}

/// Starts a worker's thread.
pub(crate) fn start(core: Core, is_up: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let shared = Arc::clone(core.shared());
    let role = format!("{}-{}", core.home(), core.index().0);
    shared.threads.clone().start(&role, move || {
        let _member = context::enter(&shared, Role::Thread);
        is_up();
        if run(Box::new(core)) == Left::HandedOver {
            offload::serve(&shared, None);
        }
    })
}

/// Why a thread has left the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Left {
    /// The runtime ends, or the worker was a replacement and is not needed any more.
    Ended,
    /// The core is with another thread, whose place among those that block is free in exchange.
    HandedOver,
}

/// Runs a worker: ends with the runtime, when the core has been handed to another thread, or when a
/// replacement is told to retire.
pub(super) fn run(core: Box<Core>) -> Left {
    let shared = Arc::clone(core.shared());
    let (index, home) = (core.index(), core.home());
    CORE.with_borrow_mut(|place| *place = Some(core));
    with_core(Core::end_waking); // A waker may have blocked, and handed the part over.
    let left = match shared.replacements.order(index) {
        None => run_while(&shared, index, home, || true),
        Some(order) => run_while(&shared, index, home, || !replacement::must_retire(order)),
    };
    if left == Left::Ended {
        shared.counters_of(index).doing.rests();
        if let Some(core) = CORE.with_borrow_mut(Option::take) {
            replacement::dispose(core);
        }
    }
    left
}

/// The loop itself, for as long as the worker stays and has its core.
fn run_while(
    shared: &Arc<Shared>,
    index: WorkerIndex,
    home: Priority,
    stays: impl Fn() -> bool,
) -> Left {
    let mut ready = Vec::new();
    while !shared.is_at_least(Phase::Cancelling) && stays() {
        match with_core(Core::next) {
            Some(Step::Poll(runnable)) => poll(shared, runnable),
            Some(Step::TurnDriver) => turn_driver(shared, index, &mut ready),
            Some(Step::Sleep) => sleep(shared, index, home, &mut ready),
            None => return Left::HandedOver,
        }
    }
    Left::Ended
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

/// One look at sockets and timers between two polls, unless somebody is at it.
fn turn_driver(shared: &Shared, index: WorkerIndex, ready: &mut Vec<Waker>) {
    let Some(mut hold) = shared.driver.try_hold() else { return };
    hold.turn(Wait::Never, ready);
    drop(hold);
    let counters = shared.counters_of(index);
    counters.driver_turns.add(1);
    wake_all(shared, counters, ready);
    // Somebody may have gone to sleep elsewhere while we held it.
    if !with_core(|core| core.is_quiet()).unwrap_or(false) {
        shared.ensure_driver_is_held();
    }
}

/// Wakes what a turn of the driver has made ready.
fn wake_all(shared: &Shared, counters: &Counters, ready: &mut Vec<Waker>) {
    if ready.is_empty() {
        return;
    }
    counters.doing.wakes();
    shared.watch_wakers();
    with_core(Core::begin_waking);
    for waker in ready.drain(..) {
        // Anybody's waker: it may panic.
        drop(contain(|| waker.wake()));
    }
    with_core(Core::end_waking);
}

/// Sleeps until there may be work: see [`Idle`](super::idle) for the protocol.
fn sleep(shared: &Shared, index: WorkerIndex, home: Priority, ready: &mut Vec<Waker>) {
    let was_searching = with_core(Core::fall_asleep).unwrap_or(false);
    let counters = shared.counters_of(index);
    counters.doing.rests();
    let serves = shared.idle.serves();
    let stays_up = || {
        let mut lanes = Priority::ALL.into_iter().filter(|lane| serves.lane(home, *lane));
        lanes.any(|lane| shared.has_queued(lane)) || shared.is_at_least(Phase::Cancelling)
    };
    shared.idle.sleep(index, home, was_searching, stays_up, || {
        counters.parks.add(1);
        call_aside(shared.settings.on_park.as_ref());
        park(shared, index, ready);
        call_aside(shared.settings.on_unpark.as_ref());
    });
    with_core(Core::wake_up);
    wake_all(shared, counters, ready);
}

/// Calls a hook of a worker that is half asleep. The hook may block; but the core must not be handed
/// to another thread now, so the hook does not find it.
fn call_aside(hook: Option<&threads::Hook>) {
    if hook.is_some() {
        let core = CORE.with_borrow_mut(Option::take);
        threads::call(hook);
        CORE.with_borrow_mut(|place| *place = core);
    }
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
        let shared = Arc::clone(core.shared());
        shared.counters_of(core.index()).doing.rests();
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
