//! Exercise 3 of chapter 4: what does a wake cost?
//!
//! One byte goes to an echo server and comes back, again and again: first with a blocking thread
//! on each side, then with two tasks on one worker. Guess which is faster, and by how much; then
//! measure it, with `--release`.

use std::io;
use std::time::Duration;

/// How long `count` round trips take, first between two threads, then between two tasks.
///
/// # Errors
///
/// Whatever the sockets say.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn round_trips(count: u32) -> io::Result<(Duration, Duration)> {
    todo!("`set_nodelay(true)` on both sides, or you measure something else")
}
