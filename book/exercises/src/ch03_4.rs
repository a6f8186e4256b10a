//! Exercise 4 of chapter 3: measure it.
//!
//! Step 4 measured how long a task waits on an idle worker that naps. How long does it wait on a worker
//! that sleeps in the `Lanes` of exercise 2? Guess before you measure, and write your guess down.

use std::time::Duration;

/// Starts one thread that takes from lanes of exercise 2, gives it `rounds` tasks, one at a time, each
/// when the one before has been answered, and returns the median time between `push_low` and the
/// moment the thread has the task.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn median_wait(rounds: usize) -> Duration {
    todo!("the task can be an `Instant`, and the answer its `elapsed()`, sent back on a channel")
}
