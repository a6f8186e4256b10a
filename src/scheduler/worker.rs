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
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::task::Waker;

use super::context::{self, Role};
use super::core::{Core, Step};
use super::counters::Counters;
use super::idle::WorkerIndex;
use super::life::Phase;
use super::offload;
use super::one_poll;
use super::registry;
use super::replacement;
use super::samples;
use super::seat::Seat;
use super::shared::{Runnable, Shared};
use crate::driver::Wait;
use crate::priority::Priority;
use crate::sync::internal::thread_local;
use crate::task::cell::Woken;
use crate::task::cell::live::Leaving;
use crate::task::cell::meta::Kind;
use crate::task::contain::contain;
use crate::task::native::Native;
use crate::threads;

type Place = RefCell<ManuallyDrop<Option<Box<Core>>>>;

thread_local! {
    /// Taken out before the thread ends. So it needs no destructor, and is found without a look
    /// whether it is still there.
    static CORE: Place = const { RefCell::new(ManuallyDrop::new(None)) };
}

/// Calls `f` with this thread's core, if it has one.
fn with_core<R>(f: impl FnOnce(&mut Core) -> R) -> Option<R> {
    CORE.with(|core| with_core_in(core, f))
}

#[inline(never)] // What std wraps around it stays small, and is inlined itself.
fn with_core_in<R>(core: &Place, f: impl FnOnce(&mut Core) -> R) -> Option<R> {
    // Err: a borrow under way would be a bug; it is not worth a panic in somebody's wake-up, since
    // the caller without a core does the right thing too.
    core.try_borrow_mut().ok()?.as_deref_mut().map(f)
}

fn take_core() -> Option<Box<Core>> {
    CORE.with(|core| core.try_borrow_mut().ok()?.take())
}

fn put_core(core: Option<Box<Core>>) {
    CORE.with_borrow_mut(|place| **place = core);
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
    registry::use_shard(index.0);
    put_core(Some(core));
    with_core(Core::end_waking); // A waker may have blocked, and handed the part over.
    let left = match shared.replacements.order(index) {
        None => run_while(&shared, index, home, || true),
        Some(order) => run_while(&shared, index, home, || !replacement::must_retire(order)),
    };
    if left == Left::HandedOver {
        return left;
    }
    // The runtime may end while the part is with another thread, which counts for itself then.
    let Some(core) = take_core() else { return Left::HandedOver };
    shared.seat(index).counters.doing.rests();
    replacement::dispose(core);
    Left::Ended
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
            Some(Step::Poll(runnable)) => one_poll::run(shared, runnable),
            Some(Step::ObservedPoll(runnable)) => observe(shared, index, runnable),
            Some(Step::TurnDriver) => turn_driver(shared, index, &mut ready),
            Some(Step::Sleep) => sleep(shared, index, home, &mut ready),
            None => return Left::HandedOver,
        }
    }
    Left::Ended
}

/// A poll that is to be timed, and that hooks are called around if there are any.
#[cold]
fn observe(shared: &Shared, index: WorkerIndex, runnable: Runnable) {
    let lane = runnable.meta().lane();
    let nanos = one_poll::run_observed(shared, index, runnable);
    // Unless it has blocked: then the counters are another thread's now.
    with_core(|core| core.record(lane, nanos));
}

/// One look at sockets and timers between two polls, unless somebody is at it.
fn turn_driver(shared: &Shared, index: WorkerIndex, ready: &mut Vec<Waker>) {
    let Some(mut hold) = shared.driver.try_hold() else { return };
    hold.turn(Wait::Never, ready);
    drop(hold);
    let counters = &shared.seat(index).counters;
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
    let counters = &shared.seat(index).counters;
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
        let core = take_core();
        threads::call(hook);
        put_core(core);
    }
}

/// Waits in the driver if that is free, else on the worker's own condition variable.
fn park(shared: &Shared, index: WorkerIndex, ready: &mut Vec<Waker>) {
    let Seat { parker, counters, .. } = &**shared.seat(index);
    let was_woken = match shared.driver.try_hold() {
        Some(mut hold) if parker.enter_driver() => {
            hold.turn(Wait::ForEvents, ready);
            counters.driver_turns.add(1);
            parker.leave_driver()
        }
        Some(_) => true, // Before it slept.
        None => {
            parker.park();
            true
        }
    };
    if was_woken {
        counters.unparks.add(1);
    }
}

/// Queues a woken task, here if this thread is a worker that may keep it.
#[inline]
pub(super) fn schedule(runnable: Runnable, woken: Woken) {
    CORE.with(|core| schedule_in(core, runnable, woken));
}

#[inline(never)] // As above.
fn schedule_in(core: &Place, runnable: Runnable, woken: Woken) {
    let kept = match core.try_borrow_mut().as_deref_mut().map(|core| core.as_deref_mut()) {
        Ok(Some(core)) => core.keep(runnable, woken),
        _ => Err(runnable),
    };
    if let Err(runnable) = kept {
        schedule_from_outside(runnable);
    }
}

/// Keeps a task that has ended in the outbox of this thread's worker, if it is one of `shared`.
pub(super) fn put_aside(shared: &Shared, task: Leaving<Shared>) -> Result<(), Leaving<Shared>> {
    CORE.with(|core| match core.try_borrow_mut().as_deref_mut().map(|core| core.as_deref_mut()) {
        Ok(Some(core)) if std::ptr::eq(&raw const **core.shared(), shared) => core.put_aside(task),
        _ => Err(task),
    })
}

/// Queues it where another thread will find it.
#[inline(never)]
fn schedule_from_outside(runnable: Runnable) {
    // The task may be polled, and be the last one, as soon as it is queued: hold the runtime.
    let shared = runnable.host().owned();
    match runnable.meta().kind() {
        Kind::Lane(lane) => {
            if samples::is_sampled_outside() {
                shared.stamp(runnable.meta());
            }
            shared.push_from_outside(runnable, lane);
            shared.clear_outside();
        }
        Kind::Blocking => shared.push_blocking(runnable),
    }
}

/// Runs `f`, which may block, on this thread. On a worker, first hands the worker's part to another
/// thread; panics before `f` if there is none to be had.
#[track_caller]
pub(crate) fn block_in_place<R>(f: impl FnOnce() -> R) -> R {
    if let Some(core) = take_core() {
        let shared = Arc::clone(core.shared());
        shared.seat(core.index()).counters.doing.rests();
        if let Err(core) = shared.hand_over(core) {
            put_core(Some(core));
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
