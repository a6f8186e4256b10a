//! Exercise 3 of chapter 12, solved: what does it cost to meet?

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long one thread takes for `pairs` times sending a number into a flume channel and receiving
/// one: first alone, then with a second thread that does the same on the same channel meanwhile.
pub fn time_of(pairs: u32) -> (Duration, Duration) {
    let (sender, receiver) = flume::unbounded();
    let pair = || {
        sender.send(black_box(1_u64)).expect("there is a receiver");
        // The other thread may have been quicker; then its number is here soon.
        black_box(receiver.try_recv().ok());
    };
    let measure = || {
        let begun = Instant::now();
        (0..pairs).for_each(|_| pair());
        begun.elapsed()
    };
    let alone = measure();

    let (both, ended) = (Barrier::new(2), AtomicBool::new(false));
    let together = thread::scope(|scope| {
        scope.spawn(|| {
            both.wait();
            while !ended.load(Ordering::Relaxed) {
                pair();
            }
        });
        both.wait();
        let together = measure();
        ended.store(true, Ordering::Relaxed);
        together
    });
    (alone, together)
}
