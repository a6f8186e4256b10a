//! Exercise 3 of chapter 3: keep what the panic said.
//!
//! Step 6 loses the message of a panic, because the worker catches it. Catch it one level further in,
//! around the poll of the user's future, and hand it on as a result.

use std::thread;

/// Runs `future`; a panic in one of its polls becomes `Err` with the payload.
#[expect(unused_variables, reason = "this is for you to write")]
pub async fn outcome<F: Future>(future: F) -> thread::Result<F::Output> {
    todo!("`std::pin::pin!` the future, then `std::future::poll_fn` and `panic::catch_unwind`")
}
