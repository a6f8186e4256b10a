//! Chapter 2, step 4: taking turns. Run: `cargo run --release --example ch02_4_counter_future`
//!
//! A future that counts to three, one step a poll, and wakes itself before it says `Pending`. Two of them
//! are tasks on one worker and alternate: who wakes itself goes behind the others. They never wait for
//! anything, and they still let others have their turn, which is what `yield_now` is. Then a task
//! that forgets to wake anybody: it is polled once, costs nothing, and stays until it is dropped.
//!
//! Book: chapter 2.

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use waterwheel::{Priority, Runtime, join, time, yield_now};

/// Counts to three, one step per poll.
struct CounterFuture {
    count: u32,
    /// Everybody's steps, in the order in which they were made.
    steps: Arc<Mutex<Vec<u32>>>,
}

impl Future for CounterFuture {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        self.count += 1;
        let count = self.count;
        self.steps.lock().expect("nobody panics with the lock held").push(count);
        if count == 3 {
            return Poll::Ready(count);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Answers `Pending` and keeps no waker. Counts its polls, and says when it is dropped.
struct Forgetful {
    polls: Arc<AtomicU32>,
    _held: Arc<()>,
}

impl Future for Forgetful {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        Poll::Pending
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::builder().with_high_num(0).with_low_num(1).build()?;
    let handle = runtime.handle();

    // The only worker is held at the gate until both counters are in the queue.
    let gate = Arc::new(Barrier::new(2));
    let theirs = gate.clone();
    let keeper = handle.spawn(async move {
        theirs.wait();
    });
    let steps = Arc::new(Mutex::new(Vec::new()));
    let counter = || handle.spawn(CounterFuture { count: 0, steps: steps.clone() });
    let (north, south) = (counter(), counter());
    gate.wait();
    let (counted, ()) = runtime.block_on(async { (join!(north, south), keeper.await) });
    let steps = steps.lock().expect("nobody panics with the lock held").clone();
    println!("they counted to {counted:?}, step by step {steps:?}");

    // The same with what the runtime offers, and without a task of their own.
    let turns = Mutex::new(Vec::new());
    let count = async |name: char| {
        for step in 1..=3 {
            turns.lock().expect("nobody panics with the lock held").push(format!("{name}{step}"));
            yield_now().await;
        }
    };
    runtime.block_on(async { join!(count('a'), count('b')) });
    println!("joined and yielding: {}", turns.into_inner()?.join(" "));

    let (polls, held) = (Arc::new(AtomicU32::new(0)), Arc::new(()));
    let forgetful = handle.spawn(Forgetful { polls: polls.clone(), _held: held.clone() });
    let before = runtime.metrics().lane(Priority::Low).polls;
    let mut forgetful = Box::pin(forgetful.outcome());
    let waited = runtime.block_on(async {
        time::timeout(Duration::from_millis(50), forgetful.as_mut()).await.is_err()
    });
    let after = runtime.metrics().lane(Priority::Low).polls;
    println!("waited in vain: {waited}, polled {} time", polls.load(Ordering::Relaxed));
    println!("it still holds what it was given: {}", Arc::strong_count(&held) == 2);
    drop(forgetful); // To drop the handle is to cancel the task.
    while Arc::strong_count(&held) > 1 {
        runtime.block_on(handle.spawn(async {})); // The worker gets to it.
    }
    println!("the handle was dropped, and then so was the future");

    assert_eq!((counted, steps), ((3, 3), vec![1, 1, 2, 2, 3, 3]));
    assert!(waited && polls.load(Ordering::Relaxed) == 1 && after - before <= 1, "no spinning");
    Ok(())
}
