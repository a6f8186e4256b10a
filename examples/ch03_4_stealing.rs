//! Chapter 3, step 4: stealing. Run: `cargo run --release --example ch03_4_stealing`
//!
//! A worker looks into its home lane first and into the other one second. So a blocked worker's lane
//! is served as long as anybody is free. What is wrong now: a worker cannot wait for two
//! queues at once, so it looks, sleeps 100 ms and looks again. A task that arrives meanwhile waits.
//!
//! Book: chapter 3.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_task::{Runnable, Task};
use flume::{Receiver, Sender};
use futures_lite::future;

/// How long a worker sleeps when it found both lanes empty.
const NAP: Duration = Duration::from_millis(100);

/// The lane of a task.
#[derive(Clone, Copy)]
enum Priority {
    High,
    Low,
}

/// Where tasks are queued, one queue per lane.
struct Lanes {
    high: Sender<Runnable>,
    low: Sender<Runnable>,
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

/// Serves the home lane first and the other lane second, until neither can grow any more.
fn work(home: &Receiver<Runnable>, other: &Receiver<Runnable>) {
    loop {
        match home.try_recv().or_else(|_| other.try_recv()) {
            Ok(runnable) => {
                // A panic ends the task; the worker goes on.
                let _ = std::panic::catch_unwind(|| runnable.run());
            }
            // A queued task holds a sender of its lane, so a lane without senders is empty for good.
            Err(_) if home.is_disconnected() && other.is_disconnected() => return,
            Err(_) => thread::sleep(NAP),
        }
    }
}

/// Starts a worker.
fn start(name: &str, home: &Receiver<Runnable>, other: &Receiver<Runnable>) -> JoinHandle<()> {
    let worker = thread::Builder::new().name(name.to_owned());
    let (home, other) = (home.clone(), other.clone());
    worker.spawn(move || work(&home, &other)).expect("the system starts a thread")
}

fn main() {
    let (high, high_inbox) = flume::unbounded();
    let (low, low_inbox) = flume::unbounded();
    let lanes = Lanes { high, low };
    let workers = [start("high", &high_inbox, &low_inbox), start("low", &low_inbox, &high_inbox)];

    // A Low task that blocks its thread until ten later Low tasks have run, and one High task.
    let (done, count) = mpsc::channel();
    let plug = spawn(&lanes, async move { count.iter().take(10).count() }, Priority::Low);
    for _ in 0..10 {
        let done = done.clone();
        spawn(&lanes, async move { done.send(()).is_ok() }, Priority::Low).detach();
    }
    let urgent = spawn(&lanes, async { 42 }, Priority::High);
    let (finished, answer) = future::block_on(async { (plug.await, urgent.await) });
    println!("one worker was blocked, yet {finished} Low tasks and the High one ran: {answer}");
    assert_eq!((finished, answer), (10, 42));

    // The price: how long does a task wait that finds everybody asleep?
    let mut worst = Duration::ZERO;
    for _ in 0..5 {
        let queued = Instant::now();
        let task = spawn(&lanes, async move { queued.elapsed() }, Priority::High);
        worst = worst.max(future::block_on(task));
    }
    println!(
        "on idle workers a task waited for its first poll {:.1} ms",
        worst.as_secs_f64() * 1e3
    );

    drop(lanes);
    for worker in workers {
        worker.join().expect("a worker does not panic");
    }
}
