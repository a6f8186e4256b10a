//! The task cell: a user's future, wrapped so that nothing it does can hurt the runtime.
//!
//! `async-task` gives us one allocation with a header, our [`Meta`] and the future. What it cannot
//! give is containment: it aborts the process when a future, an output or a payload panics while it
//! is dropped. So the future that we hand it is a [`Contained`], and the output an [`Output`].
//!
//! ```text
//!          spawn                 1 scheduled: `Host::schedule` puts the Runnable in a queue
//!            | 1                 2 running:   a worker calls `Runnable::run`
//!            v       2           3 waiting:   the future returned Pending and was not woken
//!   +--> scheduled ----> running 4 woken:     a Waker schedules it again (also while it runs)
//!   |        |            | | |  5 finished:  the future is dropped, then the output stored
//!   |      6 |          6 | | | 5 6 cancelled: the handle was dropped or aborted; whoever runs
//!   |        v            | | |               the task next drops the future instead
//!   |    cancelled <------+ | +--> finished
//!   |                       v 3               In 5 and 6 the future's drop tells the host
//!   +-------- 4 -------- waiting              (`Host::forget`): the task is no longer live.
//! ```
//!
//! Invariants:
//! - A task's future is polled and dropped only by what a [`Runnable`] does, here. So each of them
//!   notes whose turn it is, and the future finds its metadata without a pointer of its own.
//! - While a task has its future it is one of the [live] ones, and as long as there are any they own
//!   the host. So whoever has a `Runnable` may use the host.
//! - The metadata is freed with the allocation, after the future is gone.
//! - What is here is there for every task: sizes are counted in bytes, and tests hold them down.
//!
//! Book: chapter 18.

#![expect(
    unsafe_code,
    reason = "futures, handles and the live tasks point to the metadata in a task's one allocation"
)]

pub(crate) mod live;
pub(crate) mod meta;
mod pointer;
pub(crate) mod slot;

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_task::{FallibleTask, ScheduleInfo, WithInfo};

use super::contain::{Payload, contain};
use super::error::TaskError;
use super::native::Native;
use crate::sync::internal::thread_local;
use live::Leaving;
use meta::{Kind, Meta};
use pointer::Pointer;

/// When a task was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// While it waited, or it is new.
    Waiting,
    /// While it was polled: it yields.
    Polled,
}

/// What runs tasks, as the cell sees it.
pub(crate) trait Host: Send + Sync + Sized + 'static {
    /// Puts a woken task where a thread will find it. Must neither block nor panic.
    fn schedule(runnable: Runnable<Self>, woken: Woken);

    /// The future of a task is gone: it leaves the live tasks, which may give the host back.
    fn forget(&self, task: Leaving<Self>) -> Option<Arc<Self>>;

    /// A panic came out of a task's future: out of its poll, or out of its drop.
    fn panicked(&self, task: &Meta<Self>, payload: &Payload);
}

thread_local! {
    /// The task whose `Runnable` is run or dropped on this thread.
    static CURRENT: Cell<Option<NonNull<()>>> = const { Cell::new(None) };
}

/// Notes that it is this task's turn, until it is dropped.
struct TurnOf {
    before: Option<NonNull<()>>,
}

impl TurnOf {
    fn begin<H>(task: Pointer<H>) -> Self {
        Self { before: CURRENT.replace(Some(task.raw())) }
    }
}

impl Drop for TurnOf {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// A task that is to be polled, or dropped. Whoever has it has the task's future to himself.
pub(crate) struct Runnable<H: Host>(Pointer<H>);

// SAFETY: it is what `async_task::Runnable` is, which may be sent since the metadata is Send and Sync.
unsafe impl<H: Host> Send for Runnable<H> {}

impl<H: Host> Runnable<H> {
    #[inline]
    fn from_cell(runnable: async_task::Runnable<Meta<H>>) -> Self {
        Self(Pointer::new(runnable.into_raw()))
    }

    /// The cell's own; called once, by what ends this one.
    unsafe fn cell(&self) -> async_task::Runnable<Meta<H>> {
        // SAFETY: it came out of `into_raw`, and is taken once.
        unsafe { async_task::Runnable::from_raw(self.0.raw()) }
    }

    /// Polls the task once; if it was aborted, drops its future instead.
    pub(crate) fn run(self) {
        let this = ManuallyDrop::new(self);
        let _turn = TurnOf::begin(this.0);
        // SAFETY: `this` is not used, nor dropped, after that.
        unsafe { this.cell() }.run();
    }

    pub(crate) fn meta(&self) -> &Meta<H> {
        // SAFETY: a `Runnable` is a reference to the allocation.
        unsafe { self.0.meta() }
    }

    /// The host, which is there since the task is live.
    pub(crate) fn host(&self) -> &H {
        // SAFETY: the task has its future, so it is a live one, and those own the host.
        unsafe { &*self.meta().host() }
    }

    fn into_raw(self) -> NonNull<()> {
        ManuallyDrop::new(self).0.raw()
    }

    /// # Safety
    ///
    /// It comes out of `into_raw`, and this is its only use.
    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Self(Pointer::new(raw))
    }

    fn pointer(&self) -> Pointer<H> {
        self.0
    }

    fn waker(&self) -> Waker {
        // SAFETY: a `Runnable` is a reference to the allocation.
        unsafe { self.0.waker() }
    }
}

impl<H: Host> Drop for Runnable<H> {
    fn drop(&mut self) {
        let _turn = TurnOf::begin(self.0);
        // SAFETY: nobody has `self` after this.
        drop(unsafe { self.cell() });
    }
}

impl<H: Host> fmt::Debug for Runnable<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.meta().fmt(f)
    }
}

/// A task that is not yet among the live ones, and so not scheduled. Dropping it drops its future.
pub(crate) struct Newborn<'a, H: Host> {
    runnable: Runnable<H>,
    host: &'a Arc<H>,
}

impl<'a, H: Host> Newborn<'a, H> {
    pub(crate) fn kind(&self) -> Kind {
        self.runnable.meta().kind()
    }

    pub(crate) fn shard(&self) -> u8 {
        self.runnable.meta().shard()
    }

    /// For the live tasks: only there does the `Runnable` promise that the host lives.
    fn into_parts(self) -> (Runnable<H>, &'a Arc<H>) {
        (self.runnable, self.host)
    }
}

/// A task as its spawner holds it: the cell's handle, and the way to the metadata, which that hides.
pub(crate) struct RawTask<T, H> {
    pub(crate) fallible: FallibleTask<Output<T>, Meta<H>>,
    /// The same task.
    pointer: Pointer<H>,
}

// SAFETY: the handle may be sent if its output may; the pointer is to a Sync value.
unsafe impl<T: Send, H: Host> Send for RawTask<T, H> {}
// SAFETY: through a shared reference the handle gives no access to the output.
unsafe impl<T: Send, H: Host> Sync for RawTask<T, H> {}

impl<T, H: Host> RawTask<T, H> {
    pub(crate) fn meta(&self) -> &Meta<H> {
        // SAFETY: async-task does not free the allocation while there is a handle (`fallible`).
        unsafe { self.pointer.meta() }
    }

    /// Has the task come to its end, and was its future dropped?
    pub(crate) fn is_finished(&self) -> bool {
        self.fallible.is_finished() && self.meta().is_gone()
    }

    /// What cancels the task from elsewhere.
    pub(crate) fn aborter(&self) -> Aborter<H> {
        // SAFETY: a handle is not counted among the references, but keeps the allocation all the same.
        Aborter { waker: unsafe { self.pointer.waker() }, host: PhantomData }
    }
}

/// Cancels a task, and keeps no more of it than its allocation.
pub(crate) struct Aborter<H> {
    waker: Waker,
    host: PhantomData<fn() -> H>,
}

impl<H> Clone for Aborter<H> {
    fn clone(&self) -> Self {
        Self { waker: self.waker.clone(), host: PhantomData }
    }
}

impl<H: Host> Aborter<H> {
    pub(crate) fn meta(&self) -> &Meta<H> {
        let raw = NonNull::new(self.waker.data().cast_mut()).expect("a task's waker points to it");
        // SAFETY: the waker is one of a task's, made in `aborter`, and a reference to its allocation.
        unsafe { Pointer::new(raw).meta() }
    }

    pub(crate) fn abort(&self) {
        self.meta().abort();
        self.waker.wake_by_ref();
    }
}

/// Allocates a task around `future`. Runs none of the user's code.
#[inline(always)]
pub(crate) fn allocate<'a, F, H>(
    future: F,
    host: &'a Arc<H>,
    kind: Kind,
    shard: u8,
    site: &'static Location<'static>,
    name: Option<String>,
) -> (Newborn<'a, H>, RawTask<F::Output, H>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
    H: Host,
{
    let meta = Meta::new(host, kind, shard, site, name);
    let contained = Contained::<F, H> { future: ManuallyDrop::new(future), host: PhantomData };
    // The schedule function captures nothing: with a capture, async-task would clone and drop a
    // waker around every schedule. 42.2 -> 31.7 ns a yield (one worker, prototype, 2026-11).
    let schedule = WithInfo(schedule::<H>);
    let (runnable, task) = async_task::Builder::new().metadata(meta).spawn(|_| contained, schedule);
    let pointer = Pointer::first(runnable);
    let newborn = Newborn { runnable: Runnable(pointer), host };
    (newborn, RawTask { fallible: task.fallible(), pointer })
}

fn schedule<H: Host>(runnable: async_task::Runnable<Meta<H>>, how: ScheduleInfo) {
    let woken = if how.woken_while_running { Woken::Polled } else { Woken::Waiting };
    H::schedule(Runnable::from_cell(runnable), woken);
}

/// A task's future, with its poll and its drop contained.
struct Contained<F, H: Host> {
    /// Structurally pinned. Gone once the metadata says `finished`.
    future: ManuallyDrop<F>,
    host: PhantomData<fn() -> H>,
}

/// The task whose turn it is, for its future: that must not be looked at as a whole, which may hold
/// references into itself.
fn own_task<H>() -> Pointer<H> {
    Pointer::new(CURRENT.get().expect("a future is polled and dropped in its task's turn"))
}

impl<F, H: Host> Contained<F, H> {
    /// Drops the future where it stands: the pin's promise holds to the end. Called once.
    fn drop_future(&mut self, meta: &Meta<H>) -> Result<(), Payload> {
        assert!(!meta.is_finished(), "a future is dropped once");
        meta.set_finished();
        // SAFETY: `finished` was false until now, so it is the first time; nobody polls it again.
        contain(|| unsafe { ManuallyDrop::drop(&mut self.future) })
    }

    /// The same where nobody awaits what comes out of it.
    fn drop_cancelled(&mut self, meta: &Meta<H>) {
        if let Err(payload) = self.drop_future(meta) {
            report(meta, &payload);
        }
    }
}

/// Tells the host of a panic.
fn report<H: Host>(meta: &Meta<H>, payload: &Payload) {
    // SAFETY: the task has not left the live ones, which own the host; or it was refused, and whoever
    // drops the `Newborn` has the host.
    let host = unsafe { &*meta.host() };
    host.panicked(meta, payload);
}

/// The future is gone, so the task is no longer live. `waker` is its own.
fn leave<H: Host>(meta: &Meta<H>, waker: &Waker) {
    meta.set_gone();
    if meta.is_registered() {
        // SAFETY: it is in a slab, and leaves it here.
        let leaving = unsafe { Leaving::new(waker) };
        // SAFETY: until now the task was a live one, and those own the host; whoever runs or drops a
        // task has the host as well, so it outlives the call.
        let host = unsafe { &*meta.host() }.forget(leaving);
        drop(host); // Perhaps the last owner: nothing of it is used any more.
    }
}

impl<F: Future, H: Host> Future for Contained<F, H> {
    type Output = Output<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = own_task::<H>();
        // SAFETY: `self` stands in the task's allocation, and so does the metadata.
        let meta = unsafe { task.meta() };
        debug_assert!(!meta.is_finished(), "a task is not polled after it has finished");
        // SAFETY: `future` is never moved out of: it is only polled and dropped in place.
        let this = unsafe { self.get_unchecked_mut() };
        let native = Native::enter(cx.waker());
        if meta.is_aborted() {
            this.drop_cancelled(meta);
            drop(native);
            leave(meta, cx.waker());
            return Poll::Ready(Output::new(Err(Payload::new(TaskError::Cancelled))));
        }
        // SAFETY: as above; `this` came out of a pin.
        let polled = contain(|| unsafe { Pin::new_unchecked(&mut *this.future) }.poll(cx));
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => Ok(value),
            Err(payload) => Err(payload),
        };
        let mut output = Output::new(result);
        if let Err(payload) = this.drop_future(meta) {
            // The first payload wins; a value whose future cannot even be dropped is no value.
            if output.0.is_ok() {
                output = Output::new(Err(payload));
            }
        }
        drop(native);
        if let Err(payload) = &*output.0 {
            report(meta, payload);
        }
        leave(meta, cx.waker());
        Poll::Ready(output)
    }
}

impl<F, H: Host> Drop for Contained<F, H> {
    fn drop(&mut self) {
        let task = own_task::<H>();
        // SAFETY: `self` stands in the task's allocation, and so does the metadata.
        let meta = unsafe { task.meta() };
        if !meta.is_finished() {
            self.drop_cancelled(meta);
            // SAFETY: the turn under way is a reference to the task.
            leave(meta, &unsafe { task.waker() });
        }
    }
}

/// What a task came to. Dropping it unread is contained. The payload is boxed, since the output
/// shares its place with the future, and few outputs are one.
pub(crate) struct Output<T>(ManuallyDrop<Result<T, Box<Payload>>>);

impl<T> Output<T> {
    fn new(result: Result<T, Payload>) -> Self {
        Self(ManuallyDrop::new(result.map_err(Box::new)))
    }

    pub(crate) fn into_result(self) -> Result<T, Payload> {
        let mut output = ManuallyDrop::new(self);
        // SAFETY: `output` is neither looked at nor dropped after this.
        let result = unsafe { ManuallyDrop::take(&mut output.0) };
        result.map_err(|payload| *payload)
    }
}

impl<T> Drop for Output<T> {
    fn drop(&mut self) {
        // SAFETY: this is the only place that drops it, and nobody looks at it afterwards.
        drop(contain(|| unsafe { ManuallyDrop::drop(&mut self.0) }));
    }
}

impl<T> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_ok() { "Output(value)" } else { "Output(panic)" })
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_every_task_has_is_small() {
        // As async-task stores it: no larger than the smallest future with its pointer.
        assert!(size_of::<Result<Output<()>, Box<dyn std::any::Any + Send>>>() <= 16);
    }
}
