//! Every live task, so that a shutdown can end it and name it.
//!
//! A task enters when it is spawned and leaves when its future is dropped. The list is cut into
//! shards, one per worker and one for everybody else: a spawn on a worker meets other threads only
//! where they end a task of that worker.
//!
//! Closing and spawning meet on a shard's lock: a spawn either finds the shard open and is then in
//! the list that the shutdown reads, or finds it closed and is refused. There is no third case.
//!
//! Book: chapter 18.

use crossbeam_utils::CachePadded;
use slab::Slab;

use crate::sync::internal::{AtomicBool, Condvar, Mutex, Ordering};
use crate::task::cell::Kind;
use crate::task::slot::Slot;

#[derive(Debug)]
struct Shard<E> {
    entries: Slab<E>,
    /// By [`Kind`].
    spawned: [u64; Kind::COUNT],
    closed: bool,
}

/// See the module. An entry, `E`, is what is kept of a task: no user code runs in its drop.
#[derive(Debug)]
pub(crate) struct Registry<E> {
    shards: Box<[CachePadded<Mutex<Shard<E>>>]>,
    /// Does somebody wait for the last task to end?
    awaited: AtomicBool,
    turnstile: Mutex<()>,
    ended: Condvar,
}

impl<E> Registry<E> {
    pub(crate) fn new(shards: u16) -> Self {
        let shard = || Shard { entries: Slab::new(), spawned: [0; Kind::COUNT], closed: false };
        Self {
            shards: (0..shards).map(|_| CachePadded::new(Mutex::new(shard()))).collect(),
            awaited: AtomicBool::new(false),
            turnstile: Mutex::new(()),
            ended: Condvar::new(),
        }
    }

    /// Registers the task that `make` makes, telling it its slot: `None` once closed. `make` runs
    /// with the shard's lock held and so must not run user code.
    pub(crate) fn insert<T>(
        &self,
        shard: u16,
        kind: Kind,
        make: impl FnOnce(Option<Slot>) -> (E, T),
    ) -> (T, bool) {
        let mut guard = self.shards[usize::from(shard)].lock();
        if guard.closed {
            drop(guard);
            return (make(None).1, false);
        }
        guard.spawned[kind.index()] += 1;
        let vacant = guard.entries.vacant_entry();
        let after = u32::try_from(vacant.key() + 1);
        let key = after.expect("fewer than 2^32 - 1 tasks live in one shard") - 1;
        let (entry, made) = make(Some(Slot::new(shard, key)));
        vacant.insert(entry);
        (made, true)
    }

    pub(crate) fn remove(&self, slot: Slot) {
        let shard = &self.shards[slot.shard()];
        let entry = shard.lock().entries.remove(slot.key());
        drop(entry); // The waker in it goes with the lock released.
        // Relaxed is not enough: this load must come after the removal that the waiter looks for.
        if self.awaited.load(Ordering::SeqCst) {
            drop(self.turnstile.lock());
            self.ended.notify_all();
        }
    }

    /// What `f` finds in the task in `slot`. By now that may be another one: `f` must look. It runs with
    /// the shard's lock held.
    pub(crate) fn find<T>(&self, slot: Slot, f: impl FnOnce(&E) -> Option<T>) -> Option<T> {
        let shard = self.shards.get(slot.shard())?.lock();
        f(shard.entries.get(slot.key())?)
    }

    /// From here on every insertion is refused.
    pub(crate) fn close(&self) {
        for shard in &self.shards {
            shard.lock().closed = true;
        }
    }

    pub(crate) fn live(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().entries.len()).sum()
    }

    pub(crate) fn spawned(&self, kind: Kind) -> u64 {
        self.shards.iter().map(|shard| shard.lock().spawned[kind.index()]).sum()
    }

    /// What `f` makes of each live task. It runs with the task's shard locked.
    pub(crate) fn collect<T>(&self, f: impl Fn(&E) -> T) -> Vec<T> {
        let of = |shard: &CachePadded<Mutex<Shard<E>>>| {
            shard.lock().entries.iter().map(|(_, entry)| f(entry)).collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(of).collect()
    }

    /// Waits until no task is live, or until `time_left` says that no time is left.
    pub(crate) fn wait_until_empty(
        &self,
        mut time_left: impl FnMut() -> Option<std::time::Duration>,
    ) -> bool {
        self.awaited.store(true, Ordering::SeqCst);
        let mut guard = self.turnstile.lock();
        loop {
            if self.live() == 0 {
                return true;
            }
            let Some(left) = time_left() else { return false };
            guard = self.ended.wait_for(guard, left).0;
        }
    }
}
