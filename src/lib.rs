//! An async runtime to read and to run on.
//!
//! A flume is the channel that feeds a water wheel. Here two of them, one for each [`Priority`],
//! feed worker threads that turn tasks: a runtime with two lanes, work stealing, a reactor and
//! timers on mio, threads for blocking calls, and supervised daemons on top. It is the companion of
//! a book that explains each of its files.
//!
//! ```
//! use waterwheel::{Priority, join, spawn_task};
//!
//! waterwheel::block_on(async {
//!     let urgent = spawn_task!(async { 1 }, Priority::High);
//!     let plain = spawn_task!(async { 2 });
//!     assert_eq!(join!(urgent, plain), (1, 2));
//! });
//! ```
//!
//! # Guarantees
//!
//! Each names tests that hold it.
//!
//! 1. **Progress.** A woken task is polled again, as long as some worker allowed to serve its lane
//!    is not stuck inside somebody's poll.
//!    (`stress.rs`: `no_wake_up_between_tasks_threads_and_sleeping_workers_is_lost`; `stealing.rs`:
//!    `what_a_task_spawns_before_it_blocks_its_worker_is_run_by_the_others`.)
//! 2. **Lanes.** Before each poll a worker looks at its home lane first, except when it is the other
//!    lane's turn, if it may serve that: within 62 polls, and from then on as soon as that lane has
//!    had less than a 27th of the time that the home lane had. So over any time *W* in which a lane
//!    has a task that the worker may take, the lane gets at least (*W* - 35 *L*) / 28 of it, which is a
//!    64th for *W* = 64 *L* and more: *L* is the longest poll in that time, or before it by less than
//!    64 times its own length. ([`Builder::lane_share`] sets the part.) So a task is
//!    polled within 28 *S* + 64 *L* where the polls of those before it in its lane take *S* in all.
//!    Within a lane order is first in, first out, except for what a poll wakes or spawns first:
//!    it may come next, at most 16 times in a row.
//!    (`lanes.rs`: `the_other_lane_has_its_turn_within_sixty_one_ticks`,
//!    `within_a_lane_the_order_is_first_in_first_out`,
//!    `an_endless_stream_of_one_lane_does_not_starve_the_other`; `src/scheduler/share_tests.rs`:
//!    `each_lane_gets_its_part_of_any_mixture_of_polls`,
//!    `a_worker_gives_each_lane_its_part_whatever_the_mixture`.)
//! 3. **Cancellation.** Dropping any future of ours is safe unless its documentation says otherwise,
//!    and frees what it held.
//!    (`tasks.rs`: `dropping_a_task_cancels_it_and_drops_its_future`; `joins.rs`:
//!    `dropping_a_join_drops_every_argument`; `stress.rs`:
//!    `a_storm_of_tasks_leaves_nothing_behind`.)
//! 4. **Panics.** A panic ends its task, never a worker, and reaches whoever awaits it, payload
//!    intact: in poll, in the future's drop, in the output's drop, in a payload whose own drop
//!    panics, in the awaiter's waker, in hooks. Outside of that: `panic = "abort"`, a second panic
//!    while the first unwinds the same value, stack overflow.
//!    (`panics.rs`: `a_panic_reaches_the_awaiter_with_its_payload`,
//!    `no_misbehaviour_of_a_task_takes_the_process_down`, `every_hook_may_panic`.)
//! 5. **Shutdown.** [`Handle::shutdown`] is idempotent, and concurrent callers get the same result.
//!    `Ok`: no task runs, every future has been dropped, every thread joined. `Err`: it came back
//!    within the grace + 1 s, all else is dropped and joined, and it names each task or blocking
//!    call that would not return.
//!    (`shutdown.rs`: `after_a_shutdown_every_future_is_dropped_and_every_thread_has_ended`,
//!    `eight_concurrent_shutdowns_get_the_same_result`,
//!    `a_task_that_never_yields_is_named_and_everything_else_is_dropped`.)
//!
//! Book: chapter 3.

#![cfg_attr(
    waterwheel_loom,
    expect(
        dead_code,
        unreachable_pub,
        reason = "the models use a part of what each file offers, and nobody uses them"
    )
)]
#![cfg_attr(
    waterwheel_shuttle,
    expect(clippy::result_large_err, reason = "what holds a lock is larger there")
)]
#![cfg_attr(
    all(waterwheel_shuttle, not(test)),
    expect(dead_code, unused_imports, reason = "only scenarios let the time pass")
)]

// The model checker compiles the protocols between threads and nothing else: see `models`.
#[cfg(waterwheel_loom)]
mod models;
#[cfg(waterwheel_loom)]
use models::{blocking, budget, driver, scheduler, task, threads};

// Whole runtimes under random schedules: see `schedules`.
#[cfg(waterwheel_shuttle)]
mod schedules;

#[cfg(not(waterwheel_loom))]
pub mod blocking;
#[cfg(not(waterwheel_loom))]
pub mod daemon;
#[cfg(not(waterwheel_loom))]
mod driver;
mod priority;
#[cfg(not(waterwheel_loom))]
mod scheduler;
pub mod sync;

#[cfg(not(waterwheel_loom))]
mod budget;
#[cfg(not(waterwheel_loom))]
mod macros;
#[cfg(not(waterwheel_loom))]
pub mod net;
#[cfg(not(waterwheel_loom))]
mod runtime;
#[cfg(not(waterwheel_loom))]
pub mod signal;
#[cfg(not(waterwheel_loom))]
mod sys;
#[cfg(not(waterwheel_loom))]
pub mod task;
#[cfg(not(waterwheel_loom))]
mod threads;
#[cfg(not(waterwheel_loom))]
pub mod time;
mod token;

pub use priority::Priority;

#[cfg(not(waterwheel_loom))]
pub use blocking::{block_in_place, spawn_blocking};
#[cfg(not(waterwheel_loom))]
pub use runtime::{
    BuildError, Builder, EnterGuard, Handle, LaneMetrics, Metrics, Runtime, ShutdownError,
    StuckTask, WorkerMetrics, WorkerRole, block_on,
};
#[cfg(not(waterwheel_loom))]
pub use scheduler::histogram::Histogram;
#[cfg(not(waterwheel_loom))]
pub use task::{SlowPoll, Task, TaskError, TaskPanic, TaskPoll, spawn_task, yield_now};
#[cfg(not(waterwheel_loom))]
pub use waterwheel_macros::{main, test};

/// What the macros expand to; no part of the API.
#[cfg(not(waterwheel_loom))]
#[doc(hidden)]
pub mod __private {
    pub use crate::macros::{caught, poll_once, taken, taken_err, taken_ok};
}

/// The program in the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
