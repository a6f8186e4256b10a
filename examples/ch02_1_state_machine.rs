//! Chapter 2, step 1: an async function is a state machine.
//! Run: `cargo run --release --example ch02_1_state_machine`
//!
//! The same small program twice: as an `async` function, and as the machine that the compiler makes of
//! it, written by hand. Both are polled by hand and answer alike. Then what a future is: nothing
//! happens before it is polled, it is as large as what it keeps across an `.await`, and polling it costs
//! little more than a call. And what it is not: a loop that polls until it is done keeps a core busy.
//! Runs alone, since it measures.
//!
//! Book: chapter 2.

use std::cell::Cell;
use std::hint::black_box;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// A door that is opened at the second knock, and says how often it was knocked at.
#[derive(Debug, Default)]
struct Door {
    knocks: u32,
}

impl Future for Door {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        self.knocks += 1;
        if self.knocks < 2 { Poll::Pending } else { Poll::Ready(self.knocks) }
    }
}

/// Goes through two doors.
async fn visit(name: &str) -> String {
    let first = Door::default().await;
    let second = Door::default().await;
    format!("{name} knocked {} times", first + second)
}

/// The same by hand: one state for each place where it can wait, with what it needs to go on.
#[derive(Debug)]
enum Visit<'a> {
    Start { name: &'a str },
    AtFirst { name: &'a str, door: Door },
    AtSecond { name: &'a str, first: u32, door: Door },
    Done,
}

impl Future for Visit<'_> {
    type Output = String;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<String> {
        loop {
            *self = match &mut *self {
                Visit::Start { name } => Visit::AtFirst { name, door: Door::default() },
                Visit::AtFirst { name, door } => match Pin::new(door).poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(first) => Visit::AtSecond { name, first, door: Door::default() },
                },
                Visit::AtSecond { name, first, door } => match Pin::new(door).poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(second) => {
                        let text = format!("{name} knocked {} times", *first + second);
                        *self = Visit::Done;
                        return Poll::Ready(text);
                    }
                },
                Visit::Done => panic!("polled after it was done"),
            }
        }
    }
}

fn poll_three_times(future: impl Future<Output = String>) -> [Poll<String>; 3] {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    [0; 3].map(|_| future.as_mut().poll(&mut context))
}

/// Makes a future that counts when it runs, and drops it without a poll.
fn runs_without_a_poll() -> u32 {
    let runs = Cell::new(0);
    let count = async || runs.set(runs.get() + 1);
    drop(count());
    runs.get()
}

/// Keeps its buffer across the `.await`, so it is a part of the future.
async fn keeps() -> u8 {
    let buffer = [1_u8; 1024];
    Door::default().await;
    black_box(&buffer)[0]
}

/// Has done with its buffer before the `.await`.
async fn forgets() -> u8 {
    let byte = black_box(&[1_u8; 1024])[0];
    Door::default().await;
    byte
}

/// Ready once a thread has slept for a while. It tells nobody when that is.
struct Flag(Arc<AtomicBool>);

impl Flag {
    fn raised_after(time: Duration) -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        let theirs = flag.clone();
        thread::spawn(move || {
            thread::sleep(time);
            // Release: pairs with the Acquire load of `poll`.
            theirs.store(true, Ordering::Release);
        });
        Self(flag)
    }
}

impl Future for Flag {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        // Acquire: pairs with the Release store of the thread.
        if self.0.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Polls until the future is ready; returns its output and how many polls that took.
fn drive<F: Future>(future: F) -> (F::Output, u64) {
    let mut context = Context::from_waker(Waker::noop());
    let mut future = pin!(future);
    let mut polls = 0;
    loop {
        polls += 1;
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return (output, polls);
        }
    }
}

fn call(n: u64) -> u64 {
    black_box(n) + 1
}

async fn future(n: u64) -> u64 {
    black_box(n) + 1
}

/// What a million of something cost.
fn million(what: &str, mut once: impl FnMut(u64) -> u64) {
    let begun = Instant::now();
    let sum = (0..1_000_000).fold(0, |sum, n| sum ^ once(n));
    black_box(sum);
    println!("a million {what}: {:.2} ms", begun.elapsed().as_secs_f64() * 1e3);
}

fn main() {
    let (ours, theirs) = (Visit::Start { name: "ann" }, visit("ann"));
    let (by_hand, compiled) = (poll_three_times(ours), poll_three_times(theirs));
    println!("by hand:  {by_hand:?}");
    println!("compiled: {compiled:?}");
    println!("made and dropped without a poll, it ran {} times", runs_without_a_poll());

    let (kept, forgotten) = (mem::size_of_val(&keeps()), mem::size_of_val(&forgets()));
    println!("a buffer of 1024 bytes across an await: ~{kept} bytes, before it: ~{forgotten}");

    let ready = |future: Pin<&mut dyn Future<Output = u64>>| -> u64 {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => unreachable!("it has nothing to wait for"),
        }
    };
    million("calls", call);
    million("futures, polled where they are", |n| ready(pin!(future(n))));
    // What is behind a black box the compiler cannot see through, so it cannot make a call of it.
    million("polled through a pointer", |n| ready(black_box(pin!(future(n)))));
    million("each in a box of its own", |n| ready(black_box(Box::pin(future(n))).as_mut()));

    let ((), polls) = drive(Flag::raised_after(Duration::from_millis(20)));
    println!("to wait 20 ms in a loop took ~{polls} polls");

    assert_eq!(by_hand[2], Poll::Ready("ann knocked 4 times".to_owned()));
    assert_eq!(by_hand, compiled);
    assert_eq!(runs_without_a_poll(), 0);
    assert!(kept >= 1024 && forgotten < 64);
    assert!(polls > 1_000, "nothing else was done in that time");
}
