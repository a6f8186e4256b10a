//! What a thread that serves no longer spawns is served by others.
//! Run: `cargo run --release --example bug_async_executor_104`
//!
//! async-executor's issue 104 (2024), retold: version 1.9.0 gave each thread that had once run the executor a queue of its
//! own, and put what was spawned or woken on that thread into it. A thread that had stopped running the executor kept
//! its queue; the others, who only took what stood in the common one, never saw the tasks in it.
//!
//! Here tasks are spawned and woken by four threads that serve none: a worker inside `block_in_place`, a worker inside
//! `block_on`, a thread for blocking calls, and the thread that has driven the runtime from outside and does so no
//! more. Each waits, blocked, until all of them have run: if they stood where only the thread itself looks, it would
//! wait for itself.
//!
//! Book: chapter 14.

use std::sync::mpsc::channel;
use std::time::Duration;

use waterwheel::{
    Handle, Priority, Runtime, block_in_place, block_on, spawn_blocking, spawn_task, yield_now,
};

const ROUNDS: u32 = 50;
const TASKS: u32 = 20;
/// No round takes a thousandth of it; one that does is stuck.
const LIMIT: Duration = Duration::from_secs(20);

/// Spawns tasks in both lanes, some of which wait to be woken; wakes those, and blocks until all have run.
fn spawn_wake_and_wait(who: &str) {
    let handle = Handle::current();
    let (ran, all) = channel();
    let (waits, waiting) = channel();
    for number in 0..TASKS {
        let (ran, waits) = (ran.clone(), waits.clone());
        let lane = if number % 2 == 0 { Priority::High } else { Priority::Low };
        let task = async move {
            if number % 4 < 2 {
                let (wake, woken) = flume::bounded::<()>(1);
                waits.send(wake).unwrap_or(()); // Whoever spawned it has given up, and says so.
                woken.recv_async().await.unwrap_or(());
            }
            yield_now().await;
            ran.send(()).unwrap_or(());
        };
        handle.spawn_with(task, lane).detach();
    }
    for _ in 0..TASKS / 2 {
        let wake = waiting.recv_timeout(LIMIT);
        let wake = wake.unwrap_or_else(|_| panic!("{who}: a task did not begin"));
        wake.send(()).unwrap_or_else(|_| panic!("{who}: a task is gone"));
    }
    for _ in 0..TASKS {
        all.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("{who}: a task was not served"));
    }
}

async fn in_a_task() {
    block_in_place(|| spawn_wake_and_wait("a worker inside block_in_place"));
    block_on(async { spawn_wake_and_wait("a worker inside block_on") });
    spawn_blocking(|| spawn_wake_and_wait("a thread for blocking calls")).await;
}

fn main() {
    let builder = Runtime::builder().with_high_num(1).with_low_num(1);
    let runtime = builder.build().expect("two workers can be started");
    for _ in 0..ROUNDS {
        runtime.block_on(async { spawn_task!(in_a_task()).await });
        // This thread has just driven a future, and drives none while it waits.
        let _current = runtime.handle().enter();
        spawn_wake_and_wait("a thread that ran block_on before");
    }
    println!("{ROUNDS} rounds of {TASKS} tasks from each of 4 threads: all were served by others");
}

#[test]
fn what_is_spawned_by_threads_that_serve_nobody_is_served() {
    main();
}
