//! Waiting for time to pass: [`sleep()`], [`timeout()`], [`interval()`].
//!
//! All of it never happens early, and late by little: the driver counts in ticks of 131 us on
//! Linux and in milliseconds elsewhere, plus the time until a worker is free. Durations too large
//! to be told wait for ever in effect (thirty years). The clock is monotonic: setting the wall
//! clock changes nothing.
//!
//! A runtime built with `start_paused(true)` has a clock that stands still until [`advance`] moves
//! it: what takes an hour then takes no time, and takes it the same way each time. [`now`] tells
//! that clock's time.
//!
//! A timer belongs to the runtime on which it was created and stays with it, wherever it is
//! polled.
//!
//! Book: chapter 15.

mod interval;
mod sleep;
mod timeout;

pub use interval::{Interval, MissedTickBehavior, Tick, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
pub use std::time::{Duration, Instant};
pub use timeout::{Elapsed, Timeout, timeout};

use crate::runtime::context;

/// Tells the time by the current runtime's clock.
///
/// It is [`Instant::now`], unless the runtime was built with `start_paused(true)`.
///
/// # Examples
///
/// ```
/// use waterwheel::Runtime;
/// use waterwheel::time::{self, Duration};
///
/// let runtime = Runtime::builder().start_paused(true).build()?;
/// runtime.block_on(async {
///     let start = time::now();
///     time::advance(Duration::from_secs(3_600));
///     assert_eq!(time::now() - start, Duration::from_secs(3_600));
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
#[must_use]
pub fn now() -> Instant {
    context::driver().clock().now()
}

/// Moves the paused clock of the current runtime on by `duration`.
///
/// From then on every sleep that ends by the new time is ready when it is polled; the tasks that
/// wait for one are woken by the driver's next turn, in the order of their deadlines.
///
/// # Panics
///
/// If the current runtime was not built with `start_paused(true)`: nobody can move the real time.
///
/// # Examples
///
/// ```
/// use waterwheel::Runtime;
/// use waterwheel::time::{self, Duration};
///
/// let runtime = Runtime::builder().start_paused(true).build()?;
/// runtime.block_on(async {
///     let hour = time::sleep(Duration::from_secs(3_600));
///     time::advance(Duration::from_secs(3_600));
///     hour.await; // at once
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn advance(duration: Duration) {
    assert!(
        context::driver().advance_clock(duration),
        "time::advance needs a runtime built with start_paused(true)"
    );
}
