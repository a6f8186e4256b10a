//! Chapter 16, step 3: shares, home workers and stealing. Run: `cargo run --release --example ch16_3_settings`
//!
//! What each setting does to both lanes: whose threads poll which lane, and how many polls of the
//! home lane come before the other lane's last. The second on a clock that stands still, where all
//! polls are equally long, so that the numbers are the same each time.
//!
//! Book: chapter 16.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, mpsc};

use waterwheel::{BuildError, Builder, Priority, Runtime, Task, block_on, yield_now};

/// A runtime with so many workers, between which nobody steals from the lanes named.
fn layout(high: usize, low: usize, closed: &[Priority]) -> Builder {
    let builder = Runtime::builder().with_high_num(high).with_low_num(low).thread_name("mill");
    closed.iter().fold(builder, |builder, lane| builder.with_stealing(*lane, false))
}

/// The threads that poll tasks of `lane`, with the other lane full as well.
fn threads_of(runtime: &Runtime, lane: Priority) -> BTreeSet<String> {
    let spawn = |lane| {
        let work = async {
            let mut names = BTreeSet::new();
            for _ in 0..50 {
                names.extend(std::thread::current().name().map(str::to_owned));
                yield_now().await;
            }
            names
        };
        runtime.handle().spawn_with(work, lane)
    };
    let tasks: Vec<(Task<_>, Task<_>)> =
        (0..200).map(|_| (spawn(Priority::High), spawn(Priority::Low))).collect();
    let mut names = BTreeSet::new();
    for (high, low) in tasks {
        let (high, low) = (block_on(high), block_on(low));
        names.extend(if lane == Priority::High { high } else { low });
    }
    names
}

/// Do two tasks of `lane` run at the same time, in a runtime that has nothing else to do?
fn both_help(runtime: &Runtime, lane: Priority) {
    let meeting = Arc::new(Barrier::new(2));
    let tasks = [(); 2].map(|()| {
        let meeting = Arc::clone(&meeting);
        runtime.handle().spawn_with(async move { meeting.wait().is_leader() }, lane)
    });
    let leaders = tasks.map(block_on);
    assert!(leaders[0] != leaders[1]);
}

/// How many polls of lane High a High-home worker makes before it has made 20 of lane Low, with
/// both always full.
fn polls_until_20(parts: u32) -> Result<u32, BuildError> {
    // Nobody takes over while the worker is held: see chapter 17.
    let builder = layout(1, 0, &[]).replacement_workers(0);
    let runtime = builder.lane_share(parts).start_paused(true).build()?;
    let (polls, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (begin, begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let hold = async move {
        begin.send(()).expect("main waits for it");
        released.recv().unwrap_or(());
    };
    runtime.handle().spawn(hold).detach();
    begun.recv().expect("the worker begins"); // And takes no other task until all are queued.
    let home: Vec<_> = (0..100)
        .map(|_| {
            let (polls, stop) = (Arc::clone(&polls), Arc::clone(&stop));
            let work = async move {
                while stop.load(Ordering::SeqCst) < 20 {
                    polls.fetch_add(1, Ordering::SeqCst);
                    yield_now().await;
                }
            };
            runtime.handle().spawn_with(work, Priority::High)
        })
        .collect();
    for _ in 0..20 {
        let stop = Arc::clone(&stop);
        runtime.handle().spawn(async move { stop.fetch_add(1, Ordering::SeqCst) }).detach();
    }
    drop(release);
    home.into_iter().for_each(block_on);
    Ok(polls.load(Ordering::SeqCst))
}

fn main() -> Result<(), BuildError> {
    println!("one worker of each lane, stealing both ways");
    let runtime = layout(1, 1, &[]).build()?;
    both_help(&runtime, Priority::High);
    both_help(&runtime, Priority::Low);
    println!("  two tasks of either lane run at the same time");

    println!("nobody steals from Low");
    let runtime = layout(1, 1, &[Priority::Low]).build()?;
    both_help(&runtime, Priority::High);
    let names = threads_of(&runtime, Priority::Low);
    println!("  two tasks of lane High run at the same time; Low is polled by {names:?}");
    assert!(!names.contains("mill-high-0"));

    println!("nobody steals from High");
    let runtime = layout(1, 1, &[Priority::High]).build()?;
    both_help(&runtime, Priority::Low);
    let names = threads_of(&runtime, Priority::High);
    assert!(!names.contains("mill-low-1"), "{names:?}");
    println!("  two tasks of lane Low run at the same time; High is not polled by mill-low-1");

    println!("no home workers for High, and nobody steals from it");
    let error = layout(0, 2, &[Priority::High]).build().expect_err("nobody would serve it");
    println!("  {error}");

    println!("one High-home worker, both lanes full: polls of High beside 20 of Low");
    let mut before = 0;
    for parts in [8, 64, 512] {
        let polls = polls_until_20(parts)?;
        println!("  lane_share({parts}): {polls}");
        assert!(polls > before && polls < 20 * parts);
        before = polls;
    }
    Ok(())
}
