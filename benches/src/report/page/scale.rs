//! Where a value stands on a chart, and which values get a tick.
//!
//! Positions are percentages of the chart's width, so that one chart fits a desk and a phone without scaling its text.
//! Invariant: whatever comes in, a position is a number from `LEFT` to `RIGHT`.
//!
//! Book: chapter 20

/// Percentages: room for a mark at either end.
const LEFT: f64 = 3.0;
const RIGHT: f64 = 97.0;
/// More than this, and the numbers meet on a phone.
const MOST_TICKS: usize = 6;
/// Values further apart than this are not drawn from 0.
const SPREAD: f64 = 50.0;
/// A logarithmic scale narrower than this gets even steps for ticks.
const NARROW: f64 = 5.0;

/// A range of values, laid out over a chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    least: f64,
    most: f64,
    logarithmic: bool,
}

impl Scale {
    /// For ratios: logarithmic, with 1 in it.
    pub(super) fn of_ratios(values: impl Iterator<Item = f64>) -> Self {
        let positive = values.filter(|value| value.is_finite() && *value > 0.0);
        let (least, most) = positive
            .fold((0.9_f64, 1.1_f64), |(low, high), value| (low.min(value), high.max(value)));
        Self { least: least / 1.05, most: most * 1.05, logarithmic: true }
    }

    /// For values: from 0, or logarithmic where they lie far apart.
    pub(super) fn of_values(values: impl Iterator<Item = f64>) -> Self {
        let (least, most) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        if least > 0.0 && most / least > SPREAD && most.is_finite() {
            return Self { least: least / 1.2, most: most * 1.2, logarithmic: true };
        }
        let most = if most > 0.0 { most * 1.05 } else { 1.0 };
        Self { least: least.min(0.0), most, logarithmic: false }
    }

    /// The place of `value`, in percent of the width.
    pub(super) fn at(self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(f64::MIN_POSITIVE) / self.least).ln() / (self.most / self.least).ln()
        } else {
            (value - self.least) / (self.most - self.least)
        };
        if share.is_nan() {
            return LEFT;
        }
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// Round numbers inside the range, few enough to be read.
    pub(super) fn ticks(self) -> Vec<f64> {
        if !self.logarithmic || self.most / self.least < NARROW {
            return self.even();
        }
        for digits in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
            let ticks = self.decades(digits, 1);
            if ticks.len() <= MOST_TICKS {
                return ticks;
            }
        }
        (2..)
            .map(|step| self.decades(&[1.0], step))
            .find(|ticks| ticks.len() <= MOST_TICKS)
            .unwrap_or_default()
    }

    fn even(self) -> Vec<f64> {
        let size = 10f64.powf(((self.most - self.least) / MOST_TICKS as f64).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * size);
        let count = |step: f64| (self.most / step).floor() - (self.least / step).ceil() + 1.0;
        let step = steps.into_iter().find(|step| count(*step) <= MOST_TICKS as f64);
        let step = step.unwrap_or(10.0 * size);
        let first = (self.least / step).ceil() as i64;
        (first..).map(|n| n as f64 * step).take_while(|value| *value <= self.most).collect()
    }

    /// `digits` times each power of ten whose exponent is a multiple of `step`; 1 is always one of them.
    fn decades(self, digits: &[f64], step: i32) -> Vec<f64> {
        let exponents = (-30..=30).filter(|exponent| exponent % step == 0);
        let all = exponents
            .flat_map(|exponent| digits.iter().map(move |digit| digit * 10f64.powi(exponent)));
        all.filter(|value| (self.least..=self.most).contains(value)).collect()
    }
}

/// A tick's number: short, without zeros at its end.
pub(super) fn label(value: f64) -> String {
    if value.abs() >= 1_000.0 {
        return super::super::table::digits(value);
    }
    if value != 0.0 && value.abs() < 1e-4 {
        return format!("{value:e}").split_once('e').map_or_else(String::new, |(digits, power)| {
            let digits: f64 = digits.parse().unwrap_or(1.0);
            format!("{digits:.0}e{power}")
        });
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
