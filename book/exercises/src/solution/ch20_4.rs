//! Exercise 4 of chapter 20, solved: what does a counter cost?

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long `count` increments take, first by `fetch_add`, then by a load and a store.
#[must_use]
pub fn time_of(count: u32) -> (Duration, Duration) {
    let counter = AtomicU64::new(0);
    let begun = Instant::now();
    for _ in 0..count {
        black_box(&counter).fetch_add(1, Ordering::Relaxed);
    }
    let added = begun.elapsed();
    let begun = Instant::now();
    for _ in 0..count {
        let counter = black_box(&counter);
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
    (added, begun.elapsed())
}
