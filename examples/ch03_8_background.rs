//! Chapter 3, step 8: a background process. Run: `cargo run --release --example ch03_8_background`
//!
//! A process that does something every so often, for as long as the program lives: a future that is
//! never ready. It ends when its `Task` is dropped, and goes on when that is detached. What is wrong
//! now: it waits by sleeping inside `poll`, which holds a worker all the time.
//!
//! Book: chapter 3.

use std::pin::Pin;
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use async_task::{Runnable, Task};
use flume::{Receiver, Sender};
use once_cell::sync::OnceCell;

/// How long a worker sleeps when it found both lanes empty.
const NAP: Duration = Duration::from_millis(100);

/// The lane of a task.
#[derive(Clone, Copy)]
pub(crate) enum Priority {
    High,
    Low,
}

/// The lanes of the process, set by `Builder::run` or by the first spawn, whichever comes first.
static LANES: OnceCell<Lanes> = OnceCell::new();

/// Where tasks are queued.
struct Lanes {
    high: Sender<Runnable>,
    low: Sender<Runnable>,
}

/// How many workers serve each lane.
pub(crate) struct Builder {
    high: usize,
    low: usize,
}

/// Why a runtime did not start.
#[derive(Debug, PartialEq)]
pub(crate) enum BuildError {
    NoWorkers,
    AlreadyRunning,
}

impl Builder {
    /// One High worker for four cores, and the other cores' workers Low; at least one of each.
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let high = (cores / 4).max(1);
        Self { high, low: cores.saturating_sub(high).max(1) }
    }

    pub(crate) fn with_high_num(self, high: usize) -> Self {
        Self { high, ..self }
    }

    pub(crate) fn with_low_num(self, low: usize) -> Self {
        Self { low, ..self }
    }

    /// Starts the runtime of the process and returns when all workers are up.
    pub(crate) fn run(self) -> Result<(), BuildError> {
        if self.high + self.low == 0 {
            return Err(BuildError::NoWorkers);
        }
        let mut ours = false;
        LANES.get_or_init(|| {
            ours = true;
            self.start()
        });
        if ours { Ok(()) } else { Err(BuildError::AlreadyRunning) }
    }

    fn start(&self) -> Lanes {
        let (high, high_inbox) = flume::unbounded();
        let (low, low_inbox) = flume::unbounded();
        let all_up = Arc::new(Barrier::new(self.high + self.low + 1));
        let start = |name: String, home: &Receiver<Runnable>, other: &Receiver<Runnable>| {
            let (home, other, all_up) = (home.clone(), other.clone(), all_up.clone());
            let worker = thread::Builder::new().name(name).spawn(move || {
                all_up.wait();
                work(&home, &other);
            });
            worker.expect("the system starts a thread");
        };
        (0..self.high).for_each(|i| start(format!("high-{i}"), &high_inbox, &low_inbox));
        (0..self.low).for_each(|i| start(format!("low-{i}"), &low_inbox, &high_inbox));
        all_up.wait();
        Lanes { high, low }
    }
}

/// Makes a task of `future` and queues it in its lane; without a runtime it starts a default one.
pub(crate) fn spawn<F>(future: F, priority: Priority) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let lanes = LANES.get_or_init(|| Builder::new().start());
    let queue = match priority {
        Priority::High => &lanes.high,
        Priority::Low => &lanes.low,
    };
    let schedule = move |runnable| queue.send(runnable).expect("a static queue stays open");
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

/// Serves the home lane first and the other lane second, for ever.
fn work(home: &Receiver<Runnable>, other: &Receiver<Runnable>) {
    loop {
        match home.try_recv().or_else(|_| other.try_recv()) {
            Ok(runnable) => {
                // A panic ends the task; the worker goes on.
                let _ = std::panic::catch_unwind(|| runnable.run());
            }
            Err(_) => thread::sleep(NAP),
        }
    }
}

/// A background process: beats every `interval`, for ever, or until nobody listens.
struct Heartbeat {
    interval: Duration,
    /// Receives for each beat how long that poll held its worker.
    beats: mpsc::Sender<Duration>,
}

impl Future for Heartbeat {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let begun = Instant::now();
        thread::sleep(self.interval);
        if self.beats.send(begun.elapsed()).is_err() {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref(); // Sleep again as soon as it is our turn.
        Poll::Pending
    }
}

fn main() {
    let started = Builder::new().with_high_num(1).with_low_num(1).run();
    assert_eq!(started, Ok(()));
    let interval = Duration::from_millis(10);

    // Dropping a task cancels it: the future is dropped, and with it the sender of the beats.
    let (beats, heard) = mpsc::channel();
    let heartbeat = spawn_task!(Heartbeat { interval, beats });
    let three = heard.iter().take(3).count();
    drop(heartbeat);
    let rest = heard.iter().count();
    println!("heard {three} beats, dropped the task, and the channel closed");
    assert!(three == 3 && rest < 100, "a dropped task beats no more");

    // Detached, it lives as long as the process. Other tasks run beside it, on the other worker.
    let (beats, heard) = mpsc::channel();
    let begun = Instant::now();
    spawn_task!(Heartbeat { interval, beats }).detach();
    let results = join!(
        spawn_task!(async { 1 }),
        spawn_task!(async { 2 }, Priority::High),
        spawn_task!(async { 3 }),
    );
    println!("beside the detached one, three tasks gave {results:?}");
    assert_eq!(results, [1, 2, 3]);

    let held: Duration = heard.iter().take(50).sum();
    let share = held.as_secs_f64() / begun.elapsed().as_secs_f64();
    println!("of that time, ~{:.0} % of one worker went into waiting", share * 100.0);
    assert!(share > 0.5, "a poll that sleeps holds its worker");
}
