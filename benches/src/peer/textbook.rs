//! The textbook runtime: the shape in which books build a first runtime, as a measured starting line.
//!
//! Two unbounded flume channels, High and Low, in a static; a task is an `async-task` cell that schedules itself by
//! sending itself into its channel; a worker looks into its own channel, then into the other one, and runs what it finds.
//! What a worker does when both are empty is where the two forms differ: one sleeps for 100 ms, the other one blocks in
//! `recv` on its own channel (and so no longer sees the other). A sleeping task asks the clock whenever it is polled and
//! wakes itself at once. Sockets are left out: they would be polled the same way, a worker each.
//!
//! Written in our own words after the two-queue runtime of *Async Rust* (M. Flitton, C. Morton; O'Reilly, 2024), chapter
//! 3. Ours differs where the lesson could not be measured: worker counts are arguments, all workers are up at the start,
//! and both forms stand in one file.
//!
//! Book: chapter 3

use super::{Layout, Peer, Sleeps};
use async_task::{Runnable, Task};
use flume::{Receiver, Sender};
use futures_lite::future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

/// The lesson's pause of a worker that finds nothing.
const PAUSE: Duration = Duration::from_millis(100);

static QUEUES: OnceLock<Queues> = OnceLock::new();

#[derive(Debug)]
struct Queues {
    high: (Sender<Runnable>, Receiver<Runnable>),
    low: (Sender<Runnable>, Receiver<Runnable>),
}

/// The runtime; `PAUSES` says what an idle worker does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Textbook<const PAUSES: bool>;

/// The form whose idle workers sleep for 100 ms.
pub(crate) type TextbookSleep = Textbook<true>;

/// The form whose idle workers block on their own queue.
pub(crate) type TextbookRecv = Textbook<false>;

fn queues() -> &'static Queues {
    QUEUES.get_or_init(|| Queues { high: flume::unbounded(), low: flume::unbounded() })
}

fn work<const PAUSES: bool>(own: &Receiver<Runnable>, other: &Receiver<Runnable>) {
    loop {
        let found = own.try_recv().or_else(|_| other.try_recv()).ok();
        if let Some(runnable) = found.or_else(|| idle::<PAUSES>(own)) {
            // The lesson drops the payload too; no workload panics.
            drop(catch_unwind(AssertUnwindSafe(|| runnable.run())));
        }
    }
}

fn idle<const PAUSES: bool>(own: &Receiver<Runnable>) -> Option<Runnable> {
    if PAUSES {
        thread::sleep(PAUSE);
        None
    } else {
        own.recv().ok()
    }
}

fn spawn_low<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let schedule = |runnable| drop(queues().low.0.send(runnable));
    let (runnable, task) = async_task::spawn(future, schedule);
    runnable.schedule();
    task
}

fn spawn_high<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let schedule = |runnable| drop(queues().high.0.send(runnable));
    let (runnable, task) = async_task::spawn(future, schedule);
    runnable.schedule();
    task
}

/// Asks the clock at every poll, and wakes itself until it is time.
#[derive(Debug)]
struct BusySleep {
    due: Instant,
}

impl Future for BusySleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.due {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<const PAUSES: bool> Peer for Textbook<PAUSES> {
    type Task<T: Send + 'static> = Task<T>;

    fn start(layout: Layout) -> Self {
        let Queues { high: (_, high), low: (_, low) } = queues();
        for _ in 0..layout.high {
            thread::spawn(|| work::<PAUSES>(high, low));
        }
        for _ in 0..layout.low {
            thread::spawn(|| work::<PAUSES>(low, high));
        }
        Self
    }

    fn block_on<F: Future>(self, future: F) -> F::Output {
        future::block_on(future)
    }

    fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        spawn_low(future)
    }

    fn spawn_high<F>(self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        spawn_high(future)
    }

    fn detach<T: Send + 'static>(task: Task<T>) {
        task.detach();
    }
}

impl<const PAUSES: bool> Sleeps for Textbook<PAUSES> {
    fn sleep(self, duration: Duration) -> impl Future<Output = ()> + Send {
        BusySleep { due: Instant::now() + duration }
    }
}
