//! Exercise 3 of chapter 12: what does it cost to meet?
//!
//! A worker that sends a task into a channel and takes one out touches the channel's lock twice. Alone
//! that costs one thing; while another worker does the same on the same channel it costs another.
//! Guess the factor; then measure it, with `--release`.

use std::time::Duration;

/// How long one thread takes for `pairs` times sending a number into a flume channel and receiving
/// one: first alone, then with a second thread that does the same on the same channel meanwhile.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn time_of(pairs: u32) -> (Duration, Duration) {
    todo!(
        "let a barrier start both threads at once, and the second go on until the first has ended"
    )
}
