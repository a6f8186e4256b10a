//! What stands in for the driver where the model checker runs whole workers: who holds it and how its
//! wait ends are the real thing; it has one socket and no timers, and its clock stands still.
//!
//! Book: chapter 19.

use std::task::Waker;

use super::super::stand_in::{Events, Poller, SOCKET, WOKEN};
use super::holding::{Holding, Unpark};
use crate::sync::internal::Mutex;

/// Whether a turn may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Never,
    ForEvents,
}

/// A driver without timers: who holds it, its poller, the end of a wait, and who waits for its one source.
pub(crate) struct Driver {
    pub(crate) holding: Holding<()>,
    pub(crate) unparked: Unpark,
    pub(crate) poller: Poller,
    pub(crate) waiting: Mutex<Option<Waker>>,
    clock: Clock,
}

impl Driver {
    pub(crate) fn new() -> Self {
        Self {
            holding: Holding::new(()),
            unparked: Unpark::new(),
            poller: Poller::new(),
            waiting: Mutex::new(None),
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
    pub(crate) fn turn(&mut self, wait: Wait, ready: &mut Vec<Waker>) {
        let events = match wait {
            Wait::Never => self.0.poller.look(),
            Wait::ForEvents => self.0.wait(),
        };
        if events & SOCKET != 0 {
            ready.extend(self.0.waiting.lock().take());
        }
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
