//! Exercise 3 of chapter 2: measure it.
//!
//! Two futures throw a ball to each other over two channels. Once they are joined, in one task; once they are
//! two tasks. A wake inside a task is a flag; a wake of another task goes through a queue, and perhaps
//! through a thread that sleeps. How far apart are the two? Guess before you measure.

use std::time::Duration;

/// The time of one round, there and back, between two futures that are joined.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn joined(rounds: u32) -> Duration {
    todo!("two `flume::bounded(1)` channels, an async block for each side, and `waterwheel::join!`")
}

/// The time of one round, there and back, between two tasks.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn as_tasks(rounds: u32) -> Duration {
    todo!("the same two blocks, each given to `spawn_task!`")
}
