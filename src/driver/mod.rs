//! The driver: the reactor and the timers of one runtime, turned by whoever has nothing better to
//! do.
//!
//! There is no driver thread. A worker without work takes *hold* of the driver, and a *turn* waits
//! for the operating system and for the earliest timer at once. At most one thread holds it.
//!
//! The driver is never held across user code. A turn moves the wakers of all tasks concerned into
//! a batch; the holder lets go of the driver and only then wakes them. So a task that never
//! returns can never sit on the driver. For the same reason no waker is cloned, woken or dropped
//! under any lock in here.
//!
//! ```text
//!   try_hold ── Hold ── turn ──┬─ how long: not at all, or until the earliest timer  (alarm)
//!                              ├─ mio::Poll::poll
//!                              ├─ events  -> sources -> wakers                       (reactor)
//!                              └─ timers that are due -> wakers                      (timers)
//!   drop(Hold), then wake the batch
//! ```
//!
//! Another thread ends a wait with [`unpark`](Driver::unpark), which is never lost: it ends the
//! wait under way, or the next one.
//!
//! How it fails: an interrupted wait is a wait without events. After [`close`](Driver::close),
//! sockets answer [`RuntimeGone`]; their descriptors live until they are dropped.
//!
//! Book: chapters 4 and 14.

mod alarm;
pub(crate) mod clock;
mod holding;
pub(crate) mod reactor;
pub(crate) mod readiness;
pub(crate) mod source;
mod timers;
mod wheel;

pub(crate) use clock::{Clock, Moment};
pub(crate) use reactor::Registered;
pub(crate) use readiness::{Direction, Interest};
pub(crate) use timers::{Outcome, TimerKey};

#[cfg(waterwheel_shuttle)]
use crate::schedules::system::{self, TimerFd};
#[cfg(all(target_os = "linux", not(miri), not(waterwheel_shuttle)))]
use crate::sys::TimerFd;
use alarm::NEVER;
use holding::{Holding, Unpark};
#[cfg(not(waterwheel_shuttle))]
use mio as system;
use reactor::{Reactor, UNPARK};
use std::task::Waker;
use std::time::Duration;
use std::{error, fmt, io};
use timers::{Holder, Timers};

/// How many events one turn takes from the system.
const EVENTS: usize = 1024;

/// From here on the system's own time-out, which counts in milliseconds, is precise enough.
#[cfg(all(target_os = "linux", not(miri)))]
const TIMER_FD_LIMIT: Duration = Duration::from_millis(50);

/// The longest wait asked of the system; its own limit (an `int` of milliseconds) is 24.8 days.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The reactor and the timers of one runtime.
pub(crate) struct Driver {
    /// The part that only its holder uses.
    poller: Holding<Box<Poller>>,
    waker: system::Waker,
    unparked: Unpark,
    reactor: Reactor,
    timers: Timers,
    clock: Clock,
}

#[derive(Debug)]
struct Poller {
    poll: system::Poll,
    events: mio::Events,
    /// For short waits; not there before the first of them.
    #[cfg(all(target_os = "linux", not(miri)))]
    timer: Option<TimerFd>,
    /// What `timer` is set to, as a tick. A system call is saved if it does not change.
    #[cfg(all(target_os = "linux", not(miri)))]
    timer_set_to: u64,
}

/// Whether a turn may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It takes what there is.
    Never,
    /// It waits for an event, the next timer, or [`Driver::unpark`].
    ForEvents,
}

impl Driver {
    /// Builds a driver, which opens three descriptors on Linux, and a fourth one for its first short timer.
    pub(crate) fn new(clock: Clock) -> io::Result<Self> {
        Self::with_capacity(clock, EVENTS)
    }

    fn with_capacity(clock: Clock, events: usize) -> io::Result<Self> {
        let poller = Poller::new(events)?;
        let waker = system::Waker::new(poller.poll.registry(), UNPARK)?;
        let registry = poller.poll.registry().try_clone()?;
        Ok(Self {
            poller: Holding::new(Box::new(poller)),
            waker,
            unparked: Unpark::new(),
            reactor: Reactor::new(registry),
            timers: Timers::new(),
            clock,
        })
    }

    /// Takes hold of the driver, unless somebody has. Never waits.
    ///
    /// A thread about to sleep elsewhere announces that first and tries this after; a thread that
    /// drops its [`Hold`] looks for announcements after: see `holding`.
    pub(crate) fn try_hold(&self) -> Option<Hold<'_>> {
        let poller = self.poller.take()?;
        Some(Hold { driver: self, poller: Some(poller) })
    }

    /// Does anybody hold it? A look without taking it; the caller has put a fence before it.
    pub(crate) fn is_held(&self) -> bool {
        self.poller.is_held()
    }

    /// Ends the holder's wait, or the next one.
    pub(crate) fn unpark(&self) {
        if self.unparked.ask() {
            // It fails only if the descriptor is broken; there is nobody to tell.
            let _ = self.waker.wake();
        }
    }

    /// The runtime has gone: every operation and registration from now on answers an error, every
    /// sleep is abandoned. Whoever waited is handed to the caller, to be woken.
    pub(crate) fn close(&self, ready: &mut Vec<Waker>) {
        self.reactor.close(ready);
        self.timers.close(ready);
        self.unpark();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.reactor.is_closed()
    }

    /// How many sources are registered, and how many timers are set.
    pub(crate) fn occupancy(&self) -> (usize, usize) {
        (self.reactor.registered(), self.timers.len())
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Moves a manual clock on; timers that are due fire in the next turn. False: not manual.
    #[must_use]
    pub(crate) fn advance_clock(&self, duration: Duration) -> bool {
        let advanced = self.clock.advance(duration);
        if advanced {
            self.unpark();
        }
        advanced
    }

    /// Adds a timer that wakes `waker`, not before `deadline`.
    #[inline]
    pub(crate) fn add_timer(
        &self,
        deadline: Moment,
        waker: &Waker,
    ) -> Result<TimerKey, RuntimeGone> {
        let (key, holder) = self.timers.insert(self.clock.tick_of(deadline), waker)?;
        if holder == Holder::MustBeUnparked {
            self.unpark();
        }
        Ok(key)
    }

    /// Whether the timer has fired; if not, it will wake `waker`.
    pub(crate) fn poll_timer(&self, key: &TimerKey, waker: &Waker) -> Outcome {
        self.timers.poll(key, waker)
    }

    /// Takes a timer out, whether it has fired or not.
    #[inline]
    pub(crate) fn remove_timer(&self, key: TimerKey) {
        self.timers.remove(key);
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("reactor", &self.reactor)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

/// The right to turn the driver. Dropping it lets the next thread have it.
///
/// Whoever drops it while other threads may be looking for work sees to it that somebody takes
/// hold again.
#[derive(Debug)]
pub(crate) struct Hold<'a> {
    driver: &'a Driver,
    /// `None` only while it is dropped.
    poller: Option<Box<Poller>>,
}

impl Hold<'_> {
    /// One pass: waits as `wait` says, then moves the wakers of all tasks concerned into `ready`.
    /// The caller wakes them after it has dropped the hold.
    pub(crate) fn turn(&mut self, wait: Wait, ready: &mut Vec<Waker>) {
        let poller = self.poller.as_mut().expect("a hold has the poller until it is dropped");
        let driver = self.driver;
        match wait {
            Wait::Never => poller.poll(Some(Duration::ZERO)),
            Wait::ForEvents => driver.wait(poller),
        }
        driver.reactor.dispatch(poller.events.iter(), ready);
        // With no timer at all the clock need not be read.
        if driver.timers.next() != NEVER {
            driver.timers.fire(driver.clock.now_tick(), ready);
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Some(poller) = self.poller.take() {
            self.driver.poller.put_back(poller);
        }
    }
}

impl Driver {
    /// Waits for an event, the earliest timer, or `unpark`.
    fn wait(&self, poller: &mut Poller) {
        self.timers.alarm.wait(
            || self.timers.next(),
            |until| match until.filter(|_| !self.unparked.take()) {
                Some(earliest) => poller.wait(&self.clock, earliest),
                None => poller.poll(Some(Duration::ZERO)),
            },
        );
        // What ended this wait shall not end the next one too.
        self.unparked.take();
    }
}

impl Poller {
    fn new(events: usize) -> io::Result<Self> {
        Ok(Self {
            poll: system::Poll::new()?,
            events: mio::Events::with_capacity(events),
            #[cfg(all(target_os = "linux", not(miri)))]
            timer: None,
            #[cfg(all(target_os = "linux", not(miri)))]
            timer_set_to: NEVER,
        })
    }

    /// Waits at most until the tick `earliest`.
    fn wait(&mut self, clock: &Clock, earliest: u64) {
        if earliest == NEVER {
            return self.poll(None);
        }
        let limit = match clock.until(earliest) {
            // The clock stands still; whoever moves it on unparks us.
            None => None,
            Some(Duration::ZERO) => Some(Duration::ZERO),
            Some(delay) => match self.set_timer(earliest, delay) {
                Precision::Fine => None,
                Precision::Milliseconds => Some(delay.min(LONGEST_WAIT)),
            },
        };
        self.poll(limit);
    }

    /// Sets the timer descriptor, if the wait is so short that it pays.
    #[cfg(all(target_os = "linux", not(miri)))]
    fn set_timer(&mut self, tick: u64, delay: Duration) -> Precision {
        if delay >= TIMER_FD_LIMIT {
            return Precision::Milliseconds;
        }
        if self.timer_set_to != tick {
            if self.timer().and_then(|timer| timer.set(delay)).is_err() {
                return Precision::Milliseconds;
            }
            self.timer_set_to = tick;
        }
        Precision::Fine
    }

    /// The timer descriptor. If there is none to be had, the next short wait tries again.
    #[cfg(all(target_os = "linux", not(miri)))]
    fn timer(&mut self) -> io::Result<&TimerFd> {
        if let Some(ref timer) = self.timer {
            return Ok(timer);
        }
        let timer = TimerFd::new()?;
        let mut source = mio::unix::SourceFd(&timer.as_raw_fd());
        self.poll.registry().register(&mut source, reactor::TIMER, mio::Interest::READABLE)?;
        Ok(self.timer.insert(timer))
    }

    #[cfg(not(all(target_os = "linux", not(miri))))]
    fn set_timer(&mut self, _tick: u64, _delay: Duration) -> Precision {
        Precision::Milliseconds
    }

    fn poll(&mut self, limit: Option<Duration>) {
        // Interrupted by a signal, or broken beyond repair: a turn without events. mio leaves
        // the events of the turn before in place if it fails.
        if self.poll.poll(&mut self.events, limit).is_err() {
            self.events.clear();
        }
    }
}

/// Who ends a wait for a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Precision {
    /// The timer descriptor.
    Fine,
    /// The system's time-out.
    Milliseconds,
}

/// The runtime that a socket belongs to has been shut down.
///
/// It comes inside an [`io::Error`]; [`caused`](Self::caused) tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuntimeGone;

impl RuntimeGone {
    /// Whether this is why an operation failed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use waterwheel::{Runtime, net::{RuntimeGone, TcpListener}};
    ///
    /// let runtime = Runtime::new().build()?;
    /// let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    /// runtime.shutdown(Duration::from_secs(1))?;
    /// let error = waterwheel::block_on(listener.accept()).expect_err("nobody watches it");
    /// assert!(RuntimeGone::caused(&error));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn caused(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn error::Error + Send + Sync>::is::<Self>)
    }
}

impl fmt::Display for RuntimeGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the runtime that this belongs to has been shut down")
    }
}

impl error::Error for RuntimeGone {}

impl From<RuntimeGone> for io::Error {
    fn from(gone: RuntimeGone) -> Self {
        io::Error::other(gone)
    }
}

#[cfg(all(test, not(waterwheel_loom), unix))]
#[path = "driver_tests.rs"]
mod tests;
