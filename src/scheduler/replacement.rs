//! Replacements: workers that do the work of one that is stuck in a poll, for as long as it is.
//!
//! A replacement is a worker like any other, of the same home, with its own run queues, parker and
//! counters. All of these exist from the start, as *spares* behind those of the workers, since thieves
//! and notifiers find them without a lock; only the thread is started when it is needed. The watchdog
//! starts it:
//!
//! ```text
//!  spare --replace--> searching <--> polling, asleep --told to retire--> spare
//!            |                                                             ^
//!            +--no thread to be had----------------------------------------+
//! ```
//!
//! Once the stuck worker moves again, its replacement is told to retire, and unparked. At its next
//! step it stops searching, gives what it has queued to the lane's injector, sees to it that somebody
//! comes for that and for the driver, and ends its thread. Its part stays as a spare.
//!
//! There are at most [`replacement_workers`](crate::Builder::replacement_workers) at a time. A
//! replacement can get stuck as well: it is watched like the others, and replaced.
//!
//! Who is notified and retires instead of looking: the wake-up is passed on, by the same look for
//! queued tasks that the watchdog makes behind a stuck worker (`Shared::rescue`).
//!
//! Book: chapter 17.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::context::{self, Role};
use super::core::Core;
use super::idle::WorkerIndex;
use super::life::Phase;
use super::offload;
use super::run_queue::RunQueue;
use super::shared::{Runnable, Shared};
use super::worker::{self, Left};
use crate::priority::Priority;
use crate::sync::internal::{AtomicBool, AtomicUsize, Mutex, Ordering, fence};

/// What a replacement owns, while nobody is one.
#[derive(Debug)]
struct Spare {
    index: WorkerIndex,
    queues: [RunQueue<Runnable>; 2],
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Replacements {
    /// The number of the first one: that of the workers proper.
    first: usize,
    spares: Mutex<Vec<Spare>>,
    /// Which of them shall retire.
    retire: Box<[AtomicBool]>,
    /// How many of the numbers have ever been in use. Until the first slow poll nobody looks at queues
    /// that have no owner.
    used: AtomicUsize,
    active: AtomicUsize,
    started: AtomicU64,
}

impl Replacements {
    /// `queues` are those of the spares, in order.
    pub(super) fn new(first: usize, queues: Vec<[RunQueue<Runnable>; 2]>) -> Self {
        let retire = queues.iter().map(|_| AtomicBool::new(false)).collect();
        let spares = queues.into_iter().enumerate();
        let spares = spares.map(|(n, queues)| Spare { index: WorkerIndex(first + n), queues });
        Self {
            first,
            spares: Mutex::new(spares.rev().collect()), // The lowest number is taken first.
            retire,
            used: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
            started: AtomicU64::new(0),
        }
    }

    /// How many there are now.
    pub(crate) fn active(&self) -> usize {
        self.active.load(Ordering::SeqCst)
    }

    /// How many there have been.
    pub(crate) fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::SeqCst)
    }

    /// What tells a replacement to retire; `None` for a worker proper.
    pub(super) fn order(&self, worker: WorkerIndex) -> Option<&AtomicBool> {
        worker.0.checked_sub(self.first).map(|place| &self.retire[place])
    }

    fn take(&self) -> Option<Spare> {
        let spare = self.spares.lock().pop()?;
        let place = spare.index.0 - self.first;
        self.retire[place].store(false, Ordering::SeqCst);
        self.active.fetch_add(1, Ordering::SeqCst);
        // Only the watchdog takes, so nobody stores in between.
        self.used.store(self.used().max(place + 1), Ordering::SeqCst);
        Some(spare)
    }

    fn give_back(&self, index: WorkerIndex, queues: [RunQueue<Runnable>; 2]) {
        self.spares.lock().push(Spare { index, queues });
        self.active.fetch_sub(1, Ordering::SeqCst);
    }

    /// The part of this worker is about to be dropped for good.
    fn give_up(&self, worker: WorkerIndex) {
        if self.order(worker).is_some() {
            self.active.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// What became of the attempt to replace a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    By(WorkerIndex),
    /// All that there may be are in use.
    NoneLeft,
    /// Its thread could not be started.
    Failed,
}

impl Shared {
    /// Is something left undone that a worker of `home` could do? The caller has put a fence before it.
    pub(super) fn lacks_a_worker(&self, home: Priority) -> bool {
        let mut lanes =
            Priority::ALL.into_iter().filter(|lane| self.idle.serves().lane(home, *lane));
        lanes.any(|lane| !self.idle.is_anyone_idle_for(lane) && self.has_queued(lane))
            || (self.idle.idlers() == 0 && !self.driver.is_held())
    }

    /// Starts a replacement for a worker of `home`.
    pub(super) fn replace(self: &Arc<Self>, home: Priority) -> Replaced {
        let Some(Spare { index, queues }) = self.replacements.take() else {
            return Replaced::NoneLeft;
        };
        match start(Box::new(Core::new(Arc::clone(self), index, home, queues))) {
            Ok(()) => {
                self.replacements.started.fetch_add(1, Ordering::Relaxed);
                Replaced::By(index)
            }
            Err(core) => {
                self.failed_threads.fetch_add(1, Ordering::Relaxed);
                retire(*core);
                Replaced::Failed
            }
        }
    }

    /// The worker that `replacement` stands for moves again.
    pub(super) fn tell_to_retire(&self, replacement: WorkerIndex) {
        if let Some(order) = self.replacements.order(replacement) {
            order.store(true, Ordering::SeqCst);
            self.unpark(replacement);
        }
    }
}

/// Starts the thread of a replacement; gives its part back if that fails.
fn start(core: Box<Core>) -> Result<(), Box<Core>> {
    let shared = Arc::clone(core.shared());
    // A closure that cannot become a thread is dropped, so the part waits beside it.
    let place = Arc::new(Mutex::new(Some(core)));
    let (inside, thread) = (Arc::clone(&shared), Arc::clone(&place));
    let started = shared.threads.start("replacement", move || {
        let _member = context::enter(&inside, Role::Thread);
        let core = thread.lock().take().expect("the part waits for this thread alone");
        if worker::run(core) == Left::HandedOver {
            offload::serve(&inside, None);
        }
    });
    started.or_else(|_error| place.lock().take().map_or(Ok(()), Err))
}

/// A replacement, or one that could not be started, becomes a spare again.
pub(super) fn retire(mut core: Core) {
    let shared = Arc::clone(core.shared());
    if core.fall_asleep() {
        // Whether it was the last or not: what there is to be done for others, `rescue` does.
        shared.idle.found_work(core.home());
    }
    let (index, queues) = core.into_queues();
    let seat = shared.seat(index);
    seat.counters.doing.rests();
    for lane in Priority::ALL {
        let left = || seat.slot(lane).take().or_else(|| queues[lane.index()].pop());
        while let Some(runnable) = left() {
            shared.push_from_outside(runnable, lane);
        }
    }
    fence(Ordering::SeqCst);
    shared.rescue();
    shared.replacements.give_back(index, queues);
}

/// Does nobody want this replacement to stay?
pub(super) fn must_retire(order: &AtomicBool) -> bool {
    // Relaxed: the unpark that follows the order makes a sleeper see it, and who is awake looks again.
    order.load(Ordering::Relaxed)
}

/// Ends the part of a worker whose loop has ended, or will not go on.
pub(super) fn dispose(core: Box<Core>) {
    let shared = Arc::clone(core.shared());
    if shared.is_at_least(Phase::Cancelling) {
        shared.replacements.give_up(core.index());
        drop(core); // Whoever shuts the runtime down drops what is left in the queues.
    } else {
        retire(*core);
    }
}
