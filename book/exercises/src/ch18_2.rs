//! Exercise 2 of chapter 18: what does containment cost?
//!
//! Each poll of each task runs inside `catch_unwind`. Guess what that costs when nothing panics, in
//! nanoseconds; then measure it, with `--release`.

use std::time::Duration;

/// How long `polls` polls of a small future take, first as it is, then inside `catch_unwind`.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn time_of(polls: u32) -> (Duration, Duration) {
    todo!("`std::hint::black_box` keeps the compiler from computing the answer beforehand")
}
