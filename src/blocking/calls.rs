//! `spawn_blocking` and `block_in_place`.
//!
//! Book: chapter 17.

use std::panic::Location;

use crate::runtime::context;
use crate::scheduler::worker;
use crate::task::Task;

/// Runs `f` on a thread that may block, of the current runtime or of the process default.
///
/// Threads are started when needed, [`max_blocking_threads`](crate::Builder::max_blocking_threads)
/// at most (512 unless set), and retire after [`thread_keep_alive`](crate::Builder::thread_keep_alive)
/// (10 s unless set) without work; further calls wait in a queue, first in first out.
///
/// Dropping the [`Task`] of a call that still waits cancels it: it never starts. A call that runs
/// cannot be stopped: its `Task` may be dropped, and it runs on to its end.
///
/// If no thread can be started and none is running, the call is cancelled:
/// [`outcome`](Task::outcome) says so.
///
/// # Panics
///
/// If the process default has to be started and cannot be. A panic in `f` reaches the awaiter.
///
/// ```
/// use waterwheel::{block_on, spawn_blocking};
///
/// let sum = spawn_blocking(|| (1..=1_000_u64).sum::<u64>());
/// assert_eq!(block_on(sum), 500_500);
/// ```
#[track_caller]
pub fn spawn_blocking<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    context::current_or_default().spawn_blocking_at(f, Location::caller())
}

/// Runs `f`, which may block, right here.
///
/// On a worker, the worker's part is first handed to another thread, so that the other tasks go on;
/// the rest of *this* task (what is joined with it, say) waits. Elsewhere it only calls `f`.
///
/// # Panics
///
/// Before `f` runs, if this is a worker and no thread can take its part over: then
/// `max_blocking_threads` are busy, or a thread could not be started. Use
/// [`spawn_blocking`] and await it instead. A panic in `f` is passed on.
///
/// ```
/// use waterwheel::{block_in_place, block_on, spawn_task};
///
/// let task = spawn_task!(async {
///     block_in_place(|| std::thread::sleep(std::time::Duration::from_millis(1)));
///     "slept, and held nobody up"
/// });
/// assert!(block_on(task).starts_with("slept"));
/// ```
#[track_caller]
pub fn block_in_place<T>(f: impl FnOnce() -> T) -> T {
    worker::block_in_place(f)
}
