//! What stands in for the driver where the model checker runs whole workers: who holds it and how its
//! wait ends are the real thing, sockets and timers there are none, and its clock stands still.
//!
//! Book: chapter 19.

use std::task::Waker;

use super::super::stand_in::{Events, Poller, WOKEN};
use super::holding::{Holding, Unpark};

/// Whether a turn may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Never,
    ForEvents,
}

/// A driver without sources and timers: who holds it, its poller, and the end of a wait.
pub(crate) struct Driver {
    pub(crate) holding: Holding<()>,
    pub(crate) unparked: Unpark,
    pub(crate) poller: Poller,
    clock: Clock,
}

impl Driver {
    pub(crate) fn new() -> Self {
        Self {
            holding: Holding::new(()),
            unparked: Unpark::new(),
            poller: Poller::new(),
            clock: Clock,
        }
    }

    pub(crate) fn try_hold(&self) -> Option<Hold<'_>> {
        self.holding.take().map(|()| Hold(self))
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holding.is_held()
    }

    pub(crate) fn unpark(&self) {
        if self.unparked.ask() {
            self.poller.happen(WOKEN);
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A turn that waits, as `Hold::turn` makes it.
    pub(crate) fn wait(&self) -> Events {
        let events = if self.unparked.take() { self.poller.look() } else { self.poller.wait() };
        self.unparked.take();
        events
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Driver")
    }
}

/// The right to turn the driver.
#[derive(Debug)]
pub(crate) struct Hold<'a>(&'a Driver);

impl Hold<'_> {
    pub(crate) fn turn(&mut self, wait: Wait, _ready: &mut Vec<Waker>) {
        match wait {
            Wait::Never => self.0.poller.look(),
            Wait::ForEvents => self.0.wait(),
        };
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.holding.put_back(());
    }
}

/// It stands still.
pub(crate) struct Clock;

impl Clock {
    pub(crate) fn nanos(&self) -> u64 {
        1
    }
}
