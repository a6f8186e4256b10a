//! Chapter 12: the ladder, one workload after another on all its rungs.
//! Run: `cargo run --release --example ch12_ladder`
//!
//! Each rung is a complete runtime in a file of its own, in `ladder/`; Waterwheel comes last. What
//! must hold is asserted, and printed; what a machine takes for it is printed to standard error, as
//! a table for orientation. `cargo run --release -p waterwheel-bench -- ladder` measures it well.
//!
//! Book: chapter 12.

#[path = "ladder/mod.rs"]
mod ladder;

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::future;
use ladder::ours::Ours;
use ladder::r8_reserve::Lane;
use ladder::{
    Rung, r0_textbook, r1_own_queues, r2_stealing, r3_nothing_captured, r4_parked, r5_one_searcher,
    r6_driver, r7_handover, r8_reserve,
    work::{self, Took},
};

const WORKERS: usize = 2;

/// How often each workload is run; the table shows the middle one.
const ROUNDS: usize = 3;

/// How much there is to do: less where the compiler was told to take its time at run time.
const SCALE: usize = if cfg!(debug_assertions) { 1 } else { 10 };

/// Counts itself as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(alive))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Is a task polled that was queued by one which blocks its worker meanwhile?
fn is_helped<R: Rung>() -> bool {
    let runtime = R::start(WORKERS);
    let inside = runtime.clone();
    let stuck = runtime.spawn(async move {
        let (tell, told) = flume::bounded(1);
        R::detach(inside.spawn(async move { tell.send(()).is_ok() }));
        // Longer than a helper needs even on a busy machine; nobody waits so long but on rung 1.
        let patience = if R::NAME == "r1_own_queues" { 100 } else { 20_000 };
        told.recv_timeout(Duration::from_millis(patience)).is_ok()
    });
    let helped = future::block_on(stuck);
    runtime.stop();
    helped
}

/// Stops a runtime whose tasks yield for ever, wait for ever, or have not been polled; returns how
/// many of their futures are left, and how many threads.
fn stop_in_the_middle<R: Rung>() -> (usize, usize) {
    let runtime = R::start(WORKERS);
    let alive = Arc::new(AtomicUsize::new(0));
    let mut waiting = Vec::new();
    for _ in 0..100 {
        let (spins, waits) = (Counted::new(&alive), Counted::new(&alive));
        R::detach(runtime.spawn(async move {
            let _spins = spins;
            loop {
                future::yield_now().await;
            }
        }));
        waiting.push(runtime.spawn(async move {
            let _waits = waits;
            pending::<()>().await;
        }));
    }
    runtime.stop();
    drop(waiting);
    // The system counts a thread for a moment after it was joined.
    let patience = Instant::now() + Duration::from_secs(10);
    while threads() > 1 && Instant::now() < patience {
        thread::yield_now();
    }
    (alive.load(Ordering::SeqCst), threads() - 1)
}

/// How many threads this process has.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

/// The middle of some runs of a workload, in nanoseconds for one operation.
fn median<R: Rung>(workload: impl Fn(&R) -> Option<Took>) -> Option<f64> {
    let run = |_| {
        let runtime = R::start(WORKERS);
        let took = workload(&runtime);
        runtime.stop();
        took.map(Took::nanos)
    };
    let mut nanos: Vec<f64> = (0..ROUNDS).map(run).collect::<Option<_>>()?;
    nanos.sort_by(f64::total_cmp);
    Some(nanos[ROUNDS / 2])
}

fn climb<R: Rung>() {
    let columns = [
        median::<R>(|runtime| Some(work::spawn_outside(runtime, 2_000 * SCALE))),
        median::<R>(|runtime| Some(work::spawn_inside(runtime, 2_000 * SCALE))),
        median::<R>(|runtime| Some(work::yields(runtime, 100 * SCALE, 100))),
        median::<R>(|runtime| Some(work::ping_pong(runtime, 10, 100 * SCALE))),
        median::<R>(|runtime| Some(work::chain(runtime, 1_000 * SCALE))),
        median::<R>(|runtime| Some(work::wake_ups(runtime, 500))),
        median::<R>(|runtime| work::echo(runtime, 16, 20).expect("the loopback works")),
    ];
    let figure = |nanos: Option<f64>| nanos.map_or("-".to_owned(), |nanos| format!("{nanos:.0}"));
    let figures: String = columns.map(|column| format!("{:>9}", figure(column))).concat();
    eprintln!("{:<20}{figures}", R::NAME);

    let helped = is_helped::<R>();
    let (futures, threads) = stop_in_the_middle::<R>();
    let behind = if helped { "somebody helps" } else { "waits" };
    println!("{:<20}nothing lost; behind a stuck task: {behind}", R::NAME);
    assert_eq!(helped, R::NAME != "r1_own_queues", "only rung 1 has queues and no thieves");
    assert_eq!((futures, threads), (0, 0), "stop drops all futures and joins all threads");
}

/// Both workers are inside tasks of lane Low that wait for a task of lane High; the reserve runs it.
fn rescue() {
    let runtime = r8_reserve::start(WORKERS);
    let (done, finished) = flume::bounded(WORKERS);
    let (tell, told) = flume::bounded(WORKERS);
    let begun = Arc::new(Barrier::new(WORKERS + 1));
    for _ in 0..WORKERS {
        let (told, done, begun) = (told.clone(), done.clone(), Arc::clone(&begun));
        let stuck = async move {
            begun.wait();
            done.send(told.recv().is_ok()).expect("main waits for it");
        };
        r8_reserve::spawn(&runtime, stuck).detach();
    }
    begun.wait();
    let urgent = async move { (0..WORKERS).all(|_| tell.send(()).is_ok()) };
    assert!(future::block_on(r8_reserve::spawn_in(&runtime, Lane::High, urgent)));
    assert!((0..WORKERS).all(|_| finished.recv() == Ok(true)), "the High task freed both");
    r8_reserve::stop(&runtime);
    println!("r8_reserve: both workers stuck in lane Low, and lane High was served");
}

fn main() {
    eprintln!("nanoseconds for one   spawn   spawn    yield    ping  chained  wake-up     echo");
    eprintln!(
        "on {WORKERS} workers        outside   inside             pong    spawn  from outside"
    );
    climb::<Arc<r0_textbook::Runtime>>();
    climb::<Arc<r1_own_queues::Runtime>>();
    climb::<Arc<r2_stealing::Runtime>>();
    climb::<Arc<r3_nothing_captured::Runtime>>();
    climb::<Arc<r4_parked::Runtime>>();
    climb::<Arc<r5_one_searcher::Runtime>>();
    climb::<Arc<r6_driver::Runtime>>();
    climb::<Arc<r7_handover::Runtime>>();
    climb::<Arc<r8_reserve::Runtime>>();
    climb::<Ours>();
    rescue();
}
