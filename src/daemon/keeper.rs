//! Keeps one daemon up: starts it, looks at how it ended, waits, starts it again.
//!
//! Each daemon has a keeper, a small task in the High lane: supervision must not queue behind the
//! work it supervises. The daemon itself runs in a task of its own, in its own lane, so that a panic
//! ends only that task and a daemon that will not stop can be cancelled from outside.
//!
//! Invariants:
//! 1. At most one run of a daemon exists at a time: the next starts after the last one's task ended.
//! 2. Nothing is restarted once the supervisor's `shutdown` is cancelled.
//! 3. A keeper whose `stop` is cancelled ends within the stop limit plus [`CANCEL_LIMIT`].
//! 4. Dropping a keeper cancels its daemon.
//!
//! How it fails: user code that panics (a daemon, the failure hook) is contained here.
//!
//! Book: chapter 22.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;

use super::erased::{AnyDaemon, Step};
use super::message::{contained, error_message, panic_message};
use super::report::{Failure, FailureKind, LiveReport, State};
use super::{Backoff, BoxError};
use crate::Priority;
use crate::sync::CancellationToken;
use crate::task::{self, Task, TaskError};
use crate::time;

/// How long a cancelled task may take until its future is dropped. Longer than a turn of a busy
/// lane; a task that needs more is stuck inside a poll.
const CANCEL_LIMIT: Duration = Duration::from_secs(1);

/// How long a daemon may take to stop, unless told otherwise.
const DEFAULT_STOP_LIMIT: Duration = Duration::from_secs(5);

/// What is called at each failure.
pub(super) type OnFailure = Box<dyn Fn(&Failure) + Send + Sync>;

/// What all keepers of a supervisor share.
pub(super) struct Policy {
    pub(super) backoff: Backoff,
    pub(super) stop_limit: Duration,
    pub(super) on_failure: Option<OnFailure>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { backoff: Backoff::default(), stop_limit: DEFAULT_STOP_LIMIT, on_failure: None }
    }
}

/// A daemon as the supervisor holds it.
pub(super) struct Entry {
    pub(super) name: Arc<str>,
    pub(super) priority: Priority,
    pub(super) daemon: Arc<dyn AnyDaemon>,
}

impl Entry {
    /// Runs a step of the daemon's life in a task of its own, named and in its lane.
    pub(super) fn spawn(&self, step: Step) -> Task<Result<(), BoxError>> {
        task::Builder::new().name(&*self.name).priority(self.priority).spawn(step)
    }
}

/// Looks after one daemon.
pub(super) struct Keeper {
    pub(super) entry: Entry,
    pub(super) policy: Arc<Policy>,
    pub(super) live: LiveReport,
    /// Its line in the report.
    pub(super) index: usize,
    /// Cancelled when the supervisor begins to stop: nothing is started from then on.
    pub(super) shutdown: CancellationToken,
    /// Cancelled when it is this daemon's turn to stop.
    pub(super) stop: CancellationToken,
}

impl Keeper {
    /// Runs the daemon until it has finished or has been stopped.
    pub(super) async fn keep(self) {
        let mut streak = 0;
        let end = loop {
            self.live.update(self.index, |line| {
                line.starts += 1;
                line.state = State::Running;
            });
            let started = time::now();
            let failed = match self.run_once().await {
                Ok(end) => break end,
                Err(failed) => failed,
            };
            let ran_for = time::now().saturating_duration_since(started);
            streak = self.policy.backoff.streak_after(streak, ran_for);
            let wait = self.policy.backoff.delay(streak, fastrand::u64(..));
            if !self.fail(failed, ran_for, wait).await {
                break State::Failed;
            }
        };
        self.live.update(self.index, |line| line.state = end);
    }

    /// Runs the daemon once. `Err` if it failed, otherwise how it ended for good.
    async fn run_once(&self) -> Result<State, Failed> {
        let daemon = Arc::clone(&self.entry.daemon);
        let task = self.entry.spawn(daemon.run(self.stop.clone()));
        let abort = task.abort_handle();
        let mut outcome = pin!(task.outcome());
        let in_time = or(async { Some(outcome.as_mut().await) }, async {
            self.stop.cancelled().await;
            time::sleep(self.policy.stop_limit).await;
            None
        });
        if let Some(outcome) = in_time.await {
            return self.judge(outcome);
        }
        abort.abort();
        match time::timeout(CANCEL_LIMIT, outcome).await {
            Ok(Err(TaskError::Cancelled)) => Ok(State::Cancelled),
            Ok(outcome) => self.judge(outcome), // it ended just as we lost patience
            Err(_) => Ok(State::Stuck),
        }
    }

    fn judge(&self, outcome: Result<Result<(), BoxError>, TaskError>) -> Result<State, Failed> {
        match outcome {
            Ok(Ok(())) if self.shutdown.is_cancelled() => Ok(State::Stopped),
            Ok(Ok(())) => Ok(State::Finished),
            Ok(Err(error)) => Err(Failed::error(error)),
            // "Cancelled" without our doing: it awaited a task that had been cancelled.
            Err(error) => Err(Failed::panic(error)),
        }
    }

    /// Reports a failure and waits out the back-off. False if there is to be no restart.
    async fn fail(&self, failed: Failed, ran_for: Duration, wait: Duration) -> bool {
        let restart_in = (!self.shutdown.is_cancelled()).then_some(wait);
        self.live.update(self.index, |line| {
            line.state = if restart_in.is_some() { State::Restarting } else { State::Failed };
            line.last_error = Some(failed.message.clone());
        });
        self.tell(&Failure {
            daemon: Arc::clone(&self.entry.name),
            kind: failed.kind,
            message: failed.message,
            ran_for,
            restart_in,
        });
        restart_in.is_some() && self.shutdown.run_until_cancelled(time::sleep(wait)).await.is_some()
    }

    /// Calls the failure hook. A hook that panics must not end the keeper; its panic has been seen
    /// by the panic hook of the process, and there is nobody else to tell.
    fn tell(&self, failure: &Failure) {
        if let Some(hook) = &self.policy.on_failure {
            contained(|| hook(failure));
        }
    }
}

/// Why a run failed, before anything is known about what happens next.
struct Failed {
    kind: FailureKind,
    message: String,
}

impl Failed {
    fn error(error: BoxError) -> Self {
        Self { kind: FailureKind::Error, message: error_message(error) }
    }

    fn panic(error: TaskError) -> Self {
        Self { kind: FailureKind::Panic, message: panic_message(error) }
    }
}
