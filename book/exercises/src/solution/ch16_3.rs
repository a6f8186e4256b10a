//! Exercise 3 of chapter 16, solved: how long does High wait behind Low?
//!
//! One worker of each lane, and Low always has tasks of a millisecond. How long is it from the spawn of a
//! High task to its first poll, with stealing from Low and without? Guess; then measure it, with `--release`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use waterwheel::{BuildError, Priority, Runtime, block_on, yield_now};

/// The longest of `tries` waits, one after another.
///
/// # Errors
///
/// What the builder says if it cannot start its threads.
pub fn longest_wait(tries: u32, stealing_from_low: bool) -> Result<Duration, BuildError> {
    let builder = Runtime::builder().with_high_num(1).with_low_num(1);
    let runtime = builder.with_stealing(Priority::Low, stealing_from_low).build()?;
    let stop = Arc::new(AtomicBool::new(false));
    let low: Vec<_> = (0..4)
        .map(|_| {
            let stop = Arc::clone(&stop);
            runtime.handle().spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let begun = Instant::now();
                    while begun.elapsed() < Duration::from_millis(1) {
                        std::hint::spin_loop();
                    }
                    yield_now().await;
                }
            })
        })
        .collect();
    let waits = (0..tries).map(|_| {
        let spawned = Instant::now();
        let high = async move { spawned.elapsed() };
        block_on(runtime.handle().spawn_with(high, Priority::High))
    });
    let longest = waits.max().unwrap_or_default();
    stop.store(true, Ordering::SeqCst);
    low.into_iter().for_each(block_on);
    Ok(longest)
}
