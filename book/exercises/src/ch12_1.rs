//! Exercise 1 of chapter 12: steal half, with nothing but locks.
//!
//! A queue behind a lock is slower than the one we use, but it can do the same. Two workers may steal
//! from each other at the same moment; see to it that neither waits for the other for ever.

use std::collections::VecDeque;
use std::sync::Mutex;

/// Takes the older half of what `victim` has, rounded up: the oldest as the result, the rest to the
/// back of `own`, in order. `None` if there is nothing.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn steal_half<T>(victim: &Mutex<VecDeque<T>>, own: &Mutex<VecDeque<T>>) -> Option<T> {
    todo!("`VecDeque::drain` takes a range; what if you never hold both locks?")
}
