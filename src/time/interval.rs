//! A timer that goes off again and again.
//!
//! Book: chapter 15.

use super::Sleep;
use crate::driver::Clock;
use crate::runtime::context;
use futures_lite::Stream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// Ticks every `period`, for the first time at once.
///
/// # Panics
///
/// If `period` is zero.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
///
/// waterwheel::block_on(async {
///     let start = Instant::now();
///     let mut ticks = waterwheel::time::interval(Duration::from_millis(2));
///     for _ in 0..3 {
///         ticks.tick().await;
///     }
///     assert!(start.elapsed() >= Duration::from_millis(4), "at 0, 2 and 4 ms");
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    Interval::new(None, period)
}

/// Ticks every `period`, for the first time at `start`.
///
/// # Panics
///
/// If `period` is zero.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    Interval::new(Some(start), period)
}

/// What an [`Interval`] does when so much time has passed between two calls of
/// [`tick`](Interval::tick) that whole ticks were missed.
///
/// With a period of 10 ms, ticks at 0 and 10, and then a pause until 47:
///
/// ```text
///   due       0   10   20   30   40   50   60
///   Burst     0   10   47   47   47   50   60     all of them, as fast as can be
///   Delay     0   10   47   57   67               the schedule moves
///   Skip      0   10   47   50   60               the missed ones are left out
/// ```
///
/// A tick that is late by less than a period changes nothing in any of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Catches up: the missed ticks come at once, one after the other.
    #[default]
    Burst,
    /// Counts anew from the tick that was late.
    Delay,
    /// Goes on with the next tick of the old schedule.
    Skip,
}

/// Ticks again and again: see [`interval`]. It is also a [`Stream`] that never ends.
#[derive(Debug)]
pub struct Interval {
    sleep: Sleep,
    period: Duration,
    behavior: MissedTickBehavior,
}

impl Interval {
    #[track_caller]
    fn new(start: Option<Instant>, period: Duration) -> Self {
        assert!(!period.is_zero(), "the period of an interval must not be zero");
        let mut sleep = Sleep::after(context::lent_driver(), Duration::ZERO);
        if let Some(start) = start {
            Pin::new(&mut sleep).reset(start);
        }
        Self { sleep, period, behavior: MissedTickBehavior::default() }
    }

    /// Waits for the next tick and tells when it was due.
    ///
    /// # Panics
    ///
    /// Polling panics if the interval's runtime has been shut down, see [`Sleep`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, no tick is lost: the next call waits for the same one.
    pub fn tick(&mut self) -> Tick<'_> {
        Tick(self)
    }

    /// The polled form of [`tick`](Self::tick).
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(Pin::new(&mut self.sleep).poll(cx));
        let due = self.sleep.deadline();
        let next = self.after(due, self.sleep.now());
        Pin::new(&mut self.sleep).reset(next);
        Poll::Ready(due)
    }

    /// Starts anew: the next tick comes one period from now.
    pub fn reset(&mut self) {
        let next = Clock::deadline(self.sleep.now(), self.period);
        Pin::new(&mut self.sleep).reset(next);
    }

    /// The time between two ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What happens to ticks that were missed.
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.behavior
    }

    /// Chooses what happens to ticks that are missed from now on.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.behavior = behavior;
    }

    /// When the tick after the one due at `due` comes, seen at `now`.
    fn after(&self, due: Instant, now: Instant) -> Instant {
        let next = Clock::deadline(due, self.period);
        if now < next {
            return next;
        }
        match self.behavior {
            MissedTickBehavior::Burst => next,
            MissedTickBehavior::Delay => Clock::deadline(now, self.period),
            MissedTickBehavior::Skip => {
                let late = now.saturating_duration_since(due).as_nanos();
                let into_period = late % self.period.as_nanos();
                // Smaller than the period, which is a duration.
                let into_period = Duration::from_nanos_u128(into_period);
                Clock::deadline(now, self.period - into_period)
            }
        }
    }
}

impl Stream for Interval {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.poll_tick(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

/// The future of [`Interval::tick`].
#[derive(Debug)]
#[must_use = "a tick does nothing unless it is awaited"]
pub struct Tick<'a>(&'a mut Interval);

impl Future for Tick<'_> {
    type Output = Instant;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        self.0.poll_tick(cx)
    }
}
