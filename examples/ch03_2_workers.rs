//! Chapter 3, step 2: several workers. Run: `cargo run --release --example ch03_2_workers`
//!
//! A flume receiver can be cloned, so any number of threads can take from one queue. One blocked
//! worker no longer stops the others, and a panic no longer takes its worker along. What is wrong
//! now: the queue knows only one order, and what is urgent stands behind a thousand that are not.
//!
//! Book: chapter 3.

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

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
    let schedule = move |runnable| queue.send(runnable).expect("the workers outlive their tasks");
    let (runnable, task) = async_task::spawn(future, schedule);
    runnable.schedule();
    task
}

/// Polls what is queued until nobody can queue anything more; returns how many polls that were.
fn work(queue: &Receiver<Runnable>) -> usize {
    let mut polls = 0;
    while let Ok(runnable) = queue.recv() {
        // A panic ends the task; the worker goes on.
        let _ = panic::catch_unwind(|| runnable.run());
        polls += 1;
    }
    polls
}

/// Starts `count` workers that share one queue.
fn start(queue: &Receiver<Runnable>, count: usize) -> Vec<JoinHandle<usize>> {
    let worker = |_| {
        let queue = queue.clone();
        thread::spawn(move || work(&queue))
    };
    (0..count).map(worker).collect()
}

/// The asker and the teller of step 1: the asker gets its answer now, without a time limit.
fn ask_and_tell(queue: &Sender<Runnable>) -> bool {
    let (tell, told) = mpsc::channel();
    let asker = spawn(queue, async move { told.recv().is_ok() });
    let teller = spawn(queue, async move { tell.send(()).is_ok() });
    future::block_on(async { asker.await && teller.await })
}

/// Where in the queue an urgent task ends up: how many tasks are polled before it.
fn urgent_behind(ordinary: usize) -> usize {
    let (queue, inbox) = flume::unbounded();
    let polled = Arc::new(AtomicUsize::new(0));
    let count = |polled: Arc<AtomicUsize>| async move { polled.fetch_add(1, Ordering::Relaxed) };
    for _ in 0..ordinary {
        spawn(&queue, count(polled.clone())).detach();
    }
    let urgent = spawn(&queue, count(polled));
    drop(queue);
    let workers = start(&inbox, 1);
    let before = future::block_on(urgent);
    join_all(workers);
    before
}

fn join_all(workers: Vec<JoinHandle<usize>>) -> usize {
    workers.into_iter().map(|worker| worker.join().expect("a worker does not panic")).sum()
}

fn main() {
    let (queue, inbox) = flume::unbounded();
    let workers = start(&inbox, 2);

    let answered = ask_and_tell(&queue);
    println!("two workers: was the asker answered? {answered}");
    assert!(answered, "the second worker ran the teller");

    for _ in 0..3 {
        spawn(&queue, async { panic!("a task breaks, its worker does not") }).detach();
    }
    let sound: Vec<Task<u32>> = (0..100).map(|i| spawn(&queue, async move { i })).collect();
    let sum: u32 = future::block_on(async {
        let mut sum = 0;
        for task in sound {
            sum += task.await;
        }
        sum
    });
    drop(queue);
    let polls = join_all(workers);
    println!("after 3 panics, 100 more tasks added up to {sum}; {polls} polls in all");
    assert_eq!((sum, polls), (4950, 105));

    let before = urgent_behind(1000);
    println!("an urgent task was polled after {before} ordinary ones");
    assert_eq!(before, 1000);
}
