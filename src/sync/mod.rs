//! Telling tasks to stop.
//!
//! Book: chapter 21.

pub(crate) mod internal;

#[cfg(not(loom))]
pub use crate::token::{CancellationToken, Cancelled};
