//! The live tasks of one shard: a slab of pointers, 8 bytes for each.
//!
//! A task enters when it is spawned and leaves when its future is dropped. Meanwhile the slab owns two
//! things:
//!
//! - a reference to each task's allocation, so that one which nobody can wake any more is still there to
//!   be cancelled; `async-task` would drop its future as soon as the last waker is gone
//! - the host, as long as there is any task: whoever has a task from here may use its host
//!
//! An entry is one word, a task's address or, with the lowest bit set, the number of the next vacant
//! entry. A `slab::Slab` of wakers would take 16 bytes, and one of pointers no less.
//!
//! The lock around the slab, and what follows from an order of entering and closing, are the
//! registry's (`scheduler::registry`).
//!
//! Book: chapter 18.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Waker;

use super::meta::{Meta, Place};
use super::pointer::Pointer;
use super::{Host, Newborn, Runnable};

/// See the module.
pub(crate) struct LiveTasks<H> {
    entries: Vec<Entry<H>>,
    /// The first vacant entry, or the number of entries.
    vacant: u32,
    len: usize,
    /// There as long as there is a task.
    host: Option<Arc<H>>,
}

// SAFETY: it owns what it points to, which may be sent as wakers and hosts may.
unsafe impl<H: Send + Sync> Send for LiveTasks<H> {}

/// A task's address, or the number of another entry.
struct Entry<H>(*mut (), PhantomData<fn() -> H>);

impl<H> Entry<H> {
    fn of(task: Pointer<H>) -> Self {
        Self(task.raw().as_ptr(), PhantomData)
    }

    fn vacant(next: u32) -> Self {
        Self(std::ptr::without_provenance_mut((next as usize) << 1 | 1), PhantomData)
    }

    fn task(&self) -> Option<Pointer<H>> {
        let is_task = self.0.addr() & 1 == 0;
        NonNull::new(self.0).filter(|_| is_task).map(Pointer::new)
    }

    fn next_vacant(&self) -> u32 {
        (self.0.addr() >> 1) as u32
    }
}

/// A live task, for as long as the slab is locked.
pub(crate) struct LiveTask<'a, H> {
    task: Pointer<H>,
    tasks: PhantomData<&'a LiveTasks<H>>,
}

impl<'a, H> LiveTask<'a, H> {
    pub(crate) fn meta(&self) -> &'a Meta<H> {
        // SAFETY: the slab owns a reference to the task, and stays borrowed.
        unsafe { self.task.meta() }
    }

    pub(crate) fn waker(&self) -> Waker {
        // SAFETY: as above.
        unsafe { self.task.waker() }
    }
}

/// A task on its way out, with the reference that the slab had to it. Its future is gone.
#[must_use = "a task leaves the slab that it is in"]
pub(crate) struct Leaving<H> {
    task: Waker,
    host: PhantomData<fn() -> H>,
}

impl<H> Leaving<H> {
    /// # Safety
    ///
    /// `own` is a waker of a task that is in a slab. This is called once for it.
    pub(super) unsafe fn new(own: &Waker) -> Self {
        // SAFETY: what a waker consists of makes another one for a reference that is there: the slab's.
        let task = unsafe { Waker::new(own.data(), own.vtable()) };
        Self { task, host: PhantomData }
    }

    fn pointer(&self) -> Pointer<H> {
        let raw = NonNull::new(self.task.data().cast_mut());
        Pointer::new(raw.expect("a task's waker points to it"))
    }

    pub(crate) fn place(&self) -> Place {
        // SAFETY: the reference is ours.
        unsafe { self.pointer().meta() }.place()
    }
}

impl<H> fmt::Debug for Leaving<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Leaving").field(&self.place()).finish()
    }
}

impl<H: Host> LiveTasks<H> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), vacant: 0, len: 0, host: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = LiveTask<'_, H>> {
        let tasks = self.entries.iter().filter_map(Entry::task);
        tasks.map(|task| LiveTask { task, tasks: PhantomData })
    }

    /// The task in this place, if it is the one whose place this was.
    pub(crate) fn at(&self, place: Place) -> Option<LiveTask<'_, H>> {
        let task = self.entries.get(place.key() as usize)?.task()?;
        Some(LiveTask { task, tasks: PhantomData }).filter(|task| task.meta().place() == place)
    }

    /// The task enters, and may be scheduled from here on.
    ///
    /// # Panics
    ///
    /// With 2^31 tasks in one shard.
    pub(crate) fn enter(&mut self, newborn: Newborn<'_, H>) -> Runnable<H> {
        let (runnable, host) = newborn.into_parts();
        let task = runnable.pointer();
        let key = self.vacant;
        match self.entries.get_mut(key as usize) {
            Some(entry) => self.vacant = std::mem::replace(entry, Entry::of(task)).next_vacant(),
            None => {
                assert!(key < u32::MAX / 2, "fewer than 2^31 tasks live in one shard");
                self.entries.push(Entry::of(task));
                self.vacant = key + 1;
            }
        }
        self.len += 1;
        runnable.meta().set_registered(key);
        // The reference that `leave` gives back.
        std::mem::forget(runnable.waker());
        if self.host.is_none() {
            self.host = Some(Arc::clone(host));
        }
        runnable
    }

    /// The task leaves. Gives the host back if it was the last one.
    pub(crate) fn leave(&mut self, task: &Leaving<H>) -> Option<Arc<H>> {
        let key = task.place().key();
        let entry = &mut self.entries[key as usize];
        let is_it = entry.task().is_some_and(|here| here.raw() == task.pointer().raw());
        assert!(is_it, "a task leaves the slab that it is in");
        *entry = Entry::vacant(self.vacant);
        self.vacant = key;
        self.len -= 1;
        if self.len == 0 { self.host.take() } else { None }
    }
}

impl<H: Host> fmt::Debug for LiveTasks<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|task| task.meta().id())).finish()
    }
}
