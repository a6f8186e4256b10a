//! Spawning: many tasks at once and awaiting them, and a chain in which each task spawns the next.
//!
//! Book: chapter 20

use super::batch::per_operation;
use super::{Run, Sample};
use crate::peer::Peer;

/// Tasks of a batch: enough to outgrow any fixed-size queue.
const TASKS: usize = 10_000;
/// The sum of the outputs of a batch.
const SUM: usize = TASKS * (TASKS - 1) / 2;

/// A thread that is not a worker spawns a batch and awaits each task in order.
pub(super) fn from_outside<P: Peer>(peer: P, run: Run) -> Sample {
    per_operation(run, "ns/task", TASKS, || peer.block_on(batch(peer)))
}

/// A task spawns a batch and awaits each task in order.
pub(super) fn from_a_worker<P: Peer>(peer: P, run: Run) -> Sample {
    let spawn_the_spawner = || peer.block_on(peer.spawn(batch(peer)));
    per_operation(run, "ns/task", TASKS, spawn_the_spawner)
}

async fn batch<P: Peer>(peer: P) {
    let mut tasks = Vec::with_capacity(TASKS);
    for number in 0..TASKS {
        tasks.push(peer.spawn(async move { number }));
    }
    let mut sum = 0;
    for task in tasks {
        sum += task.await;
    }
    assert_eq!(sum, SUM, "every task runs once");
}

/// A task spawns a task that spawns a task; the last one tells the thread outside.
pub(super) fn chained<P: Peer>(peer: P, run: Run) -> Sample {
    let chain = || {
        let (done, end) = oneshot::channel();
        P::detach(peer.spawn(async move { link(peer, TASKS - 1, done) }));
        peer.block_on(end).expect("the last task sends");
    };
    per_operation(run, "ns/spawn", TASKS, chain)
}

fn link<P: Peer>(peer: P, left: usize, done: oneshot::Sender<()>) {
    if left == 0 {
        done.send(()).expect("the thread outside waits");
    } else {
        P::detach(peer.spawn(async move { link(peer, left - 1, done) }));
    }
}
