//! Exercise 3 of chapter 16: how long does High wait behind Low?
//!
//! One worker of each lane, and Low always has tasks of a millisecond. How long is it from the spawn of a
//! High task to its first poll, with stealing from Low and without? Guess; then measure it, with `--release`.

use std::time::Duration;

use waterwheel::BuildError;

/// The longest of `tries` waits, one after another.
///
/// # Errors
///
/// What the builder says if it cannot start its threads.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn longest_wait(tries: u32, stealing_from_low: bool) -> Result<Duration, BuildError> {
    todo!(
        "let some Low tasks work and yield until you tell them to stop, and take the time in a High one"
    )
}
