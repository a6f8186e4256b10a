//! The reserve: one parked thread that serves High when every High-home worker is busy.
//!
//! A High-home worker may be in the middle of a Low task that it stole. Without the reserve the
//! next High task waits for that poll, and, when more threads are busy than there are cores, for
//! the kernel's slices as well: the p99 of High was 3.6 ms. A thread that has slept for long may
//! preempt at once: 14 us, and no loss for Low (prototype, 2 cores, 2026-11).
//!
//! It starts when it is first needed, and exists only where High-home workers may serve Low.
//!
//! Book: chapter 16.

use std::sync::Arc;

use super::context::{self, Role};
use super::counters::Counters;
use super::life::Phase;
use super::one_poll;
use super::parker::Parker;
use super::shared::{Runnable, Shared};
use crate::priority::Priority;
use crate::sync::internal::{AtomicBool, Ordering, fence};

/// See the module.
#[derive(Debug)]
pub(crate) struct Reserve {
    started: AtomicBool,
    parker: Parker,
    pub(crate) counters: Box<Counters>,
}

impl Reserve {
    pub(super) fn new() -> Self {
        Self {
            started: AtomicBool::new(false),
            parker: Parker::new(),
            counters: Box::new(Counters::new()),
        }
    }

    pub(super) fn unpark(&self) {
        // It never sleeps in the driver, so there is nothing else to wake.
        let _ = self.parker.unpark();
    }
}

impl Shared {
    /// A High task was queued and every High-home worker is busy.
    pub(super) fn wake_reserve(&self) {
        let [high, low] = self.settings.workers;
        if high == 0 || low == 0 || !self.idle.serves().lane(Priority::High, Priority::Low) {
            return;
        }
        if !self.reserve.started.swap(true, Ordering::SeqCst) {
            self.start_reserve();
        }
        self.reserve.unpark();
    }

    /// The last searcher found something, and is no High-home worker that has found a High task. Whoever
    /// queued another High one meanwhile counted on the searcher, and woke nobody. The caller has put a
    /// fence before it.
    pub(super) fn wake_reserve_instead(&self) {
        if self.has_queued(Priority::High) {
            self.notify(Priority::High, true);
        }
    }

    fn start_reserve(&self) {
        let Some(shared) = self.itself.upgrade() else { return };
        let started = self.threads.start("reserve", move || run(&shared));
        if started.is_err() {
            // Slower, not broken: High waits for the poll under way. The next push tries again.
            self.failed_threads.fetch_add(1, Ordering::Relaxed);
            self.reserve.started.store(false, Ordering::SeqCst);
        }
    }

    fn take_high(&self) -> Option<Runnable> {
        let lane = Priority::High;
        self.injector(lane).pop(|| self.notify(lane, false)).or_else(|| {
            let stolen = self.thieves(lane).find_map(super::run_queue::Thief::steal_one)?;
            self.reserve.counters.lane(lane).steals.add(1);
            Some(stolen)
        })
    }
}

/// A wake-up stays in the parker until it is seen, so a task pushed after the last look is found
/// by the next round.
fn run(shared: &Arc<Shared>) {
    let _member = context::enter(shared, Role::Thread);
    let (index, counters) = (shared.reserve_index(), &shared.reserve.counters);
    loop {
        while !shared.is_at_least(Phase::Cancelling)
            && let Some(runnable) = shared.take_high()
        {
            one_poll::count(shared, counters, Priority::High, &runnable);
            fence(Ordering::SeqCst);
            shared.watch();
            let nanos = one_poll::run_observed(shared, index, runnable);
            counters.lane(Priority::High).poll_time.record(nanos);
        }
        if shared.is_at_least(Phase::Cancelling) {
            return;
        }
        counters.doing.rests();
        counters.parks.add(1);
        shared.reserve.parker.park();
        counters.unparks.add(1);
    }
}
