//! Exercise 2 of chapter 19: the shortest way to the fault.
//!
//! The checker of the chapter goes deep first, so the order that it finds is rarely the shortest one, and it
//! cannot end if threads run in circles, as one does that spins. Go wide first: all states that are one step
//! away, then all that are two. And this time a fault is a state that must never be reached.

use std::hash::Hash;

/// The shortest order of steps, as thread numbers, that leads from `start` to a fault, if there is one.
/// `step` makes the next step of a thread, unless it has ended or must wait.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn shortest<S: Clone + Eq + Hash>(
    start: &S,
    threads: usize,
    step: impl Fn(&S, usize) -> Option<S>,
    is_fault: impl Fn(&S) -> bool,
) -> Option<Vec<usize>> {
    todo!("a queue of states, each with the order that led to it; which were there before?")
}
