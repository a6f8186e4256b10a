//! Chapter 3, step 9: what was wrong.
//! Run: `cargo run --release --example ch03_9_what_was_wrong`
//!
//! The runtime of step 8, included as it stands, beside Waterwheel: the same questions to both, one
//! High and one Low worker each. Runs alone, since it measures. Waterwheel comes first, because it
//! can be shut down; the other one never goes away.
//!
//! Book: chapter 3.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Barrier, mpsc};
use std::time::{Duration, Instant};
use std::{fs, thread};

use futures_lite::future;
use waterwheel::{Runtime, TaskError};

#[macro_use]
#[path = "ch03_8_background.rs"]
#[expect(dead_code, reason = "its `main` and its heartbeat are not run here")]
mod eight_steps;

/// What a runtime answered.
#[derive(Debug)]
struct Answers {
    /// From spawn to first poll on idle workers, the median of some.
    wait: Duration,
    /// How often its threads woke up in half a second without work.
    wakes: u64,
    /// What a panic in a task said to whoever waits for the task.
    panic: String,
    /// Whether as many tasks as there are workers can each wait for a task of their own.
    nested: bool,
    /// What came of a second runtime with other settings.
    second: String,
}

/// How many tasks the median of the waits is taken of.
const ROUNDS: usize = 11;
/// How long the workers have nothing to do before each of them.
const PAUSE: Duration = Duration::from_millis(30);
/// How long both are watched doing nothing.
const IDLE: Duration = Duration::from_millis(500);
/// How long the tasks that wait for each other get: far more than they need.
const PATIENCE: Duration = Duration::from_millis(500);

fn ask_waterwheel() -> Answers {
    let runtime = Runtime::builder().with_high_num(1).with_low_num(1).build();
    let runtime = runtime.expect("two workers can be started");
    let handle = runtime.handle();

    let wait = median(|queued| runtime.block_on(handle.spawn(async move { queued.elapsed() })));
    let wakes = wakes_while_idle();
    let broken = handle.spawn(async { panic!("the disk is full") });
    let panic = match runtime.block_on(broken.outcome()) {
        Err(TaskError::Panicked(payload)) => payload.message(),
        other => format!("no panic, but {other:?}"),
    };

    let meeting = Arc::new(Barrier::new(2));
    let (done, all) = mpsc::channel();
    for _ in 0..2 {
        let (meeting, done, inner) = (meeting.clone(), done.clone(), handle.clone());
        let parent = handle.spawn(async move {
            meeting.wait(); // Both workers are inside a task now.
            let (child,) = waterwheel::join!(inner.spawn(async { true }));
            done.send(child).expect("main listens");
        });
        parent.detach();
    }
    let nested = (0..2).all(|_| all.recv_timeout(PATIENCE * 10) == Ok(true));

    let other = Runtime::builder().with_high_num(1).with_low_num(3).build();
    let other = other.expect("four workers can be started");
    let second = format!("runs, and says {}", other.block_on(async { "hello" }));
    for runtime in [&other, &runtime] {
        runtime.shutdown(Duration::from_secs(1)).expect("nothing is left to wait for");
    }
    Answers { wait, wakes, panic, nested, second }
}

fn ask_the_eight_steps() -> Answers {
    use eight_steps::{Builder, Priority, spawn};
    Builder::new().with_high_num(1).with_low_num(1).run().expect("it is the first");

    let wait =
        median(|queued| future::block_on(spawn(async move { queued.elapsed() }, Priority::Low)));
    let wakes = wakes_while_idle();
    let broken = spawn(async { panic!("the disk is full") }, Priority::Low);
    let caught = panic::catch_unwind(AssertUnwindSafe(|| future::block_on(broken)));
    let panic = caught.map_or_else(|payload| message(payload.as_ref()), |()| "nothing".to_owned());

    let meeting = Arc::new(Barrier::new(2));
    let (done, all) = mpsc::channel();
    for _ in 0..2 {
        let (meeting, done) = (meeting.clone(), done.clone());
        let parent = async move {
            meeting.wait(); // Both workers are inside a task now.
            let child = join!(spawn(async { true }, Priority::Low));
            done.send(child == [true]).expect("main listens");
        };
        spawn(parent, Priority::Low).detach();
    }
    let nested = (0..2).all(|_| all.recv_timeout(PATIENCE) == Ok(true));

    let second = format!("{:?}", Builder::new().with_low_num(3).run());
    Answers { wait, wakes, panic, nested, second }
}

/// The median of what `wait` gives for tasks spawned one at a time, each after a pause.
fn median(mut wait: impl FnMut(Instant) -> Duration) -> Duration {
    let after_a_pause = |_| {
        thread::sleep(PAUSE); // The workers have found nothing, and sleep in whatever way they do.
        wait(Instant::now())
    };
    let mut waits: Vec<Duration> = (0..ROUNDS).map(after_a_pause).collect();
    waits.sort();
    waits[ROUNDS / 2]
}

/// How often the threads of this process, other than the first, are woken while nothing is to do.
fn wakes_while_idle() -> u64 {
    thread::sleep(PAUSE); // What is about to fall asleep does.
    let before = voluntary_switches();
    thread::sleep(IDLE);
    voluntary_switches() - before
}

/// How often the other threads of this process have gone to sleep, which Linux counts; 0 elsewhere.
fn voluntary_switches() -> u64 {
    let first = std::process::id().to_string();
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let others = threads.filter(|thread| thread.file_name().to_str() != Some(first.as_str()));
    let status = others.map(|thread| fs::read_to_string(thread.path().join("status")));
    status
        .filter_map(|status| {
            let status = status.ok()?;
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
            line.rsplit_once('\t')?.1.parse::<u64>().ok()
        })
        .sum()
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn main() {
    let ours = ask_waterwheel();
    let left = threads();
    let theirs = ask_the_eight_steps();

    for (name, answers) in [("the eight steps", &theirs), ("waterwheel", &ours)] {
        println!("{name}");
        println!(
            "  first poll on idle workers, median: {:.3} ms",
            answers.wait.as_secs_f64() * 1e3
        );
        println!("  wake-ups in half a second without work: ~{}", answers.wakes);
        println!("  a panic said: {:?}", answers.panic);
        println!(
            "  as many joins inside tasks as workers: {}",
            if answers.nested { "fine" } else { "stuck" }
        );
        println!("  a second runtime: {}", answers.second);
    }
    println!("threads left after waterwheel was shut down: {left}");

    assert!(ours.wait < theirs.wait, "a parked worker is quicker than a napping one");
    if cfg!(target_os = "linux") {
        assert!(ours.wakes < theirs.wakes, "a parked worker sleeps better than a napping one");
        assert_eq!(left, 1, "only this thread is left");
    }
    assert_eq!((ours.panic.as_str(), ours.nested), ("the disk is full", true));
    assert_ne!(theirs.panic, "the disk is full");
    assert!(!theirs.nested, "blocking joins hold both workers, and their children find none");
}
