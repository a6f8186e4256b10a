//! The statistics of a table: medians, spread, a bootstrap interval and a verdict.
//!
//! A *round* gives one value per contestant. Two contestants are compared by the ratio of their values in the same
//! round, because the machine's slow and fast phases then touch both; the median of those ratios is reported with a
//! 95 % percentile-bootstrap interval (B. Efron, *Bootstrap methods: another look at the jackknife*, Annals of
//! Statistics 7, 1979). Ours differs in nothing but the fixed seed, which makes a table repeatable from its JSON.
//!
//! Invariant: every function here is pure; an empty input gives `None`, never a panic.
//!
//! Book: chapter 20

use serde::Serialize;

/// Resamples of a bootstrap. More changes the interval's third digit only.
const RESAMPLES: usize = 4_000;

/// The middle of `values`: the mean of the two middle ones when their number is even.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        len if len % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The smallest of `sorted` (ascending) that at least the share `q` of them does not exceed (nearest rank).
pub(crate) fn quantile(sorted: &[u64], q: f64) -> Option<u64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = (q * sorted.len() as f64).ceil() as usize;
    Some(sorted[rank.saturating_sub(1).min(last)])
}

/// Where a contestant's values lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// The middle value.
    pub(crate) median: f64,
    /// The median distance from the median.
    pub(crate) mad: f64,
    /// The smallest value.
    pub(crate) min: f64,
    /// The largest value.
    pub(crate) max: f64,
}

impl Summary {
    /// Summarises `values`, or `None` if there are none.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let median_value = median(values)?;
        let distances: Vec<f64> = values.iter().map(|value| (value - median_value).abs()).collect();
        Some(Self {
            median: median_value,
            mad: median(&distances)?,
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

/// A median ratio and the interval that holds it with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Ratio {
    /// The median of the rounds' ratios.
    pub(crate) median: f64,
    /// The interval's lower end.
    pub(crate) low: f64,
    /// The interval's upper end.
    pub(crate) high: f64,
}

impl Ratio {
    /// Compares two contestants round by round; rounds in which one of them failed are left out.
    pub(crate) fn of(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Option<Self> {
        let ratios: Vec<f64> = ours
            .iter()
            .zip(theirs)
            .filter_map(|(ours, theirs)| Some((*ours)? / (*theirs)?))
            .filter(|ratio| ratio.is_finite())
            .collect();
        let (low, high) = bootstrap(&ratios)?;
        Some(Self { median: median(&ratios)?, low, high })
    }
}

/// The 95 % percentile interval of the median of `values`.
fn bootstrap(values: &[f64]) -> Option<(f64, f64)> {
    let mut rng = fastrand::Rng::with_seed(61);
    let mut sample = vec![0.0; values.len()];
    let mut medians = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        sample.fill_with(|| values[rng.usize(..values.len())]);
        medians.push(median(&sample)?);
    }
    medians.sort_by(f64::total_cmp);
    Some((medians[RESAMPLES / 40], medians[RESAMPLES - 1 - RESAMPLES / 40]))
}

/// Which way a metric is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Good {
    /// Times, bytes.
    Low,
    /// Rates.
    High,
}

/// What a ratio says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// The median ratio lies beyond the band on the good side.
    Win,
    /// The median ratio lies within the band.
    Equal,
    /// The median ratio lies beyond the band on the bad side.
    Loss,
}

impl Verdict {
    /// Judges a median ratio; `band` is the distance from 1 that still counts as equal (0.05 is 5 %).
    pub(crate) fn of(ratio: f64, good: Good, band: f64) -> Self {
        if (ratio - 1.0).abs() <= band {
            Self::Equal
        } else if (ratio < 1.0) == (good == Good::Low) {
            Self::Win
        } else {
            Self::Loss
        }
    }

    /// The word that a table prints.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Win => "win",
            Self::Equal => "equal",
            Self::Loss => "LOSS",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 4.0]), Some(4.0));
        assert_eq!(median(&[9.0, 1.0, 4.0, 6.0]), Some(5.0));
    }

    #[test]
    fn a_quantile_is_the_nearest_rank() {
        let sorted: Vec<u64> = (1..=100).collect();
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&sorted, 0.0), Some(1));
        assert_eq!(quantile(&sorted, 0.5), Some(50));
        assert_eq!(quantile(&sorted, 0.99), Some(99));
        assert_eq!(quantile(&sorted, 1.0), Some(100));
        assert_eq!(quantile(&[7], 0.99), Some(7));
    }

    #[test]
    fn a_summary_is_not_moved_by_one_outlier() {
        let summary = Summary::of(&[10.0, 11.0, 12.0, 13.0, 900.0]).expect("five values");
        assert_eq!(summary, Summary { median: 12.0, mad: 1.0, min: 10.0, max: 900.0 });
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn ratios_are_paired_by_round_and_failed_rounds_are_left_out() {
        let ours = [Some(1.0), None, Some(4.0), Some(3.0)];
        let theirs = [Some(2.0), Some(1.0), Some(8.0), None];
        let ratio = Ratio::of(&ours, &theirs).expect("two rounds have both");
        assert_eq!(ratio, Ratio { median: 0.5, low: 0.5, high: 0.5 });
        assert_eq!(Ratio::of(&[None], &[Some(1.0)]), None);
        assert_eq!(Ratio::of(&[Some(1.0)], &[Some(0.0)]), None);
    }

    #[test]
    fn the_bootstrap_interval_holds_the_true_median_about_95_times_in_100() {
        let mut rng = fastrand::Rng::with_seed(7);
        let held = (0..200)
            .filter(|_| {
                let values: Vec<f64> = (0..15).map(|_| rng.f64()).collect();
                let (low, high) = bootstrap(&values).expect("fifteen values");
                low <= 0.5 && 0.5 <= high
            })
            .count();
        assert!((176..=200).contains(&held), "held in {held} of 200");
    }

    #[test]
    fn the_bootstrap_is_repeatable_and_inside_the_data() {
        let values = [0.61, 0.64, 0.6, 0.66, 0.62];
        let (low, high) = bootstrap(&values).expect("five values");
        assert_eq!(bootstrap(&values), Some((low, high)));
        assert!((0.6..=0.62).contains(&low) && (0.62..=0.66).contains(&high));
    }

    #[test]
    fn a_verdict_depends_on_the_direction_and_the_band() {
        assert_eq!(Verdict::of(0.951, Good::Low, 0.05), Verdict::Equal);
        assert_eq!(Verdict::of(0.94, Good::Low, 0.05), Verdict::Win);
        assert_eq!(Verdict::of(1.06, Good::Low, 0.05), Verdict::Loss);
        assert_eq!(Verdict::of(1.06, Good::High, 0.05), Verdict::Win);
        assert_eq!(Verdict::of(1.06, Good::High, 0.1), Verdict::Equal);
        assert_eq!(Verdict::of(0.5, Good::High, 0.1), Verdict::Loss);
    }
}
