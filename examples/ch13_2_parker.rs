//! Chapter 13, step 2: a parker. Run: `cargo run --release --example ch13_2_parker`
//!
//! What `thread::park` did in step 1: a bell that nobody hears unless he is waiting already, and the
//! same with one bit of memory.
//!
//! Book: chapter 13.

use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;

/// What a worker sleeps on.
trait Sleeping: Default + Send + Sync + 'static {
    /// Sleeps until it is woken. Calls `falls_asleep` at the last moment before.
    fn park(&self, falls_asleep: impl FnOnce());
    /// Wakes whoever sleeps here.
    fn unpark(&self);
}

/// A condition variable and nothing else.
#[derive(Default)]
struct Bell {
    lock: Mutex<()>,
    rings: Condvar,
}

impl Sleeping for Bell {
    fn park(&self, falls_asleep: impl FnOnce()) {
        let guard = self.lock.lock().expect("nobody panics with it");
        falls_asleep();
        drop(self.rings.wait(guard));
    }

    fn unpark(&self) {
        // With the lock: it comes before the sleeper takes the lock, or after it waits.
        let _guard = self.lock.lock().expect("nobody panics with it");
        self.rings.notify_one();
    }
}

/// A bell that remembers one ring.
#[derive(Default)]
struct Parker {
    notified: Mutex<bool>,
    rings: Condvar,
}

impl Sleeping for Parker {
    fn park(&self, falls_asleep: impl FnOnce()) {
        let mut notified = self.notified.lock().expect("nobody panics with it");
        if !*notified {
            falls_asleep();
        }
        while !*notified {
            notified = self.rings.wait(notified).expect("nobody panics with it");
        }
        *notified = false;
    }

    fn unpark(&self) {
        *self.notified.lock().expect("nobody panics with it") = true;
        self.rings.notify_one();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    FallsAsleep,
    IsUp,
}

/// Unparks a worker `early` times before it parks. Does it sleep all the same, and how often?
fn sleeps_in_two_parks<S: Sleeping>(early: usize) -> usize {
    let bed = Arc::new(S::default());
    for _ in 0..early {
        bed.unpark();
    }
    let (events, told) = mpsc::channel();
    let sleeper = {
        let bed = bed.clone();
        thread::spawn(move || {
            for _ in 0..2 {
                bed.park(|| events.send(Event::FallsAsleep).expect("main listens"));
                events.send(Event::IsUp).expect("main listens");
            }
        })
    };
    let mut sleeps = 0;
    for event in told {
        if event == Event::FallsAsleep {
            sleeps += 1;
            bed.unpark();
        }
    }
    sleeper.join().expect("the sleeper ends");
    sleeps
}

/// Two threads take turns, each asleep while the other one is at work.
fn there_and_back(times: usize) -> usize {
    let sides = Arc::new((Parker::default(), Parker::default()));
    let other = {
        let sides = sides.clone();
        thread::spawn(move || {
            for _ in 0..times {
                sides.1.park(|| {});
                sides.0.unpark();
            }
        })
    };
    let mut answered = 0;
    for _ in 0..times {
        sides.1.unpark();
        sides.0.park(|| {});
        answered += 1;
    }
    other.join().expect("the other side ends");
    answered
}

fn main() {
    println!("of two parks, how many slept?");
    for early in 0..3 {
        let (bell, parker) =
            (sleeps_in_two_parks::<Bell>(early), sleeps_in_two_parks::<Parker>(early));
        println!("  {early} rings before: bell {bell}, parker {parker}");
        assert_eq!((bell, parker), (2, 2 - early.min(1)));
    }
    let answered = there_and_back(10_000);
    assert_eq!(answered, 10_000);
    println!("there and back {answered} times, and nobody overslept");
}
