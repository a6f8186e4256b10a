//! Exercise 3 of chapter 20: how much does nothing differ?
//!
//! Before you compare two programs, compare one with itself. Whatever comes out beside 1 is noise.
//! The work is: spawn 1,000 tasks on a runtime of one worker, and await them.

/// `rounds` ratios of the work to the same work right after it.
#[must_use]
#[expect(unused_variables, reason = "this is for you to write")]
pub fn a_over_a(rounds: usize) -> Vec<f64> {
    todo!("swap who is first from round to round, and divide the one by the other all the same")
}
