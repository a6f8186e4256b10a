//! What the tests of the runtime share: a watchdog, events between threads, futures and values
//! that report what is done to them, and a test that runs itself in a process of its own.
//!
//! Nothing in here sleeps. A test waits for events, and a time limit only ever fails it.

pub(crate) mod child;
pub(crate) mod probes;

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use waterwheel::{Handle, Runtime};

/// How long anything may take before its test fails. Far more than is needed on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Runs `f` on a thread of its own and fails if it has not returned within `limit`.
#[track_caller]
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    f: impl FnOnce() -> T + Send + 'static,
) -> T {
    within_or(limit, f).unwrap_or_else(|| panic!("not done within {limit:?}"))
}

/// Runs `f` on a thread of its own; `None` if it has not returned within `limit`.
#[track_caller]
fn within_or<T: Send + 'static>(
    limit: Duration,
    f: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, outcome) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let value = f();
        // The receiver is gone only after the time was up, and then the test has failed.
        done.send(value).unwrap_or(());
    });
    match outcome.recv_timeout(limit) {
        Ok(value) => {
            thread.join().expect("it has ended well");
            Some(value)
        }
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(payload) => std::panic::resume_unwind(payload),
            Ok(()) => unreachable!("it sends before it ends"),
        },
    }
}

/// Receives, and fails if nothing comes.
#[track_caller]
pub(crate) fn receive<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(LIMIT).expect("the event comes within the limit")
}

/// Waits for something that reports no event, without sleeping; fails if it does not come.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "never: {what}");
        std::thread::yield_now();
    }
}

/// A runtime with so many workers.
pub(crate) fn runtime(high: usize, low: usize) -> Runtime {
    Runtime::builder().with_high_num(high).with_low_num(low).build().expect("it can be built")
}

/// A runtime without a watchdog: what is queued behind a stuck worker stays there, and there is no thread
/// but those of the workers, until others are needed.
pub(crate) fn unwatched(high: usize, low: usize) -> Runtime {
    let builder = Runtime::builder().with_high_num(high).with_low_num(low);
    builder.slow_poll_after(Duration::MAX).build().expect("it can be built")
}

/// Keeps that many workers busy with Low tasks that block, each until its sender is dropped.
pub(crate) fn occupy(handle: &Handle, workers: usize) -> Vec<mpsc::Sender<()>> {
    let (begun, begins) = mpsc::channel();
    let releases = (0..workers)
        .map(|_| {
            let (release, released) = mpsc::channel::<()>();
            let begun = begun.clone();
            let hold = async move {
                begun.send(()).expect("the test waits");
                // Ends when the sender is used or dropped.
                released.recv().unwrap_or(());
            };
            handle.spawn(hold).detach();
            release
        })
        .collect();
    (0..workers).for_each(|_| receive(&begins));
    releases
}

/// How many threads this process has.
pub(crate) fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux lists them").count()
}

/// How many files this process has open, the one that lists them left out.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux lists them").count() - 1
}

/// Runs `f` and gives the payload of its panic; fails if there is none.
#[track_caller]
pub(crate) fn panic_of<T>(f: impl FnOnce() -> T) -> Box<dyn std::any::Any + Send> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(_) => panic!("it does not panic"),
        Err(payload) => payload,
    }
}
