//! A task's last child does not wait for its parent. Run: `cargo run --release --example bug_tokio_4941`
//!
//! tokio's issue 4941 (2022), retold: the task that was spawned last lies in a slot of the worker that spawned it, to be
//! polled next while the caches are warm, and no other worker may take it from there. If the parent goes on
//! computing instead of returning, its child waits, beside workers that sleep.
//!
//! Here a parent spawns children, as many as a round says, and holds its worker until each of them has begun: it
//! computes, or waits in a call that blocks. So a child that nobody else can reach would never begin. It is also tried with
//! a child that was not spawned but woken.
//!
//! Book: chapter 14.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use waterwheel::{Priority, Runtime, spawn_task};

const ROUNDS: u32 = 60;
/// A child begins within a fraction of it, on the busiest machine; one that does not is stuck.
const LIMIT: Duration = Duration::from_secs(20);

/// How a parent holds its worker.
#[derive(Clone, Copy, Debug)]
enum Hold {
    Blocks,
    Computes,
}

/// How a child comes to be ready.
#[derive(Clone, Copy, Debug)]
enum Child {
    Spawned,
    Woken,
}

/// Holds this thread until `count` children have begun; says whether they have.
fn hold(begun: &Receiver<()>, count: u32, how: Hold) -> bool {
    let begin = Instant::now();
    let mut missing = count;
    while missing > 0 && begin.elapsed() < LIMIT {
        let child = match how {
            Hold::Blocks => begun.recv_timeout(LIMIT).is_ok(),
            Hold::Computes => begun.try_recv().is_ok(),
        };
        missing -= u32::from(child);
    }
    missing == 0
}

async fn parent(children: u32, how: Hold, which: Child, lane: Priority) -> bool {
    let (begins, begun) = channel();
    let (waits, waiting) = flume::unbounded();
    for _ in 0..children {
        let (begins, waits) = (begins.clone(), waits.clone());
        let child = async move {
            if let Child::Woken = which {
                let (wake, woken) = flume::bounded::<()>(1);
                waits.send(wake).expect("its parent counts those that wait");
                woken.recv_async().await.expect("its parent wakes it");
            }
            begins.send(()).unwrap_or(()); // The parent has given up: then it says so itself.
        };
        spawn_task!(child, lane).detach();
    }
    if let Child::Woken = which {
        let mut wakes = Vec::new();
        for _ in 0..children {
            wakes.push(waiting.recv_async().await.expect("its children begin to wait"));
        }
        wakes.iter().for_each(|wake| wake.send(()).expect("its children wait"));
    }
    hold(&begun, children, how)
}

fn main() {
    let builder = Runtime::builder().with_high_num(1).with_low_num(2);
    let runtime = builder.build().expect("three workers can be started");
    for round in 0..ROUNDS {
        let how = if round % 2 == 0 { Hold::Blocks } else { Hold::Computes };
        let which = if round % 4 < 2 { Child::Spawned } else { Child::Woken };
        let lane = if round % 8 < 4 { Priority::Low } else { Priority::High };
        let children = 1 + round % 3;
        let begin = Instant::now();
        let task = parent(children, how, which, lane);
        let all_began = runtime.block_on(runtime.handle().spawn_with(task, lane));
        let took = begin.elapsed().as_secs_f64() * 1e3;
        eprintln!("round {round}: {which:?}, parent {how:?}, lane {lane:?}: {took:.1} ms");
        assert!(all_began, "round {round}: a child waits for a parent that waits for it");
    }
    println!("in each of {ROUNDS} rounds every child began while its parent held its worker");
}

#[test]
fn a_child_begins_while_its_parent_holds_the_worker() {
    main();
}
