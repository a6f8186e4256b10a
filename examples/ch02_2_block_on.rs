//! Chapter 2, step 2: block_on. Run: `cargo run --release --example ch02_2_block_on`
//!
//! The loop of step 1 asks again and again. A waker turns that around: the future keeps it, and whoever
//! raises the flag calls it. Between two polls the thread sleeps. Waking is not the same as polling: a
//! thread that is woken before it sleeps does not sleep, and one that is woken for no reason asks once
//! too often, which is harmless. What is not harmless is a future that answers `Pending` and keeps
//! no waker: it is polled once, and never again.
//!
//! Book: chapter 2.

use std::future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use waterwheel::time;

/// What the future and the thread that raises the flag share.
#[derive(Debug, Default)]
struct Shared {
    raised: bool,
    waker: Option<Waker>,
}

/// Ready once a thread has slept for a while.
struct Flag(Arc<Mutex<Shared>>);

impl Flag {
    fn raised_after(time: Duration) -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let theirs = shared.clone();
        thread::spawn(move || {
            thread::sleep(time);
            let mut shared = theirs.lock().expect("nobody panics with the lock held");
            shared.raised = true;
            let waker = shared.waker.take();
            drop(shared);
            // Woken with the lock free: the waker may poll at once, and poll takes the lock.
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        Self(shared)
    }
}

impl Future for Flag {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.0.lock().expect("nobody panics with the lock held");
        if shared.raised {
            return Poll::Ready(());
        }
        // Under the same lock: the flag cannot be raised between the look and this.
        shared.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Wakes by letting a thread go on.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls until the future is ready; returns its output and how many polls that took.
fn drive<F: Future>(future: F) -> (F::Output, u64) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let mut polls = 0;
    loop {
        polls += 1;
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return (output, polls);
        }
        thread::park(); // Until somebody wakes. A wake that came already is not forgotten.
    }
}

/// Answers `Pending` and keeps no waker. Counts how often it is asked.
struct Forgetful<'a>(&'a AtomicU64);

impl Future for Forgetful<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Poll::Pending
    }
}

fn main() {
    let limit = Duration::from_millis(20);
    let begun = Instant::now();
    let ((), polls) = drive(Flag::raised_after(limit));
    let waited = begun.elapsed();
    println!("to wait 20 ms with a waker took ~{polls} polls");

    let (value, ready) = drive(future::ready("at once"));
    println!("what is ready takes {ready} poll: {value}");

    let asked = AtomicU64::new(0);
    let forgotten = async { time::timeout(limit, Forgetful(&asked)).await };
    let outcome = waterwheel::block_on(forgotten);
    let asked = asked.into_inner();
    println!(
        "without a waker: {outcome:?}, asked {asked} times, by its sleeper and its alarm clock"
    );

    // A thread may be unparked without a reason, so it can be a few more than two.
    assert!(waited >= limit && polls < 10, "it slept");
    assert!(outcome.is_err() && asked == 2, "nobody asks for what nobody announced");
}
