//! Timers: a hundred thousand of them at once, and one that is created and dropped again and again.
//!
//! Book: chapter 20

use super::batch::per_operation;
use super::{Run, Sample, sample};
use crate::machine::cpu_time;
use crate::peer::Sleeps;
use crate::stats::quantile;
use futures_lite::future::poll_once;
use std::pin::pin;
use std::time::{Duration, Instant};

/// What each of many tasks sleeps.
const NAP: Duration = Duration::from_millis(100);
/// Never reached: what a timer is set to that is dropped at once.
const FAR: Duration = Duration::from_secs(60);
/// Timers that are alive meanwhile, and what they are set to: earlier, so that the dropped ones are never the first.
const ALIVE: usize = 1_000;
const EARLIER: Duration = Duration::from_secs(30);
/// Timers created and dropped in a batch.
const DROPS: usize = 20_000;

/// `count` tasks sleep 100 ms each. Overshoot is the time until the last is joined beyond these 100 ms; a task's
/// lateness is counted from its own first poll.
pub(super) fn sleeps<P: Sleeps>(peer: P, _run: Run, count: usize) -> Sample {
    let busy_before = cpu_time();
    let begin = Instant::now();
    let mut late: Vec<u64> = peer.block_on(peer.spawn(async move {
        let mut tasks = Vec::with_capacity(count);
        for _ in 0..count {
            tasks.push(peer.spawn(async move {
                let due = Instant::now() + NAP;
                peer.sleep(NAP).await;
                Instant::now().checked_duration_since(due).expect("no timer fires early").as_nanos()
                    as u64
            }));
        }
        let mut late = Vec::with_capacity(count);
        for task in tasks {
            late.push(task.await);
        }
        late
    }));
    let overshoot = begin.elapsed().saturating_sub(NAP);
    let busy = cpu_time().saturating_sub(busy_before);
    late.sort_unstable();
    let millis = |q| quantile(&late, q).map_or(f64::NAN, |nanos| nanos as f64 / 1e6);
    sample([
        ("overshoot ms", overshoot.as_secs_f64() * 1e3),
        ("cpu ms", busy.as_secs_f64() * 1e3),
        ("late p50 ms", millis(0.5)),
        ("late p99 ms", millis(0.99)),
    ])
}

/// One task creates a timer, polls it once and drops it, while 1,000 others are alive.
pub(super) fn create_and_drop<P: Sleeps>(peer: P, run: Run) -> Sample {
    peer.block_on(peer.spawn(async move {
        for _ in 0..ALIVE {
            let (polled_once, polled) = oneshot::channel();
            P::detach(peer.spawn(async move {
                let mut sleep = pin!(peer.sleep(EARLIER));
                assert!(poll_once(&mut sleep).await.is_none(), "half a minute has not passed");
                polled_once.send(()).expect("the spawner waits");
                sleep.await;
            }));
            polled.await.expect("the task sends before it sleeps");
        }
    }));
    let batch = || {
        peer.block_on(peer.spawn(async move {
            for _ in 0..DROPS {
                let sleep = pin!(peer.sleep(FAR));
                assert!(poll_once(sleep).await.is_none(), "a minute has not passed");
            }
        }));
    };
    per_operation(run, "ns/timer", DROPS, batch)
}
