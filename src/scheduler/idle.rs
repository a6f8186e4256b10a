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
use crate::sync::internal::{AtomicU64, Mutex, Ordering, fence};

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

/// How many workers search and how many sleep, by home lane, packed into one word: a push looks at
/// all four with one load, and a worker that is woken goes from one to the other in one step.
///
/// ```text
/// bits  0..16  High-home workers that search     32..48  High-home workers that sleep
/// bits 16..32  Low-home workers that search      48..64  Low-home workers that sleep
/// ```
#[derive(Clone, Copy, Debug)]
struct Counts(u64);

impl Counts {
    const FIELD: u64 = 0xFFFF;

    /// One searcher of `home`.
    const fn searcher(home: Priority) -> u64 {
        1 << (16 * home.index())
    }

    /// One sleeper of `home`.
    const fn sleeper(home: Priority) -> u64 {
        1 << (32 + 16 * home.index())
    }

    /// What to add, with wrap-around, when a sleeper of `home` becomes a searcher.
    const fn woken(home: Priority) -> u64 {
        Self::searcher(home).wrapping_sub(Self::sleeper(home))
    }

    /// Are there any of these? `mask` is a sum of fields.
    fn any(self, mask: u64) -> bool {
        self.0 & mask != 0
    }
}

/// The fields that concern one lane: of the homes that may serve it.
#[derive(Clone, Copy, Debug)]
struct Masks {
    searchers: u64,
    sleepers: u64,
}

impl Masks {
    fn of(lane: Priority, serves: Serves) -> Self {
        let fields = |one: fn(Priority) -> u64| {
            let homes = Priority::ALL.into_iter().filter(|home| serves.lane(*home, lane));
            homes.map(|home| one(home) * Counts::FIELD).sum()
        };
        Self { searchers: fields(Counts::searcher), sleepers: fields(Counts::sleeper) }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Idle {
    serves: Serves,
    /// By lane.
    masks: [Masks; 2],
    /// [`Counts`]. The sleepers change with the lock of their lists held.
    counts: AtomicU64,
    /// By home lane.
    sleepers: Mutex<[Vec<WorkerIndex>; 2]>,
}

impl Idle {
    pub(crate) fn new(serves: Serves) -> Self {
        Self {
            serves,
            masks: Priority::ALL.map(|lane| Masks::of(lane, serves)),
            counts: AtomicU64::new(0),
            sleepers: Mutex::new([Vec::new(), Vec::new()]),
        }
    }

    pub(crate) fn serves(&self) -> Serves {
        self.serves
    }

    /// A task was pushed into `lane`: whom must the caller unpark?
    pub(crate) fn notify(&self, lane: Priority) -> Notified {
        fence(Ordering::SeqCst);
        let masks = self.masks[lane.index()];
        // Relaxed: ordered by the fence.
        let counts = Counts(self.counts.load(Ordering::Relaxed));
        if counts.any(masks.searchers) {
            Notified::Searched
        } else if counts.any(masks.sleepers) {
            self.wake_for(lane).map_or(Notified::AllBusy, Notified::Wake)
        } else {
            Notified::AllBusy
        }
    }

    fn wake_for(&self, lane: Priority) -> Option<WorkerIndex> {
        [lane, lane.other()]
            .into_iter()
            .filter(|home| self.serves.lane(*home, lane))
            .find_map(|home| self.wake(home))
    }

    /// Takes a sleeper of `home` off the list, as a searcher.
    fn wake(&self, home: Priority) -> Option<WorkerIndex> {
        let mut sleepers = self.sleepers.lock();
        let worker = sleepers[home.index()].pop()?;
        self.counts.fetch_add(Counts::woken(home), Ordering::SeqCst);
        Some(worker)
    }

    /// Whom must the caller unpark, so that somebody holds the driver? Asked after the driver was
    /// let go of, and after a fence.
    pub(crate) fn next_holder(&self, is_held: impl FnOnce() -> bool) -> Option<WorkerIndex> {
        if !self.is_anyone_asleep() || is_held() {
            return None;
        }
        fence(Ordering::SeqCst);
        let anyone = Counts::searcher(Priority::High) | Counts::searcher(Priority::Low);
        // Relaxed: ordered by the fence.
        if Counts(self.counts.load(Ordering::Relaxed)).any(anyone * Counts::FIELD) {
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
        let anyone = Counts::sleeper(Priority::High) | Counts::sleeper(Priority::Low);
        Counts(self.counts.load(Ordering::SeqCst)).any(anyone * Counts::FIELD)
    }

    /// Does a worker sleep who may serve `lane`? A look without a fence.
    pub(crate) fn is_anyone_asleep_for(&self, lane: Priority) -> bool {
        Counts(self.counts.load(Ordering::SeqCst)).any(self.masks[lane.index()].sleepers)
    }

    /// Is there a lane that nobody who searches or sleeps may serve, or a driver that nobody who
    /// does will come to? The caller has put a fence before it.
    pub(crate) fn leaves_a_gap(&self, is_driver_held: impl FnOnce() -> bool) -> bool {
        // Relaxed: ordered by the fence of the caller.
        let counts = Counts(self.counts.load(Ordering::Relaxed));
        let anyone = Counts::searcher(Priority::High) | Counts::searcher(Priority::Low);
        self.masks.iter().any(|lane| !counts.any(lane.searchers | lane.sleepers))
            || !(counts.any(anyone * Counts::FIELD) || is_driver_held())
    }

    /// Does a worker search or sleep who may serve `lane`? The caller has put a fence before it.
    pub(crate) fn is_anyone_idle_for(&self, lane: Priority) -> bool {
        let masks = self.masks[lane.index()];
        // Relaxed: ordered by the fence of the caller.
        Counts(self.counts.load(Ordering::Relaxed)).any(masks.searchers | masks.sleepers)
    }

    /// How many search or sleep. The caller has put a fence before it.
    pub(crate) fn idlers(&self) -> usize {
        // Relaxed: ordered by the fence of the caller.
        let counts = self.counts.load(Ordering::Relaxed);
        let fields = (0..4).map(|field| counts >> (16 * field) & Counts::FIELD);
        usize::try_from(fields.sum::<u64>()).expect("the builder limits the workers")
    }

    /// A new worker searches before it does anything else.
    pub(crate) fn join(&self, home: Priority) {
        self.counts.fetch_add(Counts::searcher(home), Ordering::SeqCst);
    }

    /// A worker without work asks to search. Refused while another of its home searches.
    pub(crate) fn start_searching(&self, home: Priority) -> bool {
        let one = Counts::searcher(home);
        let mut counts = self.counts.load(Ordering::SeqCst);
        while !Counts(counts).any(one * Counts::FIELD) {
            let (order, searched) = (Ordering::SeqCst, counts + one);
            match self.counts.compare_exchange(counts, searched, order, order) {
                Ok(_) => return true,
                Err(now) => counts = now,
            }
        }
        false
    }

    /// A searcher found work and stops searching. `true`: it was the last, and must see to it that
    /// what else there is gets a searcher, and the driver a holder.
    pub(crate) fn found_work(&self, home: Priority) -> bool {
        let one = Counts::searcher(home);
        let before = self.counts.fetch_sub(one, Ordering::SeqCst) & (one * Counts::FIELD);
        debug_assert!(before > 0, "only a searcher stops searching");
        fence(Ordering::SeqCst);
        before == one
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
        self.counts.fetch_add(Counts::sleeper(home), Ordering::SeqCst);
        drop(sleepers);
        if was_searching {
            self.counts.fetch_sub(Counts::searcher(home), Ordering::SeqCst);
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
            self.counts.fetch_add(Counts::woken(home), Ordering::SeqCst);
        }
    }
}
