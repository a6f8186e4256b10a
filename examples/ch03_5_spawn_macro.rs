//! Chapter 3, step 5: a macro to spawn. Run: `cargo run --release --example ch03_5_spawn_macro`
//!
//! Handing the lanes to everybody who spawns is a nuisance, so they become process-wide: made when
//! somebody first asks, and a lane's worker is started by the first task of that lane. What is
//! wrong now: a worker that no task has asked for cannot steal either.
//!
//! Book: chapter 3.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once, mpsc};
use std::thread;
use std::time::Duration;

use async_task::{Runnable, Task};
use flume::{Receiver, Sender};
use futures_lite::future;
use once_cell::sync::Lazy;

/// How long a worker sleeps when it found both lanes empty.
const NAP: Duration = Duration::from_millis(100);

/// The lane of a task.
#[derive(Clone, Copy)]
enum Priority {
    High,
    Low,
}

/// One lane: its queue, and whether its worker has been started.
struct Lane {
    name: &'static str,
    queue: (Sender<Runnable>, Receiver<Runnable>),
    worker: Once,
}

static HIGH: Lazy<Lane> = Lazy::new(|| Lane::new("high"));
static LOW: Lazy<Lane> = Lazy::new(|| Lane::new("low"));

/// How many workers have been started.
static WORKERS: AtomicUsize = AtomicUsize::new(0);

impl Lane {
    fn new(name: &'static str) -> Self {
        Self { name, queue: flume::unbounded(), worker: Once::new() }
    }

    fn of(priority: Priority) -> [&'static Self; 2] {
        match priority {
            Priority::High => [&HIGH, &LOW],
            Priority::Low => [&LOW, &HIGH],
        }
    }
}

/// Makes a task of `future` and queues it in its lane; the lane's first task starts its worker.
fn spawn<F>(future: F, priority: Priority) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let [home, other] = Lane::of(priority);
    home.worker.call_once(|| {
        WORKERS.fetch_add(1, Ordering::Relaxed);
        let worker = thread::Builder::new().name(home.name.to_owned());
        worker.spawn(move || work(home, other)).expect("the system starts a thread");
    });
    let schedule = move |runnable| home.queue.0.send(runnable).expect("a static queue stays open");
    let (runnable, task) = async_task::spawn(future, schedule);
    runnable.schedule();
    task
}

/// Spawns a future: `spawn_task!(future)` in lane Low, `spawn_task!(future, priority)` as asked.
macro_rules! spawn_task {
    ($future:expr $(,)?) => {
        spawn($future, Priority::Low)
    };
    ($future:expr, $priority:expr $(,)?) => {
        spawn($future, $priority)
    };
}

/// Serves the home lane first and the other lane second, for ever.
fn work(home: &Lane, other: &Lane) {
    loop {
        match home.queue.1.try_recv().or_else(|_| other.queue.1.try_recv()) {
            Ok(runnable) => {
                // A panic ends the task; the worker goes on.
                let _ = std::panic::catch_unwind(|| runnable.run());
            }
            Err(_) => thread::sleep(NAP),
        }
    }
}

fn main() {
    // A Low task that blocks its thread until ten later Low tasks have run, as in step 4.
    let (done, count) = mpsc::channel();
    let ran = Arc::new(AtomicUsize::new(0));
    let plug = spawn_task!(async move { count.iter().take(10).count() });
    for _ in 0..10 {
        let (done, ran) = (done.clone(), ran.clone());
        spawn_task!(async move { done.send(ran.fetch_add(1, Ordering::Relaxed)).is_ok() }).detach();
    }
    thread::sleep(2 * NAP); // Time enough for any worker that exists.
    let (workers, early) = (WORKERS.load(Ordering::Relaxed), ran.load(Ordering::Relaxed));
    println!("{workers} worker after 11 Low tasks, {early} of 10 ran: nobody is there to steal");
    assert_eq!((workers, early), (1, 0));

    let urgent = spawn_task!(async { "a High task" }, Priority::High);
    let (name, finished) = future::block_on(async { (urgent.await, plug.await) });
    let workers = WORKERS.load(Ordering::Relaxed);
    println!("{workers} workers after {name}, {finished} of 10 ran");
    assert_eq!((workers, finished), (2, 10));
}
