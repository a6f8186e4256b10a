//! Exercise 3 of chapter 2, solved: measure it.

use std::time::{Duration, Instant};

use flume::{Receiver, Sender};
use waterwheel::{block_on, join, spawn_task};

/// The time of one round, there and back, between two futures that are joined.
pub fn joined(rounds: u32) -> Duration {
    let (left, right) = players();
    let begun = Instant::now();
    block_on(async { join!(serve(left, rounds), give_back(right)) });
    begun.elapsed() / rounds
}

/// The time of one round, there and back, between two tasks.
pub fn as_tasks(rounds: u32) -> Duration {
    let (left, right) = players();
    let begun = Instant::now();
    let (left, right) = (spawn_task!(serve(left, rounds)), spawn_task!(give_back(right)));
    block_on(async { join!(left, right) });
    begun.elapsed() / rounds
}

type Player = (Sender<u32>, Receiver<u32>);

fn players() -> (Player, Player) {
    let (to_right, from_left) = flume::bounded(1);
    let (to_left, from_right) = flume::bounded(1);
    ((to_right, from_right), (to_left, from_left))
}

/// Throws the ball, and waits until it is back. The channel closes after the last round.
async fn serve((throw, catch): Player, rounds: u32) {
    for round in 0..rounds {
        throw.send_async(round).await.expect("the other side plays until this one stops");
        let back = catch.recv_async().await;
        assert_eq!(back, Ok(round));
    }
}

async fn give_back((throw, catch): Player) {
    while let Ok(ball) = catch.recv_async().await {
        // The other side may have stopped, which ends the loop above.
        throw.send_async(ball).await.unwrap_or(());
    }
}
