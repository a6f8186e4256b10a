//! A histogram of durations in fixed memory: log-linear, four steps to each power of two.
//!
//! One thread records, any thread reads. A quantile is the upper edge of its bucket, so it is never
//! too small, and too large by at most a quarter.
//!
//! Book: chapter 20.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Steps to a power of two, as a number of bits.
const STEP_BITS: u32 = 2;
/// Buckets for 0 ns up to 2^42 ns, more than an hour; what is longer counts as that.
const BUCKETS: usize = 42 << STEP_BITS;

fn bucket(nanos: u64) -> usize {
    let steps = 1 << STEP_BITS;
    if nanos < steps {
        return usize::try_from(nanos).expect("less than four");
    }
    let power = nanos.ilog2();
    let step = (nanos >> (power - STEP_BITS)) & (steps - 1);
    let bucket = (u64::from(power - STEP_BITS + 1) << STEP_BITS) + step;
    usize::try_from(bucket).expect("at most 64 powers of 4 steps").min(BUCKETS - 1)
}

/// The largest duration that falls into `bucket`, in ns.
fn upper_edge(bucket: usize) -> u64 {
    let (power, step) = (bucket >> STEP_BITS, (bucket & 3) as u64);
    if power == 0 { step } else { ((4 + step + 1) << (power - 1)) - 1 }
}

/// What one thread records into.
#[derive(Debug)]
pub(crate) struct Recorder([AtomicU64; BUCKETS]);

impl Recorder {
    pub(crate) fn new() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }

    pub(crate) fn record(&self, nanos: u64) {
        let count = &self.0[bucket(nanos)];
        // Relaxed, and not read-modify-write: one thread writes, and a count orders nothing.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// A distribution of durations, as it was when the snapshot was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    buckets: Vec<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS] }
    }
}

impl Histogram {
    pub(crate) fn of(recorder: &Recorder) -> Self {
        Self { buckets: recorder.0.iter().map(|count| count.load(Ordering::Relaxed)).collect() }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(sum, count)| *sum += count);
    }

    /// How many samples there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The duration that a share `q` (0.0 to 1.0) of the samples does not exceed; `None` without
    /// samples. Never too small, and too large by at most a quarter.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let count = self.count();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank among samples: a rounding error of one in 2^53 does no harm"
        )]
        let rank = ((count as f64 * q.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|samples| {
            seen += samples;
            seen >= rank
        })?;
        Some(Duration::from_nanos(upper_edge(bucket)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_its_bucket_and_above_the_one_before() {
        let mut nanos = 0_u64;
        while nanos < 1 << 41 {
            let bucket = bucket(nanos);
            assert!(nanos <= upper_edge(bucket), "{nanos} ns in bucket {bucket}");
            if bucket > 0 {
                assert!(nanos > upper_edge(bucket - 1), "{nanos} ns in bucket {bucket}");
            }
            nanos = nanos * 33 / 32 + 1;
        }
    }

    #[test]
    fn a_quantile_is_at_most_a_quarter_too_large() {
        let recorder = Recorder::new();
        (1..=1000).for_each(|micros| recorder.record(micros * 1000));
        let histogram = Histogram::of(&recorder);
        assert_eq!(histogram.count(), 1000);
        for (q, exact) in [(0.5, 500), (0.99, 990), (1.0, 1000)] {
            let found = histogram.quantile(q).expect("there are samples");
            assert!(found >= Duration::from_micros(exact), "{q}: {found:?}");
            assert!(found <= Duration::from_micros(exact * 5 / 4), "{q}: {found:?}");
        }
    }

    #[test]
    fn an_endless_duration_is_counted_and_an_empty_histogram_has_no_quantile() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        let recorder = Recorder::new();
        recorder.record(u64::MAX);
        histogram.add(&Histogram::of(&recorder));
        assert_eq!(histogram.count(), 1);
    }
}
