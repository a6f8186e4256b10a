//! How long requests took: a histogram that any number of threads record into.
//!
//! Log-linear, eight steps to each power of two of a microsecond, so a quantile is too large by at
//! most an eighth and never too small. The maximum is exact.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const STEP_BITS: u32 = 3;
const STEPS: u64 = 1 << STEP_BITS;
/// Up to 2^36 µs, most of a day.
const BUCKETS: usize = 36 << STEP_BITS;

/// All counters are plain numbers that order nothing: `Relaxed` throughout.
#[derive(Debug)]
pub struct Latency {
    buckets: [AtomicU64; BUCKETS],
    max_micros: AtomicU64,
}

impl Latency {
    pub const fn new() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], max_micros: AtomicU64::new(0) }
    }

    pub fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros)].fetch_add(1, Relaxed);
        self.max_micros.fetch_max(micros, Relaxed);
    }

    pub fn max(&self) -> Duration {
        Duration::from_micros(self.max_micros.load(Relaxed))
    }

    pub fn snapshot(&self) -> Counts {
        Counts(self.buckets.iter().map(|count| count.load(Relaxed)).collect())
    }
}

/// How many requests fell into which bucket.
#[derive(Clone, Debug, Default)]
pub struct Counts(Vec<u64>);

impl Counts {
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// What has been recorded since `earlier`.
    pub fn since(&self, earlier: &Counts) -> Counts {
        let earlier = earlier.0.iter().copied().chain(std::iter::repeat(0));
        Counts(self.0.iter().zip(earlier).map(|(now, then)| now - then).collect())
    }

    /// The time that `percent` of the requests did not exceed; `None` without requests.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let rank = (self.total() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = self.0.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_micros(upper_edge(bucket)))
    }
}

fn bucket(micros: u64) -> usize {
    let index = match micros.checked_ilog2() {
        Some(power) if power >= STEP_BITS => {
            let row = u64::from(power - STEP_BITS + 1);
            let step = (micros >> (power - STEP_BITS)) - STEPS;
            row * STEPS + step
        }
        _ => micros,
    };
    usize::try_from(index).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

/// The longest time that falls into the bucket, in µs.
fn upper_edge(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    match bucket / STEPS {
        0 => bucket,
        row => ((STEPS + bucket % STEPS + 1) << (row - 1)) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_lies_in_its_bucket_and_above_the_one_before() {
        let mut micros = 0;
        while micros < 1 << 36 {
            let bucket = bucket(micros);
            assert!(micros <= upper_edge(bucket), "{micros}");
            assert!(bucket == 0 || micros > upper_edge(bucket - 1), "{micros}");
            micros = micros * 33 / 32 + 1;
        }
    }

    #[test]
    fn percentiles_are_at_most_an_eighth_too_large() {
        let latency = Latency::new();
        let before = latency.snapshot();
        assert_eq!(before.percentile(50), None);
        (1..=1000).for_each(|micros| latency.record(Duration::from_micros(micros)));
        let counts = latency.snapshot().since(&before);
        assert_eq!((counts.total(), latency.max()), (1000, Duration::from_millis(1)));
        for (percent, exact) in [(50, 500), (99, 990), (100, 1000)] {
            let found = counts.percentile(percent).expect("there are samples").as_micros();
            assert!((exact..=exact * 9 / 8).contains(&found), "{percent} %: {found}");
        }
    }
}
