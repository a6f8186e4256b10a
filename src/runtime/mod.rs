//! Runtimes: building one, entering it, and shutting it down.
//!
//! Book: chapters 3 and 18.

pub(crate) mod block_on;
mod builder;
pub(crate) mod context;
mod error;
mod handle;
mod metrics;
mod shutdown;

pub use block_on::block_on;
pub use builder::Builder;
pub use error::BuildError;
pub use handle::{EnterGuard, Handle};
pub use metrics::{LaneMetrics, Metrics, WorkerMetrics, WorkerRole};
pub use shutdown::{ShutdownError, StuckTask};

use std::fmt;
use std::future::Future;
use std::time::Duration;

/// A runtime: two lanes, the workers that serve them, a driver for sockets and timers, and threads
/// for blocking calls. Many may live in one process.
///
/// Dropping it cancels its tasks. Outside async code the drop then waits until every thread has
/// ended, however long a poll or a blocking call takes; inside async code it waits for nothing.
/// [`shutdown`](Runtime::shutdown) gives tasks time and waits no longer than it is told.
///
/// ```
/// use waterwheel::{Priority, Runtime};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let runtime = Runtime::builder().with_high_num(1).with_low_num(1).build()?;
/// let answer = runtime.handle().spawn_with(async { 6 * 7 }, Priority::High);
/// assert_eq!(runtime.block_on(answer), 42);
/// # Ok(())
/// # }
/// ```
pub struct Runtime {
    handle: Handle,
}

impl Runtime {
    /// Begins a runtime: another name for [`builder`](Runtime::builder).
    #[expect(clippy::new_ret_no_self, reason = "the textbook's spelling, kept for its readers")]
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Begins a runtime with the default settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn from_handle(handle: Handle) -> Self {
        Self { handle }
    }

    /// The handle, for everything that does not own the runtime.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs a future on this thread until it is done; what it spawns runs on this runtime.
    ///
    /// # Panics
    ///
    /// A panic of the future passes through; and see [`block_on`](block_on()).
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    /// What the runtime has counted so far.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.handle.metrics()
    }

    /// Shuts the runtime down: see [`Handle::shutdown`].
    ///
    /// # Errors
    ///
    /// As [`Handle::shutdown`].
    pub fn shutdown(&self, grace: Duration) -> Result<(), ShutdownError> {
        self.handle.shutdown(grace)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        shutdown::dropped(self.handle.shared());
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runtime").field(&self.handle).finish()
    }
}
