//! Whole runtimes under random schedules.
//!
//! Book: chapter 19.

pub(crate) mod internal;
pub(crate) mod system;
pub(crate) mod time;
