//! Exercise 1 of chapter 12, solved: steal half, with nothing but locks.

use std::collections::VecDeque;
use std::sync::Mutex;

/// Takes the older half of what `victim` has, rounded up: the oldest as the result, the rest to the
/// back of `own`, in order. `None` if there is nothing.
pub fn steal_half<T>(victim: &Mutex<VecDeque<T>>, own: &Mutex<VecDeque<T>>) -> Option<T> {
    let mut stolen: VecDeque<T> = {
        let mut victim = victim.lock().expect("nobody panics with it held");
        let half = victim.len().div_ceil(2);
        victim.drain(..half).collect()
    }; // Let go of the victim's lock before taking the own one: two thieves never wait in a ring.
    let first = stolen.pop_front();
    own.lock().expect("nobody panics with it held").append(&mut stolen);
    first
}
