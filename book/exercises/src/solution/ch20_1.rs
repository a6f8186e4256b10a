//! Exercise 1 of chapter 20, solved: compare round by round.

/// The middle of `values`: the mean of the two middle ones if their number is even.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        len if len % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The median of the ratios, over the rounds in which both have a value.
#[must_use]
pub fn ratio(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Option<f64> {
    let rounds = ours.iter().zip(theirs);
    let ratios: Vec<f64> =
        rounds.filter_map(|(ours, theirs)| Some((*ours)? / (*theirs)?)).collect();
    median(&ratios)
}
