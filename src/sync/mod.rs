//! Telling tasks to stop.
//!
//! Book: chapter 21.

#[cfg(not(waterwheel_loom))]
pub(crate) mod internal;

#[cfg(waterwheel_loom)]
pub(crate) use crate::models::internal;

pub use crate::token::{CancellationToken, Cancelled};
