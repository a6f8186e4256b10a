//! Tasks: spawned futures, scheduled on their own.
//!
//! [`spawn_task!`](crate::spawn_task!) spawns one, [`Builder`] gives it a name, and a [`Task`] is
//! what the spawner holds: the way to its output, and its life line, since dropping it cancels the
//! task.
//!
//! Book: chapter 3.

pub(crate) mod abort;
mod builder;
pub(crate) mod cell;
pub(crate) mod contain;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod id;
pub(crate) mod native;
pub(crate) mod panic;
pub(crate) mod poll;
pub(crate) mod slow;
mod yield_now;

pub use abort::AbortHandle;
pub use builder::{Builder, spawn_task};
pub use error::{PanicPayload, TaskError};
pub use handle::Task;
pub use id::TaskId;
pub use panic::TaskPanic;
pub use poll::TaskPoll;
pub use slow::SlowPoll;
pub use yield_now::{YieldNow, yield_now};
