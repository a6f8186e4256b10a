//! Chapter 3, step 6: macros to join. Run: `cargo run --release --example ch03_6_join_macros`
//!
//! `join!` waits for several tasks and gives their results in the order of its arguments;
//! `try_join!` gives a `Result` each, so that a panic spoils only its own slot. What is wrong now:
//! both block the thread they are called on, all results have one type, and what the panic said
//! is lost.
//!
//! Book: chapter 3.

use std::any::Any;
use std::sync::{Once, mpsc};
use std::thread;
use std::time::Duration;

use async_task::{Runnable, Task};
use flume::{Receiver, Sender};
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

/// Blocks this thread until every task has ended; gives the results in the order of the arguments.
macro_rules! join {
    ($($task:expr),+ $(,)?) => {
        vec![$(futures_lite::future::block_on($task)),+]
    };
}

/// Like `join!`, with a `Result` per task: `Err` for one that panicked.
macro_rules! try_join {
    ($($task:expr),+ $(,)?) => {
        vec![$({
            let task = $task;
            let wait = move || futures_lite::future::block_on(task);
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(wait))
        }),+]
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

/// What a panic said, if it said it with a string.
fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("nothing")
}

fn main() {
    // The slow task cannot end before the fast one has.
    let (fast_ended, wait_for_fast) = mpsc::channel();
    let slow = spawn_task!(async move { (wait_for_fast.recv() == Ok("fast"), "slow") });
    let fast =
        spawn_task!(async move { (fast_ended.send("fast").is_ok(), "fast") }, Priority::High);
    let joined = join!(slow, fast);
    println!("the fast task ended first, and join! gave {joined:?}");
    assert_eq!(joined, [(true, "slow"), (true, "fast")]);

    let results = try_join!(
        spawn_task!(async { 1 }),
        spawn_task!(async { panic!("the disk is full") }),
        spawn_task!(async { 3 }, Priority::High),
    );
    for result in &results {
        match result {
            Ok(value) => println!("Ok({value})"),
            Err(payload) => println!("Err, which says: {:?}", message(payload.as_ref())),
        }
    }
    assert_eq!(results.iter().filter_map(|result| result.as_ref().ok()).sum::<u32>(), 4);
    let lost = results[1].as_ref().err().map(|payload| message(payload.as_ref()));
    assert_ne!(lost, Some("the disk is full"), "the message of the panic is lost");
}
