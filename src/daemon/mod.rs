//! Named services with a life cycle, and a supervisor that keeps them up.
//!
//! A [`Daemon`] has a name, a lane, something to prepare and something to run. A [`Supervisor`]
//! takes any number of them and
//!
//! 1. *prepares* them one after another, in the order they were added; if one fails, none runs;
//! 2. *runs* each in a task of its own. One that returns an error or panics is reported and started
//!    again after a [back-off](Backoff), alone: the others are not touched. One that returns `Ok`
//!    has finished;
//! 3. once the token it was given is cancelled, *stops* them in reverse order, each with a time
//!    limit after which its task is cancelled;
//! 4. gives back a [`Report`]: per daemon how often it started, what its last error was, and how it
//!    ended.
//!
//! This module sits on top of everything else and uses the public interface only. It prints
//! nothing; what goes wrong goes to [`Supervisor::on_failure`].
//!
//! ```
//! use waterwheel::daemon::{BoxError, Daemon, State, Supervisor};
//! use waterwheel::sync::CancellationToken;
//!
//! struct Clock;
//!
//! impl Daemon for Clock {
//!     fn name(&self) -> &str {
//!         "clock"
//!     }
//!
//!     async fn run(&self, shutdown: CancellationToken) -> Result<(), BoxError> {
//!         shutdown.cancelled().await;
//!         Ok(())
//!     }
//! }
//!
//! let shutdown = CancellationToken::new();
//! shutdown.cancel(); // somebody pressed Ctrl-C rather early
//!
//! let report = waterwheel::block_on(Supervisor::new().daemon(Clock).run(shutdown))?;
//! assert_eq!(report.get("clock").map(|clock| clock.state), Some(State::Idle));
//! # Ok::<(), waterwheel::daemon::StartError>(())
//! ```
//!
//! Book: chapter 22.

mod backoff;
mod erased;
mod keeper;
mod message;
mod report;
mod supervisor;

use std::error::Error;
use std::future::Future;

use crate::Priority;
use crate::sync::CancellationToken;

pub use self::backoff::{Backoff, BackoffError};
pub use self::report::{DaemonReport, Failure, FailureKind, LiveReport, Report, State};
pub use self::supervisor::{StartError, Supervisor};

/// Any error a daemon may end with.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// A named service with a life cycle: it is prepared once, and run until it is asked to stop.
///
/// Its methods take `&self`, because a daemon outlives its runs: after a failure it is run again,
/// and what [`prepare`](Daemon::prepare) made (a bound listener, say) is still there. State that
/// must not survive a failure belongs into `run`.
///
/// # Examples
///
/// A daemon that fails when it meets bad work, and is started again by its [`Supervisor`]:
///
/// ```
/// use std::collections::VecDeque;
/// use std::sync::Mutex;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// use waterwheel::daemon::{BoxError, Daemon, Supervisor};
/// use waterwheel::sync::CancellationToken;
///
/// struct Parser {
///     input: Mutex<VecDeque<&'static str>>,
///     sum: AtomicU32,
/// }
///
/// impl Daemon for Parser {
///     fn name(&self) -> &str {
///         "parser"
///     }
///
///     async fn run(&self, shutdown: CancellationToken) -> Result<(), BoxError> {
///         let next = || self.input.lock().ok().and_then(|mut input| input.pop_front());
///         while let Some(text) = next().filter(|_| !shutdown.is_cancelled()) {
///             self.sum.fetch_add(text.parse()?, Ordering::Relaxed);
///         }
///         Ok(())
///     }
/// }
///
/// let input = Mutex::new(VecDeque::from(["1", "two", "3"]));
/// let supervisor = Supervisor::new().daemon(Parser { input, sum: 0.into() });
/// let report = waterwheel::block_on(supervisor.run(CancellationToken::new()))?;
///
/// let parser = report.get("parser").expect("it was added");
/// assert_eq!((parser.starts, parser.restarts()), (2, 1));
/// assert_eq!(parser.last_error.as_deref(), Some("invalid digit found in string"));
/// # Ok::<(), BoxError>(())
/// ```
pub trait Daemon: Send + Sync + 'static {
    /// The name it goes by in reports. It must be unique within a supervisor and never change.
    fn name(&self) -> &str;

    /// The lane that its task runs in; tasks it spawns choose their own.
    fn priority(&self) -> Priority {
        Priority::default()
    }

    /// Gets ready: binds, opens, checks. Called once, before any daemon runs.
    ///
    /// # Errors
    ///
    /// Whatever makes it pointless to go on. The supervisor then runs no daemon at all.
    fn prepare(&self) -> impl Future<Output = Result<(), BoxError>> + Send {
        async { Ok(()) }
    }

    /// Does the work until it is done or `shutdown` is cancelled. Called again after a failure.
    ///
    /// # Errors
    ///
    /// Whatever ends the work early. An error and a panic are the same to the supervisor: both are
    /// reported, and it runs again after a back-off.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped if it does not end within the supervisor's
    /// [limit](Supervisor::stop_limit), or if the supervisor's own future is dropped.
    fn run(&self, shutdown: CancellationToken)
    -> impl Future<Output = Result<(), BoxError>> + Send;
}
