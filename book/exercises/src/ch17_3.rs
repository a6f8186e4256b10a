//! Exercise 3 of chapter 17: how long does a task behind a stuck worker wait?
//!
//! Guess first: with `slow_poll_after(limit)` the watchdog looks every half of it, and a thread has to be
//! started. Then measure, with `--release`, for 2 ms, 10 ms and 50 ms.

use std::time::Duration;

/// How long a task waits for its first poll when it is spawned behind the only worker's stuck poll, on a
/// runtime with this limit.
///
/// # Panics
///
/// If the runtime cannot be built.
#[must_use]
#[expect(unused_variables, reason = "this is for you to write")]
pub fn wait_behind_a_stuck_worker(limit: Duration) -> Duration {
    todo!(
        "one worker; a task that waits on a std channel; and a second task that sends an `Instant`"
    )
}
