//! Exercise 3 of chapter 17, solved: how long does a task behind a stuck worker wait?

use std::sync::mpsc;
use std::time::{Duration, Instant};

use waterwheel::Runtime;

/// How long a task waits for its first poll when it is spawned behind the only worker's stuck poll, on a
/// runtime with this limit.
///
/// # Panics
///
/// If the runtime cannot be built.
#[must_use]
pub fn wait_behind_a_stuck_worker(limit: Duration) -> Duration {
    let builder = Runtime::builder().with_high_num(0).with_low_num(1);
    let runtime = builder.slow_poll_after(limit).build().expect("it can be built");
    let (begun, begins) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let stuck = runtime.handle().spawn(async move {
        begun.send(()).unwrap_or(());
        released.recv().unwrap_or(());
    });
    begins.recv().expect("the task begins");
    let spawned = Instant::now();
    let polled = runtime.block_on(runtime.handle().spawn(async { Instant::now() }));
    drop(release);
    runtime.block_on(stuck);
    polled - spawned
}
