//! How long an idle runtime takes to begin with a task.
//!
//! Book: chapter 3

use super::{Run, Sample, sample};
use crate::peer::Peer;
use crate::stats::quantile;
use std::thread;
use std::time::{Duration, Instant};

/// Spawns of a run.
const SPAWNS: u64 = 25;
/// A gap of 2 to 102 ms lets every worker fall asleep, and keeps no step with the textbook's pause of 100 ms.
const SHORTEST: Duration = Duration::from_millis(2);
const SPREAD: u64 = 100_000;

/// A thread outside spawns one task, waits for it, waits until the runtime sleeps again, and so on.
pub(super) fn latency<P: Peer>(peer: P, _run: Run) -> Sample {
    let mut rng = fastrand::Rng::with_seed(2);
    let mut waits: Vec<u64> = (0..SPAWNS)
        .map(|slice| {
            // One gap from each of as many slices of the spread, so that a run's gaps are even without being regular.
            let micros = (slice * SPREAD + rng.u64(..SPREAD)) / SPAWNS;
            thread::sleep(SHORTEST + Duration::from_micros(micros));
            let spawned = Instant::now();
            peer.block_on(peer.spawn(async move { spawned.elapsed().as_nanos() as u64 }))
        })
        .collect();
    waits.sort_unstable();
    let micros = |q| quantile(&waits, q).map_or(f64::NAN, |nanos| nanos as f64 / 1e3);
    sample([("p50 us", micros(0.5)), ("p90 us", micros(0.9))])
}
