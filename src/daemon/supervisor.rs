//! The supervisor: prepares daemons in order, keeps them up, stops them in reverse.
//!
//! Words: a *strategy* says whom a failure restarts. Here it is one-for-one: the daemon that failed,
//! and nobody else.
//!
//! Invariants:
//! 1. No daemon runs before all are prepared; a prepare that fails means that none runs.
//! 2. A daemon is asked to stop only when every daemon added after it has ended.
//! 3. A stop takes at most (stop limit + 1 s) × number of daemons.
//! 4. Dropping the future of [`Supervisor::run`] cancels every daemon.
//!
//! How it fails: [`StartError`], before anything runs. Later failures are the daemons' own and end
//! up in the [`Report`].
//!
//! Book: chapter 22.

use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;

use super::keeper::{Entry, Keeper, Policy};
use super::message::panic_message;
use super::report::{DaemonReport, Failure, LiveReport, Report};
use super::{Backoff, BoxError, Daemon};
use crate::Priority;
use crate::sync::CancellationToken;
use crate::task::{self, Task};

/// Keeps daemons up: one-for-one restart with back-off, stop in reverse order.
///
/// See the [module](super) for what it does when.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use waterwheel::daemon::{Backoff, BoxError, Daemon, FailureKind, State, Supervisor};
/// use waterwheel::sync::CancellationToken;
///
/// /// Panics twice, then finds its feet.
/// struct Newborn(std::sync::atomic::AtomicU32);
///
/// impl Daemon for Newborn {
///     fn name(&self) -> &str {
///         "newborn"
///     }
///
///     async fn run(&self, _shutdown: CancellationToken) -> Result<(), BoxError> {
///         let falls = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
///         assert!(falls >= 2, "fall {falls}");
///         Ok(())
///     }
/// }
///
/// let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(10))?;
/// let supervisor = Supervisor::new()
///     .daemon(Newborn(0.into()))
///     .backoff(backoff)
///     .on_failure(|failure| assert_eq!(failure.kind, FailureKind::Panic));
///
/// let report = waterwheel::block_on(supervisor.run(CancellationToken::new()))?;
/// let newborn = report.get("newborn").expect("it was added");
/// assert_eq!(newborn.state, State::Finished);
/// assert_eq!(newborn.restarts(), 2);
/// assert_eq!(newborn.last_error.as_deref(), Some("fall 1"));
/// # Ok::<(), BoxError>(())
/// ```
#[must_use = "a supervisor does nothing until it is run"]
#[derive(Default)]
pub struct Supervisor {
    entries: Vec<Entry>,
    policy: Policy,
    live: LiveReport,
}

impl Supervisor {
    /// Makes a supervisor without daemons.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a daemon. Daemons are prepared and started in this order and stopped in the reverse, so
    /// add a daemon after those that it needs.
    pub fn daemon(mut self, daemon: impl Daemon) -> Self {
        let (name, priority) = (Arc::from(daemon.name()), daemon.priority());
        self.live.add(DaemonReport::new(Arc::clone(&name)));
        self.entries.push(Entry { name, priority, daemon: Arc::new(daemon) });
        self
    }

    /// Sets how long a daemon waits after a failure; see [`Backoff::default`] for the default.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.policy.backoff = backoff;
        self
    }

    /// Sets how long each daemon may take to stop before its task is cancelled; 5 s by default.
    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.policy.stop_limit = limit;
        self
    }

    /// Calls `hook` at each failure of a daemon, on the thread of a worker: it should not block.
    /// A panic in it is contained. The last hook given counts.
    pub fn on_failure(mut self, hook: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        self.policy.on_failure = Some(Box::new(hook));
        self
    }

    /// A view of the report that stays current while the supervisor runs.
    #[must_use]
    pub fn live_report(&self) -> LiveReport {
        self.live.clone()
    }

    /// Runs the daemons until `shutdown` is cancelled or all of them have finished.
    ///
    /// If `shutdown` is cancelled before all are prepared, none is started.
    ///
    /// # Errors
    ///
    /// [`StartError`], if two daemons have the same name or one cannot be prepared. No daemon has
    /// run then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels all daemons at once, in no particular order. Cancel `shutdown`
    /// to stop them in good order.
    pub async fn run(self, shutdown: CancellationToken) -> Result<Report, StartError> {
        self.check_names()?;
        let live = self.live.clone();
        if self.prepare(&shutdown).await? == Prepared::All {
            let mut running = self.start(&shutdown);
            or(shutdown.cancelled(), all_ended(&mut running)).await;
            stop_in_reverse(&mut running).await;
        }
        Ok(live.snapshot())
    }

    fn check_names(&self) -> Result<(), StartError> {
        let mut seen = HashSet::new();
        match self.entries.iter().find(|entry| !seen.insert(&entry.name)) {
            Some(twin) => Err(StartError::DuplicateName(twin.name.to_string())),
            None => Ok(()),
        }
    }

    async fn prepare(&self, shutdown: &CancellationToken) -> Result<Prepared, StartError> {
        for entry in &self.entries {
            let step = entry.spawn(Arc::clone(&entry.daemon).prepare());
            let source = match shutdown.run_until_cancelled(step.outcome()).await {
                None => return Ok(Prepared::Interrupted),
                Some(Ok(Ok(()))) => continue,
                Some(Ok(Err(error))) => error,
                Some(Err(error)) => panic_message(error).into(),
            };
            return Err(StartError::PrepareFailed { daemon: entry.name.to_string(), source });
        }
        Ok(Prepared::All)
    }

    /// Starts a keeper for each daemon, in order.
    fn start(self, shutdown: &CancellationToken) -> Vec<Running> {
        let Self { entries, policy, live } = self;
        let policy = Arc::new(policy);
        let keepers = entries.into_iter().enumerate().map(|(index, entry)| Keeper {
            entry,
            policy: Arc::clone(&policy),
            live: live.clone(),
            index,
            shutdown: shutdown.clone(),
            stop: CancellationToken::new(),
        });
        keepers.map(Running::start).collect()
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.entries.iter().map(|entry| &entry.name).collect();
        f.debug_struct("Supervisor").field("daemons", &names).finish_non_exhaustive()
    }
}

#[derive(PartialEq, Eq)]
enum Prepared {
    All,
    Interrupted,
}

/// A daemon under its keeper's eye. Dropping it cancels both.
struct Running {
    stop: CancellationToken,
    keeper: Task<()>,
}

impl Running {
    fn start(keeper: Keeper) -> Self {
        let stop = keeper.stop.clone();
        let builder = task::Builder::new().name(format!("keeper of {}", keeper.entry.name));
        Self { stop, keeper: builder.priority(Priority::High).spawn(keeper.keep()) }
    }
}

/// Waits until every daemon has ended by itself. Those that have are gone from the end of the list.
async fn all_ended(running: &mut Vec<Running>) {
    while let Some(last) = running.last_mut() {
        (&mut last.keeper).await;
        running.pop();
    }
}

/// Stops the daemons, the last one first, each only when the one after it has ended.
async fn stop_in_reverse(running: &mut Vec<Running>) {
    while let Some(last) = running.last_mut() {
        last.stop.cancel();
        (&mut last.keeper).await;
        running.pop();
    }
}

/// Tells why a supervisor did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Two daemons have this name.
    DuplicateName(String),
    /// A daemon could not be prepared.
    PrepareFailed {
        /// The daemon's name.
        daemon: String,
        /// What it said; the message of its panic, if it panicked.
        source: BoxError,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateName(name) => write!(f, "two daemons are named `{name}`"),
            Self::PrepareFailed { daemon, .. } => write!(f, "cannot prepare daemon `{daemon}`"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::DuplicateName(_) => None,
            Self::PrepareFailed { source, .. } => Some(&**source),
        }
    }
}
