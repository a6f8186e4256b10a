//! Waking: tasks that wake themselves, and pairs of tasks that wake each other.
//!
//! Book: chapter 20

use super::batch::per_operation;
use super::{Run, Sample};
use crate::peer::Peer;
use futures_lite::future::yield_now;
use oneshot::{Receiver, Sender};

/// Tasks that yield at the same time.
const YIELDERS: usize = 1_000;
/// Yields of each.
const YIELDS: usize = 1_000;
/// Pairs that play at the same time.
const PAIRS: usize = 1_000;
/// Round trips of each.
const ROUND_TRIPS: usize = 200;

/// 1,000 tasks that each yield 1,000 times. The yield wakes its own waker, as any neutral crate's does.
pub(super) fn yields<P: Peer>(peer: P, run: Run) -> Sample {
    let batch = || {
        join_all(peer, YIELDERS, |_| async {
            for _ in 0..YIELDS {
                yield_now().await;
            }
        });
    };
    per_operation(run, "ns/yield", YIELDERS * YIELDS, batch)
}

/// A ball carries the way back to the one who threw it.
struct Ball(Option<Sender<Ball>>);

/// 1,000 pairs of tasks throw a ball 200 times there and back; each throw is a fresh oneshot.
pub(super) fn ping_pong<P: Peer>(peer: P, run: Run) -> Sample {
    let batch = || {
        join_all(peer, PAIRS, move |_| async move {
            let (serve, first) = oneshot::channel();
            let other = peer.spawn(play(first));
            let (reply, second) = oneshot::channel();
            assert!(serve.send(Ball(Some(reply))).is_ok(), "the other player waits");
            let caught = play(second).await + other.await;
            assert_eq!(caught, 2 * ROUND_TRIPS, "no ball is lost");
        });
    };
    per_operation(run, "ns/round trip", PAIRS * ROUND_TRIPS, batch)
}

/// Catches and returns the ball until it has been here `ROUND_TRIPS` times; gives how often that was.
async fn play(mut next: Receiver<Ball>) -> usize {
    for catch in 1..=ROUND_TRIPS {
        let Ok(Ball(Some(thrower))) = next.await else { return catch };
        let (reply, following) = oneshot::channel();
        if thrower.send(Ball(Some(reply))).is_err() {
            return catch;
        }
        next = following;
    }
    ROUND_TRIPS
}

/// A task spawns `count` tasks and awaits them.
fn join_all<P, F>(peer: P, count: usize, make: impl Fn(usize) -> F + Send + 'static)
where
    P: Peer,
    F: Future<Output = ()> + Send + 'static,
{
    peer.block_on(peer.spawn(async move {
        let mut tasks = Vec::with_capacity(count);
        for number in 0..count {
            tasks.push(peer.spawn(make(number)));
        }
        for task in tasks {
            task.await;
        }
    }));
}
