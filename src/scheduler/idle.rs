//! Who sleeps, who searches, and whom a new task wakes.
//!
//! A worker without work *searches* (looks into every queue it may serve), then *sleeps*. One
//! searcher is enough: it wakes the next one if it finds work, so that a burst wakes the workers
//! one after another and a single task wakes one.
//!
//! The race that must not be lost is between a task that is pushed and a worker that falls asleep:
//!
//! ```text
//! pusher (notify)                      worker (sleep)
//! P1 push the task                     W1 enter the list of sleepers
//! P2 fence                             W2 stop searching
//! P3 somebody searches? done           W3 fence
//! P4 somebody sleeps?  wake one        W4 look into every queue once more
//! ```
//!
//! The fences put P1..P4 and W1..W4 in one order. If P2 comes first, W4 sees the task. If W3 comes
//! first, P3 sees the worker no longer searching and P4 sees it asleep. A second worker that still
//! searches at P3 reaches its own W4, or finds other work and then wakes another (`found_work`).
//!
//! Book: chapter 13.

use crate::priority::Priority;
use crate::sync::internal::{AtomicUsize, Mutex, Ordering, fence};

/// The number of a worker in its runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkerIndex(pub(crate) usize);

/// Which lanes a worker of each home may serve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Serves {
    /// By lane: may workers of the other home take from it?
    pub(crate) stealing_from: [bool; 2],
}

impl Serves {
    pub(crate) fn lane(self, home: Priority, lane: Priority) -> bool {
        home == lane || self.stealing_from[lane.index()]
    }
}

/// What a push must do about sleepers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Notified {
    /// Unpark this worker. It counts as searching from here on.
    Wake(WorkerIndex),
    /// Nothing: somebody searches and will find the task.
    Searched,
    /// Nobody who may serve the lane sleeps.
    AllBusy,
}

/// See the module. By home lane throughout.
#[derive(Debug)]
pub(crate) struct Idle {
    serves: Serves,
    searching: [AtomicUsize; 2],
    /// The length of each list of sleepers, to be read without the lock.
    asleep: [AtomicUsize; 2],
    sleepers: Mutex<[Vec<WorkerIndex>; 2]>,
}

impl Idle {
    pub(crate) fn new(serves: Serves) -> Self {
        Self {
            serves,
            searching: [AtomicUsize::new(0), AtomicUsize::new(0)],
            asleep: [AtomicUsize::new(0), AtomicUsize::new(0)],
            sleepers: Mutex::new([Vec::new(), Vec::new()]),
        }
    }

    pub(crate) fn serves(&self) -> Serves {
        self.serves
    }

    /// A task was pushed into `lane`: whom must the caller unpark?
    pub(crate) fn notify(&self, lane: Priority) -> Notified {
        fence(Ordering::SeqCst);
        if self.is_searched(lane) {
            return Notified::Searched;
        }
        self.wake_for(lane).map_or(Notified::AllBusy, Notified::Wake)
    }

    /// Does anybody search who would find a task of `lane`?
    fn is_searched(&self, lane: Priority) -> bool {
        Priority::ALL.into_iter().any(|home| {
            // Relaxed: ordered by the fence of the caller.
            self.serves.lane(home, lane) && self.searching[home.index()].load(Ordering::Relaxed) > 0
        })
    }

    fn wake_for(&self, lane: Priority) -> Option<WorkerIndex> {
        [lane, lane.other()]
            .into_iter()
            .filter(|home| self.serves.lane(*home, lane))
            .find_map(|home| self.wake(home))
    }

    /// Takes a sleeper of `home` off the list, as a searcher.
    fn wake(&self, home: Priority) -> Option<WorkerIndex> {
        let home = home.index();
        // Relaxed: ordered by the fence of the caller.
        if self.asleep[home].load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut sleepers = self.sleepers.lock();
        let worker = sleepers[home].pop()?;
        self.asleep[home].store(sleepers[home].len(), Ordering::SeqCst);
        self.searching[home].fetch_add(1, Ordering::SeqCst);
        Some(worker)
    }

    /// Whom must the caller unpark, so that somebody holds the driver? Asked after the driver was
    /// let go of, and after a fence.
    pub(crate) fn next_holder(&self, is_held: impl FnOnce() -> bool) -> Option<WorkerIndex> {
        if !self.is_anyone_asleep() || is_held() {
            return None;
        }
        fence(Ordering::SeqCst);
        // Relaxed: ordered by the fence.
        if self.searching.iter().any(|searching| searching.load(Ordering::Relaxed) > 0) {
            return None; // It will sleep in the driver, or find work and come here itself.
        }
        self.wake(Priority::Low).or_else(|| self.wake(Priority::High))
    }

    /// Whom must the last searcher unpark who found work? Somebody for what else is queued, or for
    /// the driver.
    pub(crate) fn successor(
        &self,
        has_queued: impl Fn(Priority) -> bool,
        is_driver_held: impl FnOnce() -> bool,
    ) -> Option<WorkerIndex> {
        if !self.is_anyone_asleep() {
            return None;
        }
        let mut queued = Priority::ALL.into_iter().filter(|lane| has_queued(*lane));
        let woken = queued.find_map(|lane| match self.notify(lane) {
            Notified::Wake(worker) => Some(worker),
            Notified::Searched | Notified::AllBusy => None,
        });
        woken.or_else(|| self.next_holder(is_driver_held))
    }

    /// Does any worker sleep? A look without a fence.
    pub(crate) fn is_anyone_asleep(&self) -> bool {
        self.asleep.iter().any(|asleep| asleep.load(Ordering::SeqCst) > 0)
    }

    /// Does a worker sleep who may serve `lane`? A look without a fence.
    pub(crate) fn is_anyone_asleep_for(&self, lane: Priority) -> bool {
        Priority::ALL.into_iter().any(|home| {
            self.asleep[home.index()].load(Ordering::SeqCst) > 0 && self.serves.lane(home, lane)
        })
    }

    /// A worker without work asks to search. Refused while another of its home searches.
    pub(crate) fn start_searching(&self, home: Priority) -> bool {
        self.searching[home.index()]
            .compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    /// A searcher found work and stops searching. `true`: it was the last, and must see to it that
    /// what else there is gets a searcher, and the driver a holder.
    pub(crate) fn found_work(&self, home: Priority) -> bool {
        let before = self.searching[home.index()].fetch_sub(1, Ordering::SeqCst);
        debug_assert!(before > 0, "only a searcher stops searching");
        fence(Ordering::SeqCst);
        before == 1
    }

    /// A worker's whole sleep, W1 to W4 and back: `stays_up` is the last look into the queues, and
    /// `park` sleeps until the worker is unparked. After it the worker searches.
    pub(crate) fn sleep(
        &self,
        worker: WorkerIndex,
        home: Priority,
        was_searching: bool,
        stays_up: impl FnOnce() -> bool,
        park: impl FnOnce(),
    ) {
        self.fall_asleep(worker, home, was_searching);
        if !stays_up() {
            park();
        }
        self.wake_up(worker, home);
    }

    /// W1 to W3.
    fn fall_asleep(&self, worker: WorkerIndex, home: Priority, was_searching: bool) {
        let mut sleepers = self.sleepers.lock();
        sleepers[home.index()].push(worker);
        self.asleep[home.index()].store(sleepers[home.index()].len(), Ordering::SeqCst);
        drop(sleepers);
        if was_searching {
            self.searching[home.index()].fetch_sub(1, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
    }

    /// The worker is up again and searches, whoever woke it: a notifier took it off the list and
    /// counted it already, or it does both itself now.
    fn wake_up(&self, worker: WorkerIndex, home: Priority) {
        let mut sleepers = self.sleepers.lock();
        let list = &mut sleepers[home.index()];
        if let Some(place) = list.iter().position(|sleeper| *sleeper == worker) {
            list.swap_remove(place);
            self.asleep[home.index()].store(list.len(), Ordering::SeqCst);
            self.searching[home.index()].fetch_add(1, Ordering::SeqCst);
        }
    }
}
