//! Exercise 3 of chapter 13, solved: is the fence needed?

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::thread;

/// What stands between the store and the load of each thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Nothing.
    Nothing,
    /// `fence(SeqCst)`.
    Fence,
}

/// Turns of a spinning loop before it lets somebody else have the processor.
const SPINS: u32 = 1_000;

/// In how many of `pairs` tries do two threads look past each other?
#[must_use]
pub fn looked_past(pairs: usize, between: Between) -> usize {
    let flags = || -> Vec<AtomicBool> { (0..pairs).map(|_| AtomicBool::new(false)).collect() };
    let (tasks, sleepers) = (flags(), flags());
    let (pusher_at, worker_at) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let side =
        |mine: &[AtomicBool], theirs: &[AtomicBool], at: &AtomicUsize, other: &AtomicUsize| {
            let look = |number: usize| {
                meet(number, at, other);
                mine[number].store(true, Ordering::Relaxed);
                if between == Between::Fence {
                    fence(Ordering::SeqCst);
                }
                theirs[number].load(Ordering::Relaxed)
            };
            (0..pairs).map(look).collect::<Vec<bool>>()
        };
    thread::scope(|scope| {
        let pusher = scope.spawn(|| side(&tasks, &sleepers, &pusher_at, &worker_at));
        let worker = side(&sleepers, &tasks, &worker_at, &pusher_at);
        let pusher = pusher.join().expect("the pusher ends");
        pusher.iter().zip(&worker).filter(|(pusher, worker)| !**pusher && !**worker).count()
    })
}

/// Spins until both threads have come to this try: only then do their stores and loads overlap.
fn meet(number: usize, at: &AtomicUsize, other: &AtomicUsize) {
    at.store(number + 1, Ordering::Release);
    let mut spins = 0;
    while other.load(Ordering::Acquire) <= number {
        spins += 1;
        if spins % SPINS == 0 {
            thread::yield_now();
        }
        std::hint::spin_loop();
    }
}
