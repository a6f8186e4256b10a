//! Handles: everything a runtime does, without owning it.
//!
//! Book: chapter 7.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::block_on::block_on;
use super::{Metrics, ShutdownError, context, shutdown};
use crate::priority::Priority;
use crate::scheduler::context::{Membership, Role, enter};
use crate::scheduler::shared::Shared;
use crate::task::cell::meta::Kind;
use crate::task::handle::Task;
use crate::token::CancellationToken;

/// A handle to a runtime. Cheap to clone; does not keep the runtime running.
///
/// What is spawned after the runtime was shut down is cancelled from the start, its future dropped.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The runtime that this thread belongs to, or the process default.
    ///
    /// # Panics
    ///
    /// If there is neither.
    #[must_use]
    #[track_caller]
    pub fn current() -> Self {
        Self::try_current().expect(
            "no runtime on this thread: call this from a task or inside Runtime::block_on, hold \
             the guard of Handle::enter, or start a process default with Builder::run",
        )
    }

    /// The runtime that this thread belongs to, or the process default if it has been started.
    #[must_use]
    pub fn try_current() -> Option<Self> {
        context::try_current()
    }

    /// Spawns a task in lane Low.
    #[track_caller]
    #[inline]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_with(future, Priority::Low)
    }

    /// Spawns a task in the given lane.
    #[track_caller]
    #[inline]
    pub fn spawn_with<F>(&self, future: F, priority: Priority) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Task::new(self.shared.spawn(future, Kind::Lane(priority), None, Location::caller()))
    }

    /// Runs `f` on a thread that may block: see [`spawn_blocking`](crate::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Task<T> {
        self.spawn_blocking_at(f, Location::caller())
    }

    pub(crate) fn spawn_blocking_at<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
        site: &'static Location<'static>,
    ) -> Task<T> {
        let call = async move {
            // The thread runs synchronous code, whatever it is called from.
            let _synchronous = crate::task::native::Native::leave();
            f()
        };
        Task::new(self.shared.spawn(call, Kind::Blocking, None, site))
    }

    /// Runs a future on this thread until it is done; what it spawns runs on this runtime.
    ///
    /// # Panics
    ///
    /// A panic of the future passes through; and see [`block_on`](crate::block_on()).
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _member = enter(&self.shared, Role::Entered);
        block_on(future)
    }

    /// Makes this the current runtime of this thread until the guard is dropped.
    ///
    /// Guards may be dropped in any order: the last one made of those that are left counts.
    ///
    /// ```
    /// use waterwheel::{Runtime, spawn_task};
    ///
    /// # fn main() -> Result<(), waterwheel::BuildError> {
    /// let runtime = Runtime::builder().thread_name("mill").build()?;
    /// let guard = runtime.handle().enter();
    /// let task = spawn_task!(async { std::thread::current().name().map(str::to_owned) });
    /// drop(guard);
    /// let name = runtime.block_on(task).unwrap_or_default();
    /// assert!(name.starts_with("mill-"), "{name}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn enter(&self) -> EnterGuard {
        EnterGuard { _member: enter(&self.shared, Role::Entered) }
    }

    /// What the runtime has counted so far.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.shared)
    }

    /// A token that is cancelled when a shutdown of this runtime begins; cancelling it yourself
    /// tells nobody but those who hold this one.
    #[must_use]
    pub fn shutdown_token(&self) -> CancellationToken {
        self.shared.token.child_token()
    }

    /// Shuts the runtime down.
    ///
    /// 1. Spawning is over, and [`shutdown_token`](Handle::shutdown_token) is cancelled.
    /// 2. For `grace` at most, tasks and blocking calls may end by themselves.
    /// 3. What is left is cancelled: each future is dropped after the poll under way, blocking calls
    ///    that have not begun never do, every thread is joined.
    ///
    /// Further calls, later or at the same time, give the same result.
    ///
    /// # Errors
    ///
    /// - [`ShutdownError::Stuck`] if a poll or a blocking call has not returned `grace` + 1 s after
    ///   the call at the latest: all else is dropped and joined. The threads that are stuck are let
    ///   go; they drop their task when the call returns.
    /// - [`ShutdownError::OnWorker`] if this is one of the runtime's own threads, which cannot wait
    ///   for itself; nothing has been done.
    ///
    /// ```
    /// use std::time::Duration;
    /// use waterwheel::Runtime;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let runtime = Runtime::builder().build()?;
    /// let stopping = runtime.handle().shutdown_token();
    /// let service = runtime.handle().spawn(async move {
    ///     stopping.cancelled().await;
    ///     "closed the sluice"
    /// });
    /// runtime.shutdown(Duration::from_secs(5))?;
    /// assert_eq!(waterwheel::block_on(service), "closed the sluice");
    /// # Ok(())
    /// # }
    /// ```
    pub fn shutdown(&self, grace: Duration) -> Result<(), ShutdownError> {
        shutdown::shutdown(&self.shared, grace)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [high, low] = self.shared.settings.workers;
        f.debug_struct("Handle")
            .field("name", &self.shared.settings.threads.name)
            .field("high", &high)
            .field("low", &low)
            .finish_non_exhaustive()
    }
}

/// While this lives, a runtime is current on this thread: see [`Handle::enter`].
#[derive(Debug)]
#[must_use = "the runtime is current only while the guard lives"]
pub struct EnterGuard {
    _member: Membership,
}
