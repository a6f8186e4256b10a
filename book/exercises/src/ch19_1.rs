//! Exercise 1 of chapter 19: how many orders are there, and how many has a bound?
//!
//! Two threads never wait. One makes `steps[0]` steps and the other `steps[1]`. A thread is *preempted*
//! when the other one goes on although the first could have; the change from a thread that has ended to
//! the other one is none.

/// In how many orders is no more than `preemptions` times a thread preempted?
#[must_use]
#[expect(unused_variables, reason = "this is for you to write")]
pub fn orders(steps: [usize; 2], preemptions: usize) -> u128 {
    todo!("what is left of either thread, who went last, and what is left of the bound")
}
