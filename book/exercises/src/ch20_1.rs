//! Exercise 1 of chapter 20: compare round by round.
//!
//! Two programs ran in turn, round after round; a round in which one of them failed has `None`. How
//! many times as long does the first take as the second? Divide within the round, since the machine
//! was the same for both there, and take the middle of what you get.

/// The middle of `values`: the mean of the two middle ones if their number is even.
#[must_use]
#[expect(unused_variables, reason = "this is for you to write")]
pub fn median(values: &[f64]) -> Option<f64> {
    todo!("`f64::total_cmp` sorts")
}

/// The median of the ratios, over the rounds in which both have a value.
#[must_use]
#[expect(unused_variables, reason = "this is for you to write")]
pub fn ratio(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Option<f64> {
    todo!("not the ratio of the medians")
}
