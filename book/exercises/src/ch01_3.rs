//! Exercise 3 of chapter 1: measure it.
//!
//! A thread weighs thirty times what a task weighs. Is it also that much slower to start? Guess before you
//! measure, and write your guess down.

use std::time::Duration;

/// Starts `count` threads that do nothing, joins them all, and returns the time for one of them.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn per_thread(count: u32) -> Duration {
    todo!("start all, then join all; the clock runs from before the first to after the last")
}

/// Spawns `count` tasks that do nothing, awaits them all, and returns the time for one of them.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn per_task(count: u32) -> Duration {
    todo!("the same inside `waterwheel::block_on`; start a runtime before the clock does")
}
