//! A worker's seat: what the others see and touch of a worker, whichever thread it is at present.
//!
//! The worker's own part is its [`Core`](super::core::Core). The two are made together, and the core
//! holds its seat, so that the worker comes to its counters and slots without a look into a table.
//!
//! Book: chapter 12.

use crossbeam_utils::CachePadded;

use super::counters::Counters;
use super::outbox::Inbox;
use super::parker::Parker;
use super::run_queue::{RunQueue, Thief};
use super::shared::{Runnable, Shared};
use crate::priority::Priority;
use crate::task::cell::slot::Slot;

/// See the module.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) counters: CachePadded<Counters>,
    /// By lane: see [`lifo`](super::lifo).
    slots: CachePadded<[Slot<Shared>; 2]>,
    /// By lane.
    thieves: [Thief<Runnable>; 2],
    pub(super) parker: CachePadded<Parker>,
    pub(super) inbox: CachePadded<Inbox>,
}

impl Seat {
    /// Of the worker with these queues.
    pub(super) fn new(queues: &[RunQueue<Runnable>; 2]) -> Self {
        Self {
            counters: CachePadded::new(Counters::new()),
            slots: CachePadded::new([Slot::new(), Slot::new()]),
            thieves: [queues[0].thief(), queues[1].thief()],
            parker: CachePadded::new(Parker::new()),
            inbox: CachePadded::new(Inbox::closed()),
        }
    }

    pub(super) fn slot(&self, lane: Priority) -> &Slot<Shared> {
        &self.slots[lane.index()]
    }

    /// The other end of the worker's queue.
    pub(crate) fn thief(&self, lane: Priority) -> &Thief<Runnable> {
        &self.thieves[lane.index()]
    }
}
