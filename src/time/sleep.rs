//! A sleep: one timer, as a future.
//!
//! The deadline is fixed when the sleep is made; the timer is added to the wheel at the first poll
//! and taken out when the sleep is dropped. In between it costs one entry of 32 bytes.
//!
//! ```text
//!             reset                 reset
//!           +-------<--------------------------+
//!           v                                  |
//!   new -> Idle --poll: add--> Waiting --fire--> Done
//!            |                                  ^
//!            +--poll: the deadline has passed---+
//! ```
//!
//! Book: chapter 15.

use crate::budget;
use crate::driver::{Moment, Outcome, RuntimeGone, TimerKey};
use crate::runtime::context;
use crate::scheduler::context::Lent;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// Waits until `duration` has passed.
///
/// The time counts from this call, not from the first poll. See [`Sleep`].
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
///
/// waterwheel::block_on(async {
///     let start = Instant::now();
///     waterwheel::time::sleep(Duration::from_millis(2)).await;
///     assert!(start.elapsed() >= Duration::from_millis(2));
/// });
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::after(context::lent_driver(), duration)
}

/// Waits until `deadline`.
///
/// A deadline that has passed is ready at the first poll. See [`Sleep`].
///
/// # Examples
///
/// ```
/// use waterwheel::time::{self, Duration};
///
/// waterwheel::block_on(async {
///     let deadline = time::now() + Duration::from_millis(2);
///     time::sleep_until(deadline).await;
///     assert!(time::now() >= deadline);
/// });
/// ```
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    let driver = context::lent_driver();
    let deadline = driver.clock().moment_of(deadline);
    Sleep { driver, deadline, state: State::Idle { may_be_due: true } }
}

/// A future that is ready once its deadline has passed: see [`sleep`] and [`sleep_until`].
///
/// It may be polled on any thread and any executor; the runtime on which it was made wakes it.
/// Once ready it stays ready until it is [reset](Self::reset).
///
/// # Panics
///
/// Polling panics if the runtime on which the sleep was made has been shut down before the
/// deadline: nobody would ever wake the task.
///
/// # Cancel safety
///
/// Dropping it takes its timer out, at once and at any time.
#[derive(Debug)]
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    driver: Lent,
    deadline: Moment,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No timer yet. A sleep made a moment ago for a time to come is not worth a look at the
    /// clock when it is polled first: the wheel finds out soon enough.
    Idle {
        may_be_due: bool,
    },
    Waiting(TimerKey),
    Done,
}

impl Sleep {
    #[inline]
    pub(crate) fn after(driver: Lent, duration: Duration) -> Self {
        let deadline = driver.clock().after(duration);
        let may_be_due = duration.is_zero() || driver.clock().is_manual();
        Self { driver, deadline, state: State::Idle { may_be_due } }
    }

    /// When the sleep ends. What was more than 292 years from the start of the runtime is drawn in
    /// to that.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.driver.clock().instant_of(self.deadline)
    }

    /// Whether the sleep has ended, by its runtime's clock.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        matches!(self.state, State::Done) || self.is_due()
    }

    /// Changes the deadline, as if the sleep had just been made: also one that is over.
    ///
    /// # Examples
    ///
    /// A limit that each sign of life puts off:
    ///
    /// ```
    /// use std::pin::Pin;
    /// use waterwheel::time::{self, Duration};
    ///
    /// waterwheel::block_on(async {
    ///     let mut limit = time::sleep(Duration::from_secs(60));
    ///     let sooner = time::now() + Duration::from_millis(1);
    ///     Pin::new(&mut limit).reset(sooner);
    ///     limit.await;
    ///     assert!(time::now() >= sooner);
    /// });
    /// ```
    pub fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.forget_timer();
        self.deadline = self.driver.clock().moment_of(deadline);
    }

    /// The time by the clock of its runtime.
    pub(super) fn now(&self) -> Instant {
        self.driver.clock().now()
    }

    /// Polls without taking budget: a time limit must also end a task that has used up its own.
    #[track_caller]
    pub(super) fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.try_poll_elapsed(cx).map(|result| result.unwrap_or_else(|_| panic!("{GONE}")))
    }

    /// Polls without taking budget and without a panic.
    #[inline]
    pub(crate) fn try_poll_elapsed(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), RuntimeGone>> {
        match &self.state {
            State::Done => return Poll::Ready(Ok(())),
            State::Waiting(key) => match self.driver.poll_timer(key, cx.waker()) {
                Outcome::Fired => {}
                Outcome::Waiting if !self.is_due() => return Poll::Pending,
                Outcome::Waiting => self.forget_timer(),
                Outcome::Abandoned if !self.is_due() => return Poll::Ready(Err(RuntimeGone)),
                Outcome::Abandoned => {}
            },
            State::Idle { may_be_due: true } if self.is_due() => {}
            State::Idle { .. } => match self.driver.add_timer(self.deadline, cx.waker()) {
                Ok(key) => {
                    self.state = State::Waiting(key);
                    return Poll::Pending;
                }
                Err(gone) if !self.is_due() => return Poll::Ready(Err(gone)),
                Err(_) => {}
            },
        }
        self.state = State::Done;
        Poll::Ready(Ok(()))
    }

    fn is_due(&self) -> bool {
        self.driver.clock().moment() >= self.deadline
    }

    #[inline]
    fn forget_timer(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Idle { may_be_due: true });
        if let State::Waiting(key) = state {
            self.driver.remove_timer(key);
        }
    }
}

const GONE: &str = "a sleep was polled after its runtime had been shut down: \
    keep the runtime alive for as long as somebody waits";

impl Future for Sleep {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_elapsed(cx));
        // It is over, and stays so: without budget the next poll says it.
        ready!(budget::poll_charge(cx)).spend();
        Poll::Ready(())
    }
}

impl Drop for Sleep {
    #[inline]
    fn drop(&mut self) {
        if let State::Waiting(key) = std::mem::replace(&mut self.state, State::Done) {
            self.driver.remove_timer(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_small() {
        assert!(size_of::<Sleep>() <= 24);
    }
}
