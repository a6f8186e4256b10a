//! Telling tasks to stop.
//!
//! Book: chapter 21.

#[cfg(not(any(waterwheel_loom, waterwheel_shuttle)))]
pub(crate) mod internal;

#[cfg(waterwheel_loom)]
pub(crate) use crate::models::internal;
#[cfg(waterwheel_shuttle)]
pub(crate) use crate::schedules::internal;

pub use crate::token::{CancellationToken, Cancelled};
