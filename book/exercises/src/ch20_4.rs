//! Exercise 4 of chapter 20: what does a counter cost?
//!
//! A counter that one thread writes and others read can be incremented in two ways: `fetch_add`, or
//! a load and a store. Guess the difference in nanoseconds; then measure it, with `--release`.

use std::time::Duration;

/// How long `count` increments take, first by `fetch_add`, then by a load and a store.
#[must_use]
#[expect(unused_variables, reason = "this is for you to write")]
pub fn time_of(count: u32) -> (Duration, Duration) {
    todo!("`std::hint::black_box(&counter)` keeps the compiler from adding it all up beforehand")
}
