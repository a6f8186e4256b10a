//! Chapter 13, step 1: a lost wake-up. Run: `cargo run --release --example ch13_1_lost_wakeup`
//!
//! One worker, one pusher, and a script that stops the worker at one place until the push is over, so
//! that an order that comes once in a million comes every time.
//!
//! Book: chapter 13.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread::{self, Thread};

/// What a push and a worker share.
struct Pool {
    queue: Mutex<VecDeque<Task>>,
    asleep: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Hello,
    Stop,
}

impl Pool {
    fn new() -> Arc<Self> {
        Arc::new(Self { queue: Mutex::default(), asleep: AtomicBool::new(false) })
    }

    fn look(&self) -> Option<Task> {
        self.queue.lock().expect("nobody panics with it").pop_front()
    }

    fn waiting(&self) -> usize {
        self.queue.lock().expect("nobody panics with it").len()
    }

    /// Queues a task, and wakes the worker if it sleeps.
    fn push(&self, task: Task, worker: &Thread) {
        self.queue.lock().expect("nobody panics with it").push_back(task);
        if self.asleep.swap(false, Ordering::SeqCst) {
            worker.unpark();
        }
    }

    /// Sleeps until a push says otherwise.
    fn sleep(&self, script: &Script) {
        while self.asleep.load(Ordering::SeqCst) {
            script.reached(Place::Asleep);
            thread::park();
        }
    }
}

/// How a worker falls asleep that has looked into the queue and found nothing.
type FallAsleep = fn(&Pool, &Script);

fn naive(pool: &Pool, script: &Script) {
    script.reached(Place::BeforeAnnouncing);
    pool.asleep.store(true, Ordering::SeqCst);
    pool.sleep(script);
}

fn careful(pool: &Pool, script: &Script) {
    script.reached(Place::BeforeAnnouncing);
    pool.asleep.store(true, Ordering::SeqCst);
    script.reached(Place::Announced);
    if pool.waiting() > 0 {
        pool.asleep.store(false, Ordering::SeqCst);
    }
    script.reached(Place::LookedAgain);
    pool.sleep(script);
}

fn worker(pool: &Pool, script: &Script, fall_asleep: FallAsleep) {
    loop {
        match pool.look() {
            Some(Task::Stop) => return,
            Some(Task::Hello) => script.tell(Event::Ran),
            None => fall_asleep(pool, script),
        }
    }
}

/// Where a worker can be when a push comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    BeforeAnnouncing,
    Announced,
    LookedAgain,
    Asleep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    At(Place),
    Ran,
}

/// Tells where the worker is, and holds it up when it first comes to one place.
struct Script {
    hold_at: Place,
    was_held: Cell<bool>,
    /// Not a channel: its `recv` sleeps by `thread::park` too, and might use up the `unpark` that
    /// is meant for the worker.
    go_on: Arc<Barrier>,
    events: mpsc::Sender<Event>,
}

impl Script {
    fn reached(&self, place: Place) {
        self.tell(Event::At(place));
        if place == self.hold_at && !self.was_held.replace(true) {
            self.go_on.wait();
        }
    }

    fn tell(&self, event: Event) {
        self.events.send(event).expect("main listens to the end");
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Ran,
    SleptOver { tasks: usize },
}

/// Pushes a task at the moment when the worker is at `place`: what becomes of it?
fn push_at(place: Place, fall_asleep: FallAsleep) -> Outcome {
    let pool = Pool::new();
    let go_on = Arc::new(Barrier::new(2));
    let (events, told) = mpsc::channel();
    let script =
        Script { hold_at: place, was_held: Cell::new(false), go_on: go_on.clone(), events };
    let shared = pool.clone();
    let thread = thread::spawn(move || worker(&shared, &script, fall_asleep));

    wait_for(Event::At(place), &told);
    pool.push(Task::Hello, thread.thread());
    go_on.wait();
    // Either the task runs, or the worker says that it falls asleep although the push is over.
    let outcome = match told.iter().find(|e| matches!(e, Event::Ran | Event::At(Place::Asleep))) {
        Some(Event::Ran) => Outcome::Ran,
        _ => Outcome::SleptOver { tasks: pool.waiting() },
    };
    // The next push finds the worker asleep and announced: it wakes it for both.
    pool.push(Task::Stop, thread.thread());
    if outcome != Outcome::Ran {
        wait_for(Event::Ran, &told);
    }
    thread.join().expect("the worker ends");
    outcome
}

fn wait_for(event: Event, told: &mpsc::Receiver<Event>) {
    assert!(told.iter().any(|other| other == event), "the worker comes to {event:?}");
}

fn main() {
    println!("naive: look, announce, sleep");
    assert_eq!(push_at(Place::Asleep, naive), Outcome::Ran);
    println!("  a push while it sleeps: the task ran");
    let lost = push_at(Place::BeforeAnnouncing, naive);
    assert_eq!(lost, Outcome::SleptOver { tasks: 1 });
    println!("  a push between look and announcement: {lost:?}");
    println!("    until somebody pushed another one: then both ran");

    println!("careful: announce, look again, sleep");
    for place in [Place::BeforeAnnouncing, Place::Announced, Place::LookedAgain, Place::Asleep] {
        assert_eq!(push_at(place, careful), Outcome::Ran);
        println!("  a push at {place:?}: the task ran");
    }
}
