//! Daemons behind one pointer: what lets a supervisor hold different types in one list.
//!
//! [`Daemon`]'s methods return futures of types that only the compiler knows, so the trait cannot be
//! an object. [`AnyDaemon`] is the same trait with boxed futures that own their daemon. One
//! allocation per run is nothing beside what a run does.
//!
//! Book: chapter 22.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::{BoxError, Daemon};
use crate::sync::CancellationToken;

/// A boxed step in a daemon's life.
pub(super) type Step = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// [`Daemon`], as an object.
pub(super) trait AnyDaemon: Send + Sync {
    /// [`Daemon::prepare`]. User code runs when the future is polled, not before.
    fn prepare(self: Arc<Self>) -> Step;

    /// [`Daemon::run`]. User code runs when the future is polled, not before.
    fn run(self: Arc<Self>, shutdown: CancellationToken) -> Step;
}

impl<D: Daemon> AnyDaemon for D {
    fn prepare(self: Arc<Self>) -> Step {
        Box::pin(async move { Daemon::prepare(&*self).await })
    }

    fn run(self: Arc<Self>, shutdown: CancellationToken) -> Step {
        Box::pin(async move { Daemon::run(&*self, shutdown).await })
    }
}
