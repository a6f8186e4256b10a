//! Chapter 3, step 7: a builder. Run: `cargo run --release --example ch03_7_builder`
//!
//! How many workers a lane has is a setting, and `run` returns when all of them are up: stealing
//! works from the first task. A setting that cannot work is an error. What is wrong now: there is
//! one runtime for the whole process, it is configured once, and it never stops.
//!
//! Book: chapter 3.

use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use async_task::{Runnable, Task};
use flume::{Receiver, Sender};
use once_cell::sync::OnceCell;

/// How long a worker sleeps when it found both lanes empty.
const NAP: Duration = Duration::from_millis(100);

/// The lane of a task.
#[derive(Clone, Copy)]
enum Priority {
    High,
    Low,
}

/// The lanes of the process, set by `Builder::run` or by the first spawn, whichever comes first.
static LANES: OnceCell<Lanes> = OnceCell::new();

/// Where tasks are queued, and who serves them.
struct Lanes {
    high: Sender<Runnable>,
    low: Sender<Runnable>,
    workers: Vec<String>,
}

/// How many workers serve each lane.
struct Builder {
    high: usize,
    low: usize,
}

/// Why a runtime did not start.
#[derive(Debug, PartialEq)]
enum BuildError {
    NoWorkers,
    AlreadyRunning,
}

impl Builder {
    /// One High worker for four cores, and the other cores' workers Low; at least one of each.
    fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let high = (cores / 4).max(1);
        Self { high, low: cores.saturating_sub(high).max(1) }
    }

    fn with_high_num(self, high: usize) -> Self {
        Self { high, ..self }
    }

    fn with_low_num(self, low: usize) -> Self {
        Self { low, ..self }
    }

    /// Starts the runtime of the process and returns when all workers are up.
    fn run(self) -> Result<(), BuildError> {
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
            let worker = thread::Builder::new().name(name.clone()).spawn(move || {
                all_up.wait();
                work(&home, &other);
            });
            worker.expect("the system starts a thread");
            name
        };
        let of_high = (0..self.high).map(|i| start(format!("high-{i}"), &high_inbox, &low_inbox));
        let of_low = (0..self.low).map(|i| start(format!("low-{i}"), &low_inbox, &high_inbox));
        let workers = of_high.chain(of_low).collect();
        all_up.wait();
        Lanes { high, low, workers }
    }
}

/// Makes a task of `future` and queues it in its lane; without a runtime it starts a default one.
fn spawn<F>(future: F, priority: Priority) -> Task<F::Output>
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

fn main() {
    let nobody = Builder::new().with_high_num(0).with_low_num(0).run();
    println!("no workers at all: {nobody:?}");
    assert_eq!(nobody, Err(BuildError::NoWorkers));

    let first = Builder::new().with_high_num(1).with_low_num(2).run();
    let second = Builder::new().with_high_num(9).run();
    println!("first run: {first:?}, second run: {second:?}");
    assert_eq!((first, second), (Ok(()), Err(BuildError::AlreadyRunning)));

    let workers = LANES.get().map(|lanes| lanes.workers.as_slice()).unwrap_or_default();
    println!("workers: {workers:?}");
    assert_eq!(workers, ["high-0", "low-0", "low-1"]);

    // Two Low tasks that block their threads until ten later Low tasks have run: the High worker is
    // up and steals, although no High task has ever been spawned.
    let (plugs, dones): (Vec<_>, Vec<_>) = (0..2)
        .map(|_| {
            let (done, count) = mpsc::channel();
            (spawn_task!(async move { count.iter().take(10).count() }), done)
        })
        .unzip();
    for _ in 0..10 {
        let dones = dones.clone();
        spawn_task!(async move { dones.iter().all(|done| done.send(()).is_ok()) }).detach();
    }
    let finished: usize = plugs.into_iter().map(|plug| join!(plug)[0]).sum();
    println!("two workers were blocked, the third ran all of the rest: {finished} reports");
    assert_eq!(finished, 20);

    let urgent = spawn_task!(async { "a High task runs as well" }, Priority::High);
    println!("{}", join!(urgent)[0]);
}
