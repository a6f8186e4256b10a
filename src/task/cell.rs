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
//! - The metadata owns an `Arc` of the host, so whoever holds a `Runnable` or a handle may use it.
//! - The future points back to its own metadata. Both live in the same allocation, and the cell
//!   drops the metadata only when it frees the allocation, after the future is gone.
//! - A waker owns the allocation too, so [`TaskRef`] needs nothing beside one to reach the metadata.
//! - What is here is there for every task: sizes are counted in bytes, and a test holds them down.
//!
//! Book: chapter 18.

#![expect(
    unsafe_code,
    reason = "future and registry point to the metadata in the task's one allocation"
)]

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use async_task::{FallibleTask, Runnable, ScheduleInfo, WithInfo};
use once_cell::race::OnceBox;

use super::contain::{Payload, contain};
use super::id::TaskId;
use super::native::Native;
use super::slot::Slot;
use crate::priority::Priority;

/// Where a task is scheduled when it is woken: the lanes, or the threads for blocking calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Lane(Priority),
    Blocking,
}

impl Kind {
    /// How many there are.
    pub(crate) const COUNT: usize = Priority::ALL.len() + 1;

    /// The kind's place in a `[T; Kind::COUNT]` of things kept per kind.
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Lane(lane) => lane.index(),
            Self::Blocking => Priority::ALL.len(),
        }
    }
}

/// The part of a task that few tasks have.
#[derive(Debug, Default)]
pub(crate) struct Cold {
    pub(crate) name: Option<String>,
    pub(crate) aborted: AtomicBool,
}

/// What runs tasks, as the cell sees it.
pub(crate) trait Host: Send + Sync + Sized + 'static {
    /// Puts a woken task where a thread will find it. Must neither block nor panic.
    fn schedule(runnable: Runnable<Meta<Self>>, how: ScheduleInfo);

    /// The future of the task in `slot` is gone.
    fn forget(&self, slot: Slot);

    /// A panic came out of a task's future: out of its poll, or out of its drop.
    fn panicked(&self, task: &Meta<Self>, payload: &Payload);
}

/// What we keep beside a future. Lives as long as any handle or waker of the task.
pub(crate) struct Meta<H> {
    pub(crate) host: Arc<H>,
    pub(crate) id: TaskId,
    pub(crate) site: &'static Location<'static>,
    pub(crate) cold: OnceBox<Arc<Cold>>,
    /// When the task was woken, in ns since the host began, if this wake-up is a sample; else 0.
    pub(crate) woken_at: AtomicU64,
    /// The two halves of a [`Slot`], which as a whole would not fit beside the kind; the key is
    /// [`UNREGISTERED`] if there is none.
    key: u32,
    shard: u16,
    pub(crate) kind: Kind,
    /// Is the future gone? Here, since beside the future it would take eight bytes more.
    finished: AtomicBool,
}

/// The key of a task that its host has refused.
const UNREGISTERED: u32 = u32::MAX;

impl<H> Meta<H> {
    pub(crate) fn new(
        host: Arc<H>,
        kind: Kind,
        slot: Option<Slot>,
        site: &'static Location<'static>,
        name: Option<String>,
    ) -> Self {
        let named = |name| Box::new(Arc::new(Cold { name: Some(name), ..Cold::default() }));
        Self {
            host,
            id: TaskId::next(),
            site,
            cold: name.map(named).map_or_else(OnceBox::new, OnceBox::with_value),
            woken_at: AtomicU64::new(0),
            key: slot.map_or(UNREGISTERED, Slot::key_word),
            shard: slot.map_or(0, Slot::shard_word),
            kind,
            finished: AtomicBool::new(false),
        }
    }

    /// `None` if the host has refused the task.
    pub(crate) fn slot(&self) -> Option<Slot> {
        let slot = || Slot::new(self.shard, self.key).of(self.id.as_u64());
        (self.key != UNREGISTERED).then(slot)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.cold.get()?.name.as_deref()
    }

    pub(crate) fn lane(&self) -> Priority {
        match self.kind {
            Kind::Lane(lane) => lane,
            Kind::Blocking => Priority::Low,
        }
    }

    pub(crate) fn is_aborted(&self) -> bool {
        // Relaxed: whoever aborts wakes the task afterwards, and the wake-up orders the two.
        self.cold.get().is_some_and(|cold| cold.aborted.load(Ordering::Relaxed))
    }

    pub(crate) fn cold(&self) -> &Arc<Cold> {
        self.cold.get_or_init(|| Box::new(Arc::default()))
    }
}

impl<H> fmt::Debug for Meta<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meta")
            .field("id", &self.id)
            .field("name", &self.name())
            .field("kind", &self.kind)
            .field("site", &self.site)
            .finish_non_exhaustive()
    }
}

/// A task as its spawner holds it: the cell's handle, and the way to the metadata, which that hides.
pub(crate) struct RawTask<T, H> {
    pub(crate) fallible: FallibleTask<Output<T>, Meta<H>>,
    /// The metadata of the same task.
    meta: NonNull<Meta<H>>,
}

// SAFETY: the handle may be sent if its output may; `meta` is a shared borrow of a Sync value.
unsafe impl<T: Send, H: Host> Send for RawTask<T, H> {}
// SAFETY: through a shared reference the handle gives no access to the output.
unsafe impl<T: Send, H: Host> Sync for RawTask<T, H> {}

impl<T, H: Host> RawTask<T, H> {
    pub(crate) fn meta(&self) -> &Meta<H> {
        // SAFETY: the metadata stands in the header of the task's allocation, which async-task does
        // not free while a handle (`fallible`) exists.
        unsafe { self.meta.as_ref() }
    }
}

/// A live task as its host keeps it: no more than its waker, through which the rest is found.
pub(crate) struct TaskRef<H> {
    waker: Waker,
    host: PhantomData<fn() -> H>,
}

/// How far behind the address that a task's waker carries its metadata stands, in bytes. async-task
/// promises no distance; but it is one for all tasks, so it is measured, and checked for each task.
static DISTANCE: AtomicUsize = AtomicUsize::new(UNMEASURED);

const UNMEASURED: usize = usize::MAX;

impl<H: Host> TaskRef<H> {
    pub(crate) fn new(runnable: &Runnable<Meta<H>>) -> Self {
        let waker = runnable.waker();
        let meta = std::ptr::from_ref(runnable.metadata());
        let distance = meta.addr().wrapping_sub(waker.data().addr());
        // Relaxed: once measured it never changes, and the registry's lock orders that before `meta`.
        if DISTANCE.load(Ordering::Relaxed) != distance {
            let (from, order) = (UNMEASURED, Ordering::Relaxed);
            let known = DISTANCE.compare_exchange(from, distance, order, order).err();
            assert!(
                known.is_none_or(|known| known == distance),
                "the headers of all tasks are alike"
            );
        }
        Self { waker, host: PhantomData }
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    pub(crate) fn meta(&self) -> &Meta<H> {
        let distance = DISTANCE.load(Ordering::Relaxed);
        let meta = self.waker.data().wrapping_byte_add(distance).cast::<Meta<H>>();
        // SAFETY: `new` has compared this address with that of the task's metadata, which stands in
        // the allocation that the waker's own pointer is to; the waker keeps it from being freed.
        unsafe { &*meta }
    }
}

impl<H: Host> fmt::Debug for TaskRef<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.meta().fmt(f)
    }
}

/// Allocates a task around `future`. Runs none of the user's code.
pub(crate) fn allocate<F, H>(future: F, meta: Meta<H>) -> (Runnable<Meta<H>>, RawTask<F::Output, H>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
    H: Host,
{
    let contain =
        |meta: &Meta<H>| Contained { meta: NonNull::from(meta), future: ManuallyDrop::new(future) };
    // The schedule function captures nothing: with a capture, async-task would clone and drop a
    // waker around every schedule. 42.2 -> 31.7 ns a yield (one worker, prototype, 2026-11).
    let schedule = WithInfo(H::schedule);
    let (runnable, task) = async_task::Builder::new().metadata(meta).spawn(contain, schedule);
    let meta = NonNull::from(task.metadata());
    (runnable, RawTask { fallible: task.fallible(), meta })
}

/// A task's future, with its poll and its drop contained.
struct Contained<F, H: Host> {
    /// The metadata in the header of this very task.
    meta: NonNull<Meta<H>>,
    /// Structurally pinned. Gone once the metadata says `finished`.
    future: ManuallyDrop<F>,
}

// SAFETY: `meta` is a shared borrow of a `Meta<H>`, which is Sync because `H` is; the future is Send.
unsafe impl<F: Send, H: Host> Send for Contained<F, H> {}

impl<F, H: Host> Contained<F, H> {
    fn meta(&self) -> &Meta<H> {
        // SAFETY: the metadata stands in the header of the allocation that holds `self`, and
        // async-task drops it only when it frees that, after the future (`self`) has been dropped.
        unsafe { self.meta.as_ref() }
    }

    fn is_finished(&self) -> bool {
        // Relaxed: only whoever has the future to itself writes and reads it.
        self.meta().finished.load(Ordering::Relaxed)
    }

    /// Drops the future where it stands: the pin's promise holds to the end. Called once.
    fn drop_future(&mut self) -> Result<(), Payload> {
        let before = self.meta().finished.swap(true, Ordering::Relaxed);
        assert!(!before, "a future is dropped once");
        // SAFETY: `finished` was false until now, so it is the first time; nobody polls it again.
        contain(|| unsafe { ManuallyDrop::drop(&mut self.future) })
    }
}

impl<F: Future, H: Host> Future for Contained<F, H> {
    type Output = Output<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // An abort that finds the task queued wakes it in vain, and it may come after whoever
        // polls has looked. Since then the task has become a running one: an abort that came
        // before that is seen here, and one that comes after it queues the task again.
        if self.meta().is_aborted() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        assert!(!self.is_finished(), "a task is not polled after it has finished");
        // SAFETY: `future` is never moved out of: it is only polled and dropped in place.
        let this = unsafe { self.get_unchecked_mut() };
        let native = Native::enter(cx.waker());
        // SAFETY: as above; `this` came out of a pin.
        let polled = contain(|| unsafe { Pin::new_unchecked(&mut *this.future) }.poll(cx));
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => Ok(value),
            Err(payload) => Err(payload),
        };
        let mut output = Output::new(result);
        if let Err(payload) = this.drop_future() {
            // The first payload wins; a value whose future cannot even be dropped is no value.
            if output.0.is_ok() {
                output = Output::new(Err(payload));
            }
        }
        drop(native);
        if let Err(payload) = &*output.0 {
            this.meta().host.panicked(this.meta(), payload);
        }
        Poll::Ready(output)
    }
}

impl<F, H: Host> Drop for Contained<F, H> {
    fn drop(&mut self) {
        if !self.is_finished()
            && let Err(payload) = self.drop_future()
        {
            self.meta().host.panicked(self.meta(), &payload);
        }
        if let Some(slot) = self.meta().slot() {
            self.meta().host.forget(slot);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_task_has_is_small() {
        assert!(size_of::<Meta<()>>() <= 48);
        // In the registry's slab a vacant place takes no more than the entry.
        assert!(size_of::<TaskRef<()>>() <= 16);
        // As async-task stores it: no larger than the smallest future with its pointer.
        assert!(size_of::<Result<Output<()>, Box<dyn std::any::Any + Send>>>() <= 16);
    }
}
