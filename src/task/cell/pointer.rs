//! A pointer to a whole task: from it one gets to the metadata and to a waker.
//!
//! `async-task` gives the metadata of a task to whoever has its `Runnable`. But a list of tasks, and a
//! handle that is awaited, have no `Runnable`: they keep the address that a `Runnable` consists of.
//!
//! Book: chapter 18.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use super::meta::Meta;

/// The address of a task's allocation.
pub(super) struct Pointer<H>(NonNull<()>, PhantomData<fn() -> H>);

impl<H> Clone for Pointer<H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Pointer<H> {}

/// How far behind the beginning of a task's allocation its metadata stands, in bytes. async-task
/// promises no distance; but it is one for all tasks, so it is measured, and checked for each task.
static DISTANCE: AtomicUsize = AtomicUsize::new(UNMEASURED);

const UNMEASURED: usize = usize::MAX;

impl<H> Pointer<H> {
    /// Of a task that was just allocated.
    pub(super) fn first(runnable: async_task::Runnable<Meta<H>>) -> Self {
        let meta = std::ptr::from_ref(runnable.metadata()).addr();
        let raw = runnable.into_raw();
        let distance = meta - raw.addr().get();
        // Relaxed: once measured it never changes, and whoever hands the pointer on orders that.
        if DISTANCE.load(Ordering::Relaxed) != distance {
            measured(distance);
        }
        Self::new(raw)
    }

    pub(super) fn new(raw: NonNull<()>) -> Self {
        Self(raw, PhantomData)
    }

    pub(super) fn raw(self) -> NonNull<()> {
        self.0
    }

    /// # Safety
    ///
    /// The task's allocation is there for `'a`.
    pub(super) unsafe fn meta<'a>(self) -> &'a Meta<H> {
        let distance = DISTANCE.load(Ordering::Relaxed);
        // SAFETY: `first` has compared this address with that of the metadata, in the same allocation.
        let meta = unsafe { self.0.byte_add(distance) }.cast::<Meta<H>>();
        // SAFETY: as above, and the caller keeps the allocation.
        unsafe { meta.as_ref() }
    }

    /// Clones a waker.
    ///
    /// # Safety
    ///
    /// The task's allocation is there, and somebody owns a reference to it.
    pub(super) unsafe fn waker(self) -> Waker {
        // SAFETY: it came out of a `Runnable` of this type. It is not one that somebody may run or drop:
        // it clones a waker, for which any reference will do.
        let runnable = unsafe { async_task::Runnable::<Meta<H>>::from_raw(self.0) };
        ManuallyDrop::new(runnable).waker()
    }
}

#[cold]
fn measured(distance: usize) {
    let (from, order) = (UNMEASURED, Ordering::Relaxed);
    let known = DISTANCE.compare_exchange(from, distance, order, order).err();
    assert!(known.is_none_or(|known| known == distance), "the headers of all tasks are alike");
}

impl<H> fmt::Debug for Pointer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
