//! What stands in for the operating system's part of the driver where whole runtimes run under
//! shuttle: nobody may block in the system there, since all threads of a schedule would.
//!
//! It models `epoll` with an event descriptor in it: a wake-up ends the wait under way, or the next
//! one, and several are one. Waiting is for that, and for the [time](super::time). Sockets are real
//! ones, and looked at before and after each wait, but none of them ends it: no scenario waits for
//! one. The timer descriptor cannot be set, so the driver falls back on the wait's limit.
//!
//! Book: chapter 19.

use crate::sync::internal::{Condvar, Mutex};
use std::io;
use std::ops::Deref;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

/// An event descriptor.
#[derive(Debug)]
struct Bell {
    rung: Mutex<bool>,
    ringing: Condvar,
}

/// `mio::Registry`, with the bell of its poll.
#[derive(Debug)]
pub(crate) struct Registry {
    inner: mio::Registry,
    bell: Arc<Bell>,
}

impl Deref for Registry {
    type Target = mio::Registry;

    fn deref(&self) -> &mio::Registry {
        &self.inner
    }
}

/// `mio::Poll`.
#[derive(Debug)]
pub(crate) struct Poll {
    inner: mio::Poll,
    registry: Registry,
}

impl Poll {
    pub(crate) fn new() -> io::Result<Self> {
        let inner = mio::Poll::new()?;
        let bell = Arc::new(Bell { rung: Mutex::new(false), ringing: Condvar::new() });
        let registry = Registry { inner: inner.registry().try_clone()?, bell };
        Ok(Self { inner, registry })
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn poll(
        &mut self,
        events: &mut mio::Events,
        limit: Option<Duration>,
    ) -> io::Result<()> {
        self.inner.poll(events, Some(Duration::ZERO))?;
        if !events.is_empty() {
            return Ok(());
        }
        self.registry.bell.wait(limit);
        self.inner.poll(events, Some(Duration::ZERO))
    }
}

impl Bell {
    fn wait(&self, limit: Option<Duration>) {
        let mut rung = self.rung.lock();
        let mut timed_out = limit == Some(Duration::ZERO);
        while !*rung && !timed_out {
            (rung, timed_out) = match limit {
                Some(limit) => self.ringing.wait_for(rung, limit),
                None => (self.ringing.wait(rung), false),
            };
        }
        *rung = false;
    }
}

/// `mio::Waker`.
#[derive(Debug)]
pub(crate) struct Waker(Arc<Bell>);

impl Waker {
    #[expect(clippy::unnecessary_wraps, reason = "as mio's")]
    pub(crate) fn new(registry: &Registry, _token: mio::Token) -> io::Result<Self> {
        Ok(Self(Arc::clone(&registry.bell)))
    }

    #[expect(clippy::unnecessary_wraps, reason = "as mio's")]
    pub(crate) fn wake(&self) -> io::Result<()> {
        *self.0.rung.lock() = true;
        self.0.ringing.notify_one();
        Ok(())
    }
}

/// A timer descriptor that refuses to be set.
#[derive(Debug)]
pub(crate) struct TimerFd(crate::sys::TimerFd);

impl TimerFd {
    pub(crate) fn new() -> io::Result<Self> {
        crate::sys::TimerFd::new().map(Self)
    }

    pub(crate) fn set(&self, _delay: Duration) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
