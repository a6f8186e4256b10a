//! Chapter 3, step 1: one queue, one worker. Run: `cargo run --release --example ch03_1_one_queue`
//!
//! A spawned future becomes a task, and a task that wants to be polled lies in a queue. One thread,
//! the worker, takes from the front, polls once, and a task that woke itself is at the back again.
//! The two counters therefore alternate. The program ends with what is wrong: `asker` blocks the
//! only thread, so the message it waits for cannot be sent by anybody.
//!
//! Book: chapter 3.

use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use async_task::{Runnable, Task};
use flume::{Receiver, Sender};
use futures_lite::future;

/// Makes a task of `future` and queues it for its first poll.
fn spawn<F>(queue: &Sender<Runnable>, future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let queue = queue.clone();
    let schedule = move |runnable| queue.send(runnable).expect("the worker outlives its tasks");
    let (runnable, task) = async_task::spawn(future, schedule);
    runnable.schedule();
    task
}

/// Polls what is queued until nobody can queue anything more; returns how many polls that were.
fn work(queue: &Receiver<Runnable>) -> usize {
    let mut polls = 0;
    while let Ok(runnable) = queue.recv() {
        runnable.run();
        polls += 1;
    }
    polls
}

/// Counts to three, one step per poll.
struct Counter {
    name: &'static str,
    count: u32,
}

impl Future for Counter {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        self.count += 1;
        println!("{} counts {}", self.name, self.count);
        if self.count == 3 {
            return Poll::Ready(self.count);
        }
        context.waker().wake_by_ref(); // "Poll me again": the task goes to the back of the queue.
        Poll::Pending
    }
}

fn main() {
    let (queue, inbox) = flume::unbounded();
    let (tell, told) = mpsc::channel();

    let north = spawn(&queue, Counter { name: "north", count: 0 });
    let south = spawn(&queue, Counter { name: "south", count: 0 });
    let asker = spawn(&queue, async move {
        println!("asker blocks its thread, at most 100 ms");
        told.recv_timeout(Duration::from_millis(100)).is_ok()
    });
    let teller = spawn(&queue, async move {
        println!("teller has its first turn");
        tell.send(()).is_ok()
    });
    drop(queue); // From here on only tasks can queue anything.

    let worker = thread::spawn(move || work(&inbox));
    let counted = future::block_on(async { north.await + south.await });
    let answered = future::block_on(asker);
    future::block_on(teller);
    let polls = worker.join().expect("the worker does not panic");

    println!("the counters counted to {counted}; was the asker answered? {answered}");
    println!("the worker polled {polls} times: 3 + 3 + 1 + 1");
    assert_eq!((counted, polls), (6, 8));
    assert!(!answered, "the only worker was blocked by the asker itself");
}
