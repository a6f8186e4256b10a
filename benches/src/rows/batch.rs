//! Repeating a batch of work, and spinning for a known time.
//!
//! A run's value is the median over its batches: a batch is long against the clock (milliseconds), and a batch in which
//! the kernel ran something else does not move a median.
//!
//! Book: chapter 20

use super::{Effort, Run, Sample, sample};
use crate::machine::cpu_time;
use crate::stats::median;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A batch's operations, as a sample calls them.
pub(crate) const OPERATIONS: &str = "operations a batch";
/// Fewer batches have no middle worth the name.
const MIN_BATCHES: usize = 3;
/// How long a run measures.
const FULL: Duration = Duration::from_millis(600);
/// How long a quick run measures.
const QUICK: Duration = Duration::from_millis(200);
/// How long one calibration of the spinning loop takes at least.
const CALIBRATION: Duration = Duration::from_millis(5);

/// The median time of one of a batch's operations, in ns, over batches after a first one that warms up.
///
/// The sample also says how many operations a batch has, for whoever counts something else than time.
pub(super) fn per_operation(
    run: Run,
    metric: &str,
    operations: usize,
    mut batch: impl FnMut(),
) -> Sample {
    let (at_least, limit) = match run.effort {
        Effort::Full => (MIN_BATCHES, FULL),
        Effort::Quick => (MIN_BATCHES, QUICK),
        Effort::Batches(count) => (count, Duration::ZERO),
    };
    batch();
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < at_least || start.elapsed() < limit {
        let begin = Instant::now();
        batch();
        times.push(begin.elapsed().as_nanos() as f64 / operations as f64);
    }
    let nanos = median(&times).expect("a run has a batch");
    sample([(metric, nanos), (OPERATIONS, operations as f64)])
}

/// Keeps the processor busy for `turns` of a loop that neither sleeps nor reads the clock.
pub(super) fn spin(turns: u64) {
    let mut state = black_box(1u64);
    for _ in 0..turns {
        state = black_box(state.rotate_left(5) ^ 0x9e37_79b9);
    }
}

/// Turns of [`spin`] that take `duration` of a processor here: the best of several tries.
///
/// The parent asks once, before it has other threads, and every contestant spins the same number of turns.
pub(crate) fn calibrate(duration: Duration) -> u64 {
    let mut turns = 1_000;
    let mut best = 0.0;
    for _ in 0..20 {
        let begin = cpu_time();
        spin(turns);
        let elapsed = cpu_time() - begin;
        if elapsed < CALIBRATION {
            turns *= 2;
        } else {
            best = f64::max(best, turns as f64 / elapsed.as_secs_f64());
        }
    }
    ((best * duration.as_secs_f64()) as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_time_takes_more_turns() {
        assert!(calibrate(Duration::from_millis(50)) > calibrate(Duration::from_micros(50)));
    }
}
