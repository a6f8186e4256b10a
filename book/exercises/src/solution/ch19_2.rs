//! Exercise 2 of chapter 19, solved: the shortest way to the fault.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

/// The shortest order of steps, as thread numbers, that leads from `start` to a fault, if there is one.
/// `step` makes the next step of a thread, unless it has ended or must wait.
pub fn shortest<S: Clone + Eq + Hash>(
    start: &S,
    threads: usize,
    step: impl Fn(&S, usize) -> Option<S>,
    is_fault: impl Fn(&S) -> bool,
) -> Option<Vec<usize>> {
    let mut seen = HashSet::from([start.clone()]);
    let mut queue = VecDeque::from([(start.clone(), Vec::new())]);
    while let Some((state, order)) = queue.pop_front() {
        if is_fault(&state) {
            return Some(order);
        }
        for thread in 0..threads {
            let Some(next) = step(&state, thread) else { continue };
            if seen.insert(next.clone()) {
                let mut order = order.clone();
                order.push(thread);
                queue.push_back((next, order));
            }
        }
    }
    None
}
