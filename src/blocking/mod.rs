//! Blocking code beside async code: threads for calls that block, and sync forms of the joins.
//!
//! - [`spawn_blocking`] runs a call on a thread that may block, and gives a
//!   [`Task`](crate::Task) for its result.
//! - [`block_in_place`] blocks right here, after handing this worker's part
//!   to another thread.
//! - [`join!`] and [`try_join!`] are for synchronous code: they block this thread until all are done.
//!
//! Book: chapter 17.

pub(crate) mod pool;

pub use crate::{__blocking_join as join, __blocking_try_join as try_join};

mod calls;
pub use calls::{block_in_place, spawn_blocking};
