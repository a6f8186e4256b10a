//! Exercise 1 of chapter 18, solved: drop anything, whatever it does.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many payloads are tried before the last one is leaked.
pub const TRIES: usize = 8;

/// Drops `value`. Says how many panics that took; none of them leaves this function. A payload that
/// is still panicking after [`TRIES`] drops is leaked with `std::mem::forget`.
pub fn drop_quietly<T>(value: T) -> usize {
    let Err(mut payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) else { return 0 };
    for panics in 1..=TRIES {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return panics,
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
    TRIES + 1
}
