//! Spawning for hyper: HTTP/2 connections and pooled clients bring tasks of their own.
//!
//! Book: chapter 23.

use std::future::Future;

use waterwheel::{Priority, spawn_task};

/// Spawns hyper's tasks into one lane, detached.
///
/// # Examples
///
/// ```
/// use hyper::rt::Executor as _;
/// use waterwheel::Priority;
/// use waterwheel_adapters::hyper::Executor;
///
/// let (send, receive) = std::sync::mpsc::channel();
/// Executor::new(Priority::High).execute(async move { send.send("ran") });
/// assert_eq!(receive.recv(), Ok("ran"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Executor {
    lane: Priority,
}

impl Executor {
    /// Spawns into the given lane; [`Executor::default`] spawns into Low.
    #[must_use]
    pub const fn new(lane: Priority) -> Self {
        Self { lane }
    }
}

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, future: F) {
        spawn_task(future, self.lane).detach();
    }
}
