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

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use crossbeam_utils::CachePadded;

use crate::sync::internal::{AtomicBool, Condvar, Mutex, Ordering, thread_local};
use crate::task::cell::live::{Leaving, LiveTask, LiveTasks};
use crate::task::cell::meta::{Kind, MOST_SHARDS, Place};
use crate::task::cell::{Host, Newborn, Runnable};

thread_local! {
    /// Where this thread registers what it spawns. Any shard will do; it is best to have one's own.
    static SHARD: Cell<u8> = const { Cell::new(u8::MAX) };
}

/// This thread registers what it spawns in shard `number` from here on, if there are so many.
pub(crate) fn use_shard(number: usize) {
    SHARD.set((number % MOST_SHARDS) as u8);
}

struct Shard<H> {
    tasks: LiveTasks<H>,
    /// By [`Kind`].
    spawned: [u64; Kind::COUNT],
    closed: bool,
}

/// See the module.
pub(crate) struct Registry<H> {
    shards: Box<[CachePadded<Mutex<Shard<H>>>]>,
    /// Does somebody wait for the last task to end?
    awaited: AtomicBool,
    turnstile: Mutex<()>,
    ended: Condvar,
}

impl<H: Host> Registry<H> {
    /// Cut into so many shards, if that is no more than [`MOST_SHARDS`].
    pub(crate) fn new(shards: usize) -> Self {
        let shards = shards.min(MOST_SHARDS);
        let shard = || Shard { tasks: LiveTasks::new(), spawned: [0; Kind::COUNT], closed: false };
        Self {
            shards: (0..shards).map(|_| CachePadded::new(Mutex::new(shard()))).collect(),
            awaited: AtomicBool::new(false),
            turnstile: Mutex::new(()),
            ended: Condvar::new(),
        }
    }

    /// The shard for what this thread spawns.
    pub(crate) fn shard(&self) -> u8 {
        let last = (self.shards.len() - 1) as u8; // See `MOST_SHARDS`.
        SHARD.get().min(last)
    }

    /// Registers a task; gives it back once closed.
    pub(crate) fn insert<'a>(&self, task: Newborn<'a, H>) -> Result<Runnable<H>, Newborn<'a, H>> {
        let mut shard = self.shards[usize::from(task.shard())].lock();
        if shard.closed {
            return Err(task);
        }
        shard.spawned[task.kind().index()] += 1;
        Ok(shard.tasks.enter(task))
    }

    /// Takes out a task whose future is gone. Gives the host back if the shard is empty now.
    pub(crate) fn remove(&self, task: &Leaving<H>) -> Option<Arc<H>> {
        let host = self.shards[task.place().shard()].lock().tasks.leave(task);
        self.tell_of_the_end();
        host
    }

    /// The same for several, with a lock for each run of them that share a shard.
    pub(crate) fn remove_all(&self, tasks: &[Leaving<H>]) {
        if tasks.is_empty() {
            return;
        }
        for run in tasks.chunk_by(|one, next| one.place().shard() == next.place().shard()) {
            let mut shard = self.shards[run[0].place().shard()].lock();
            let host = run.iter().filter_map(|task| shard.tasks.leave(task)).last();
            drop(shard);
            drop(host);
        }
        self.tell_of_the_end();
    }

    fn tell_of_the_end(&self) {
        // Relaxed is not enough: this load must come after the removal that the waiter looks for.
        if self.awaited.load(Ordering::SeqCst) {
            drop(self.turnstile.lock());
            self.ended.notify_all();
        }
    }

    /// From here on every insertion is refused.
    pub(crate) fn close(&self) {
        for shard in &self.shards {
            shard.lock().closed = true;
        }
    }

    /// How many tasks are registered. Of those on their [way home](super::outbox) the future
    /// is gone.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().tasks.len()).sum()
    }

    /// How many have been registered, by [`Kind`].
    pub(crate) fn spawned(&self) -> [u64; Kind::COUNT] {
        let mut sum = [0; Kind::COUNT];
        for shard in &self.shards {
            let shard = shard.lock();
            sum.iter_mut().zip(&shard.spawned).for_each(|(all, own)| *all += own);
        }
        sum
    }

    /// What `f` makes of each live task. It runs with the task's shard locked.
    pub(crate) fn collect<T>(&self, f: impl Fn(LiveTask<'_, H>) -> T) -> Vec<T> {
        let of = |shard: &CachePadded<Mutex<Shard<H>>>| {
            shard.lock().tasks.iter().map(&f).collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(of).collect()
    }

    /// What `f` makes of the task in this place, if it is still there. It runs with the task's shard
    /// locked.
    pub(crate) fn find<T>(&self, place: Place, f: impl FnOnce(LiveTask<'_, H>) -> T) -> Option<T> {
        self.shards.get(place.shard())?.lock().tasks.at(place).map(f)
    }

    /// Waits until `is_empty`, asked whenever a task has been removed, or until `time_left` says that no
    /// time is left.
    pub(crate) fn wait_until(
        &self,
        is_empty: impl Fn() -> bool,
        mut time_left: impl FnMut() -> Option<std::time::Duration>,
    ) -> bool {
        self.awaited.store(true, Ordering::SeqCst);
        let mut guard = self.turnstile.lock();
        loop {
            if is_empty() {
                return true;
            }
            let Some(left) = time_left() else { return false };
            guard = self.ended.wait_for(guard, left).0;
        }
    }
}

impl<H> fmt::Debug for Registry<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("shards", &self.shards.len()).finish_non_exhaustive()
    }
}
