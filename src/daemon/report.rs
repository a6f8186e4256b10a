//! What became of the daemons: the report at the end, the same while they run, and each failure.
//!
//! A daemon's states:
//!
//! ```text
//!            1           2                      asked to stop:
//!   Idle ────▶ Running ────▶ Finished
//!              ▲     │                          Running ──6──▶ Stopped
//!            4 │     │ 3                        Running ──7──▶ Failed
//!              │     ▼           5              Running ──8──▶ Cancelled
//!             Restarting ────────▶ Failed       Running ──9──▶ Stuck
//! ```
//!
//! 1 and 4 are made by `Keeper::keep`, at the start and when the back-off is over; 2 and 6 by
//! `Keeper::judge`, when `run` gives `Ok`; 3 and 7 by `Keeper::fail`, when it gives an error or
//! panics; 5 by `Keeper::fail`, when the stop finds it down; 8 and 9 by `Keeper::run_once`, when the
//! limit has passed and cancelling its task helps, or does not.
//!
//! Book: chapter 22.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where a daemon is in its life. See the picture in this file's source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Has not been started.
    #[default]
    Idle,
    /// Its `run` is under way.
    Running,
    /// Failed, and waits for its back-off to be over.
    Restarting,
    /// Its `run` returned `Ok` by itself. It is not started again.
    Finished,
    /// Its `run` returned `Ok` after it had been asked to stop.
    Stopped,
    /// It was down when it was asked to stop, or failed on the way.
    Failed,
    /// It did not end within its limit, so its task was cancelled and its future dropped.
    Cancelled,
    /// It did not end within its limit and could not be cancelled, because one of its polls does
    /// not return. It was left behind.
    Stuck,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Stuck => "stuck",
        })
    }
}

/// One failure of one daemon, as [`Supervisor::on_failure`](super::Supervisor::on_failure) gets it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The daemon's name.
    pub daemon: Arc<str>,
    /// Whether `run` returned an error or panicked.
    pub kind: FailureKind,
    /// The error with all its sources, or the panic's message.
    pub message: String,
    /// How long this run lasted.
    pub ran_for: Duration,
    /// How long the daemon now waits until it is started again; `None` if it was asked to stop.
    pub restart_in: Option<Duration>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            FailureKind::Error => "failed",
            FailureKind::Panic => "panicked",
        };
        write!(f, "daemon `{}` {what} after {:.1?}: {}", self.daemon, self.ran_for, self.message)?;
        match self.restart_in {
            Some(wait) => write!(f, "; restarting in {wait:.1?}"),
            None => f.write_str("; not restarted"),
        }
    }
}

/// The two ways in which a run fails. A supervisor treats them alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// `run` returned an error.
    Error,
    /// `run` panicked.
    Panic,
}

/// What became of one daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DaemonReport {
    /// The daemon's name.
    pub name: Arc<str>,
    /// How often it was started, the first time included.
    pub starts: u64,
    /// Its last error or panic message, if it ever failed.
    pub last_error: Option<String>,
    /// Where it is now; in a final report, how it ended.
    pub state: State,
}

impl DaemonReport {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self { name, starts: 0, last_error: None, state: State::Idle }
    }

    /// How often it was started again after a failure.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.starts.saturating_sub(1)
    }
}

/// What became of all daemons of a supervisor, in the order they were added.
///
/// Its `Display` is a table for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    daemons: Vec<DaemonReport>,
}

impl Report {
    /// All daemons, in the order they were added.
    #[must_use]
    pub fn daemons(&self) -> &[DaemonReport] {
        &self.daemons
    }

    /// The daemon of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&DaemonReport> {
        self.daemons.iter().find(|daemon| &*daemon.name == name)
    }

    /// How many restarts there were, over all daemons.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.daemons.iter().map(DaemonReport::restarts).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.daemons.iter().map(|daemon| daemon.name.len()).max().unwrap_or(0).max(6);
        write!(
            f,
            "{:width$}  {:10}  {:>6}  {:>8}  last error",
            "daemon", "state", "starts", "restarts"
        )?;
        for daemon in &self.daemons {
            write!(
                f,
                "\n{:width$}  {:10}  {:>6}  {:>8}  {}",
                daemon.name,
                daemon.state,
                daemon.starts,
                daemon.restarts(),
                daemon.last_error.as_deref().unwrap_or("-"),
            )?;
        }
        Ok(())
    }
}

/// The report of a supervisor at work. Clones look at the same daemons.
#[derive(Clone, Debug, Default)]
pub struct LiveReport(Arc<Mutex<Report>>);

impl LiveReport {
    /// Copies the report as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Report {
        self.with(|report| report.clone())
    }

    pub(super) fn add(&self, daemon: DaemonReport) {
        self.with(|report| report.daemons.push(daemon));
    }

    pub(super) fn update(&self, index: usize, change: impl FnOnce(&mut DaemonReport)) {
        self.with(|report| change(&mut report.daemons[index]));
    }

    fn with<T>(&self, f: impl FnOnce(&mut Report) -> T) -> T {
        // Nothing that can panic runs with the lock held, so a poisoned one is as good as new.
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
