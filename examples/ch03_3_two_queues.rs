//! Chapter 3, step 3: two queues. Run: `cargo run --release --example ch03_3_two_queues`
//!
//! Two lanes, High and Low, each a queue with workers of its own. The same urgent task is queued
//! behind the same thousand ordinary ones, first in their lane, then in lane High. What is wrong
//! now: a worker whose lane is empty sits idle, however long the other lane is.
//!
//! Book: chapter 3.

use std::cell::Cell;
use std::thread::{self, JoinHandle};

use async_task::{Runnable, Task};
use flume::{Receiver, Sender};
use futures_lite::future;

/// The lane of a task.
#[derive(Clone, Copy, Debug)]
enum Priority {
    High,
    Low,
}

/// Where tasks are queued, one queue per lane.
struct Lanes {
    high: Sender<Runnable>,
    low: Sender<Runnable>,
}

thread_local! {
    /// How many tasks this worker has begun to poll.
    static BEGUN: Cell<usize> = const { Cell::new(0) };
}

/// Makes a task of `future` and queues it in its lane.
fn spawn<F>(lanes: &Lanes, future: F, priority: Priority) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let queue = match priority {
        Priority::High => lanes.high.clone(),
        Priority::Low => lanes.low.clone(),
    };
    let schedule = move |runnable| queue.send(runnable).expect("the workers outlive their tasks");
    let (runnable, task) = async_task::spawn(future, schedule);
    runnable.schedule();
    task
}

/// Polls what is queued in one lane until nobody can queue anything more.
fn work(queue: &Receiver<Runnable>) -> usize {
    while let Ok(runnable) = queue.recv() {
        BEGUN.set(BEGUN.get() + 1);
        // A panic ends the task; the worker goes on.
        let _ = std::panic::catch_unwind(|| runnable.run());
    }
    BEGUN.get()
}

/// Starts one worker for a lane.
fn start(name: &str, queue: Receiver<Runnable>) -> JoinHandle<usize> {
    let worker = thread::Builder::new().name(name.to_owned());
    worker.spawn(move || work(&queue)).expect("the system starts a thread")
}

/// Queues 1,000 Low tasks, then an urgent one in lane `priority`, and only then starts a worker per
/// lane. Returns which task of its worker the urgent one was, and how many each worker ran.
fn urgent_in(priority: Priority) -> (usize, [usize; 2]) {
    let (high, high_inbox) = flume::unbounded();
    let (low, low_inbox) = flume::unbounded();
    let lanes = Lanes { high, low };
    for _ in 0..1000 {
        spawn(&lanes, async {}, Priority::Low).detach();
    }
    let urgent = spawn(&lanes, async { BEGUN.get() }, priority);
    drop(lanes);

    let workers = [start("high", high_inbox), start("low", low_inbox)];
    let place = future::block_on(urgent);
    let ran = workers.map(|worker| worker.join().expect("a worker does not panic"));
    (place, ran)
}

fn main() {
    for (priority, expected) in [(Priority::Low, 1001), (Priority::High, 1)] {
        let (place, [high, low]) = urgent_in(priority);
        println!("urgent task in lane {priority:?}: task number {place} of its worker");
        println!("  the high worker ran {high} tasks, the low worker {low}");
        assert_eq!(place, expected);
        assert_eq!(high + low, 1001);
    }
}
