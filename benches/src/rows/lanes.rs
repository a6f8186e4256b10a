//! What an urgent task waits for while there is more other work than the machine can do.
//!
//! A thread outside keeps the time: each millisecond it spawns one High task, and then fills lane Low up to its mark, so
//! Low holds at least 1,000 tasks of 50 us all the time (the run reports the least it saw before filling up). A High
//! task's latency is counted from the millisecond it was *meant* for, so a late thread or a full queue cannot hide the
//! waits of the tasks it delays (coordinated omission). `from spawn` is the same without the thread's own lateness.
//!
//! That thread stands for the world outside, which asks no scheduler for a processor. So once all threads of the runtime
//! are there it is given the highest priority of ordinary threads, where the system allows it: else it would wait
//! for a processor the longer, the better a runtime uses them all.
//!
//! Book: chapter 16

use super::batch::spin;
use super::{Effort, Run, Sample, sample};
use crate::machine::{before_all_others, fine_sleeps};
use crate::peer::Peer;
use crate::stats::quantile;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Lane Low is filled up to this many tasks each millisecond; it loses about 40 of them in one.
const MARK: u64 = 1_500;
/// One High task in each of these.
const PERIOD: Duration = Duration::from_millis(1);
/// High tasks of a run.
const FULL: u32 = 3_000;
/// High tasks of a quick run.
const QUICK: u32 = 800;
/// Periods before the measurement starts.
const WARM_UP: u32 = 100;

/// Runs both lanes at once and reports High's latency and Low's rate.
pub(super) fn saturated<P: Peer>(peer: P, run: Run) -> Sample {
    let done = Arc::new(AtomicU64::new(0));
    let mut low = Backlog { peer, run, done: done.clone(), spawned: 0, least: u64::MAX };
    let mut high = Vec::new();
    fine_sleeps();
    low.fill();
    let periods = WARM_UP + if run.effort == Effort::Full { FULL } else { QUICK };
    let begin = Instant::now();
    let (mut measured_from, mut done_before) = (begin, 0);
    for period in 1..=periods {
        let intended = begin + PERIOD * period;
        sleep_until(intended);
        if period == WARM_UP {
            (measured_from, done_before) = (Instant::now(), done.load(Relaxed));
            low.least = u64::MAX;
            before_all_others();
        }
        let spawned = Instant::now();
        let task = peer.spawn_high(async move { (intended.elapsed(), spawned.elapsed()) });
        if period > WARM_UP {
            high.push(task);
        } else {
            P::detach(task);
        }
        low.fill();
    }
    let rate = (done.load(Relaxed) - done_before) as f64 / measured_from.elapsed().as_secs_f64();
    let waits = peer.block_on(async {
        let mut waits = Vec::new();
        for task in high {
            waits.push(task.await);
        }
        waits
    });
    report(&waits, rate, low.least)
}

fn report(waits: &[(Duration, Duration)], rate: f64, least: u64) -> Sample {
    let micros = |pick: fn(&(Duration, Duration)) -> Duration, q| {
        let mut nanos: Vec<u64> = waits.iter().map(|wait| pick(wait).as_nanos() as u64).collect();
        nanos.sort_unstable();
        quantile(&nanos, q).map_or(f64::NAN, |nanos| nanos as f64 / 1e3)
    };
    sample([
        ("high p50 us", micros(|wait| wait.0, 0.5)),
        ("high p99 us", micros(|wait| wait.0, 0.99)),
        ("high p50 us from spawn", micros(|wait| wait.1, 0.5)),
        ("high p99 us from spawn", micros(|wait| wait.1, 0.99)),
        ("low tasks/s", rate),
        ("low queued, least", least as f64),
    ])
}

/// Lane Low's stock of tasks.
struct Backlog<P> {
    peer: P,
    run: Run,
    done: Arc<AtomicU64>,
    spawned: u64,
    least: u64,
}

impl<P: Peer> Backlog<P> {
    fn fill(&mut self) {
        let queued = self.spawned - self.done.load(Relaxed);
        self.least = self.least.min(queued);
        for _ in queued..MARK {
            let (done, turns) = (self.done.clone(), self.run.spin);
            P::detach(self.peer.spawn(async move {
                spin(turns);
                done.fetch_add(1, Relaxed);
            }));
            self.spawned += 1;
        }
    }
}

fn sleep_until(instant: Instant) {
    let left = instant.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        thread::sleep(left);
    }
}
