//! Shutting a runtime down.
//!
//! One thread does it, the *closer*: the first caller of `shutdown`, or the drop of the `Runtime`.
//! Whoever else calls waits for the closer's result. Its steps, by phase:
//!
//! ```text
//! Running -> Grace       1 the registry is closed: no task enters any more; the token is cancelled
//!                        2 wait until no task is live, for the grace at most
//! Grace -> Cancelling    3 wake every live task and every thread; workers leave their loops after
//!                          the poll under way, threads for blocking calls after their call
//!                        4 wait for the threads, for `LAST_CALL` at most, and join them; wake
//!                          every live task once more
//!                        5 drop what is queued: steps 3 and 4 have queued all that waited
//! Cancelling -> Closed   6 from here on what is woken is dropped where it is woken
//!                        7 drop what was queued between 5 and 6; wake what still waits for I/O
//!                        8 no thread starts any more; join those of the steps before
//! ```
//!
//! Steps 5 to 7 run destructors and wakers, anybody's code. A closer who has promised to come back in
//! time leaves them to threads of the runtime, one after the other: if one meets a destructor that
//! does not return, the next goes on with the rest.
//!
//! Whoever runs code on behalf of a shutdown counts as one of the runtime's threads meanwhile, so a
//! destructor that asks for a shutdown is refused, and does not wait for itself.
//!
//! No future escapes. A task that waited was queued by step 3 and is dropped in 5 or 7. A task that
//! was being polled queues itself when the poll returns, since step 3 woke it: before 6 it is found
//! by 7, after 6 its own thread drops it (see `push_from_outside`). A task that a worker had taken out
//! of a queue and not begun to poll was still scheduled, so step 3's wake-up told it nothing: it may
//! wait after that poll, and step 4's finds it.
//!
//! Book: chapter 18.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::scheduler::context::{Role, enter, is_thread_of};
use crate::scheduler::life::Phase;
use crate::scheduler::shared::{Job, Shared, TaskInfo};
use crate::sync::internal::{now, thread};
use crate::task::cell::meta::Kind;
use crate::task::contain::contain;
use crate::task::id::TaskId;
use crate::task::native::Native;

/// How long after the grace the polls and calls under way may take. Less than the promised second,
/// which includes what the closer does itself.
const LAST_CALL: Duration = Duration::from_millis(700);

/// How long the destructors may take after that, and whatever is left of `LAST_CALL` besides.
const LAST_DROPS: Duration = Duration::from_millis(250);

/// How many threads may get stuck in destructors. They share the time, so a slow one is not taken
/// for a stuck one as long as there is some.
const SWEEPERS: u32 = 4;

/// Why a runtime is not shut down, or not completely.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The caller is one of the runtime's own threads. Nothing was done: shut down from outside, or
    /// let the thread that owns the `Runtime` do it.
    OnWorker,
    /// These did not return. All else has been shut down.
    Stuck(Vec<StuckTask>),
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnWorker => f.write_str(
                "a runtime cannot be shut down by one of its own threads: it would wait for itself",
            ),
            Self::Stuck(tasks) => {
                write!(
                    f,
                    "{} did not return: ",
                    if tasks.len() == 1 { "one call" } else { "some calls" }
                )?;
                for (n, task) in tasks.iter().enumerate() {
                    write!(f, "{}{task}", if n == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ShutdownError {}

/// A task or a blocking call that did not return when its runtime was shut down.
#[derive(Clone, Debug)]
pub struct StuckTask(TaskInfo);

impl StuckTask {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.0.id
    }

    /// The name it was given by [`task::Builder::name`](crate::task::Builder::name).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Where in the source it was spawned.
    #[must_use]
    pub fn spawn_site(&self) -> &'static Location<'static> {
        self.0.site
    }

    /// Is it a blocking call?
    #[must_use]
    pub fn is_blocking(&self) -> bool {
        self.0.kind == Kind::Blocking
    }
}

impl fmt::Display for StuckTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_blocking() { "blocking call" } else { "task" };
        match self.name() {
            Some(name) => write!(f, "{what} {name:?}")?,
            None => write!(f, "{what} {}", self.id())?,
        }
        write!(f, " spawned at {}", self.spawn_site())
    }
}

/// How long the closer waits for polls and calls that do not return.
#[derive(Clone, Copy)]
enum Patience {
    Until(Instant),
    Endless,
}

impl Patience {
    fn deadline(self) -> Option<Instant> {
        match self {
            Self::Until(deadline) => Some(deadline),
            Self::Endless => None,
        }
    }
}

pub(super) fn shutdown(shared: &Arc<Shared>, grace: Duration) -> Result<(), ShutdownError> {
    if is_thread_of(shared) {
        return Err(ShutdownError::OnWorker);
    }
    shared
        .closing
        .once(|| {
            let begun = now();
            let _closer = enter(shared, Role::Thread);
            begin(shared);
            let end = begun.checked_add(grace);
            shared.registry.wait_until(
                || shared.live_tasks() == 0,
                || match end {
                    Some(end) => {
                        Some(end.saturating_duration_since(now())).filter(|d| !d.is_zero())
                    }
                    None => Some(Duration::MAX),
                },
            );
            finish(shared, Patience::Until(now() + LAST_CALL))
        })
        .map_err(|stuck| ShutdownError::Stuck(stuck.into_iter().map(StuckTask).collect()))
}

/// The `Runtime` is dropped.
pub(super) fn dropped(shared: &Arc<Shared>) {
    let inside = Native::is_polling() || is_thread_of(shared);
    if !inside {
        close_and_wait(shared);
        return;
    }
    if shared.closing.has_begun() {
        return; // Whoever began it has promised the tasks a grace.
    }
    // Somebody's poll must not wait: a thread of its own does.
    begin(shared);
    shared.enter_phase(Phase::Cancelling);
    shared.unpark_all();
    let closer = thread::Builder::new().name("waterwheel-closer".to_owned());
    let owned = Arc::clone(shared);
    if closer.spawn(move || close_and_wait(&owned)).is_err() {
        // No thread to be had: the runtime's own end by themselves, and what is queued is freed
        // with the last handle.
        cancel(shared);
    }
}

fn close_and_wait(shared: &Arc<Shared>) {
    // Patience is endless, so nothing is ever stuck.
    let _ = shared.closing.once(|| {
        let _closer = enter(shared, Role::Thread);
        begin(shared);
        finish(shared, Patience::Endless)
    });
}

/// A worker of a runtime that is being built could not be started: end those that were.
pub(super) fn roll_back(shared: &Arc<Shared>) {
    close_and_wait(shared);
}

/// Step 1.
fn begin(shared: &Shared) {
    shared.enter_phase(Phase::Grace);
    shared.registry.close();
    // Wakes whoever waits for the token: anybody's code.
    drop(contain(|| shared.token.cancel()));
}

/// Step 3.
fn cancel(shared: &Shared) {
    shared.enter_phase(Phase::Cancelling);
    for job in shared.blocking.close() {
        match job {
            Job::Call(call) => drop(call),
            // Its queues are emptied with all the others.
            Job::Worker(core) => shared.give_up(core),
        }
    }
    wake_all_tasks(shared);
    shared.unpark_all();
}

/// Queues every task that waits, and has every one under way queued after its poll.
fn wake_all_tasks(shared: &Shared) {
    for waker in shared.registry.collect(|task| task.waker()) {
        waker.wake();
    }
}

/// Steps 3 to 8. The error names what is stuck.
fn finish(shared: &Arc<Shared>, patience: Patience) -> Result<(), Vec<TaskInfo>> {
    cancel(shared);
    // Even endless patience goes on after a while: a thread may block on a task that step 5 drops.
    let last_call = patience.deadline().unwrap_or_else(|| now() + LAST_CALL);
    shared.threads.join_all(Some(last_call));
    wake_all_tasks(shared);
    let end = patience.deadline().map(|polls| polls + LAST_DROPS);
    match end {
        None => sweep(shared),
        Some(end) => sweep_in_time(shared, end),
    }
    shared.threads.close();
    shared.threads.join_all(end);
    shared.close_outside();
    let all_gone = shared.registry.wait_until(
        || shared.live_tasks() == 0,
        || match end {
            None => Some(Duration::MAX),
            Some(end) => Some(end.saturating_duration_since(now())).filter(|d| !d.is_zero()),
        },
    );
    if all_gone { Ok(()) } else { Err(shared.live_task_infos()) }
}

fn sweep_in_time(shared: &Arc<Shared>, end: Instant) {
    for shares in (2..=SWEEPERS + 1).rev() {
        let owned = Arc::clone(shared);
        if shared.threads.start("closer", move || sweep(&owned)).is_err() {
            return sweep(shared); // No thread to be had: better late than not at all.
        }
        let begun = now();
        let share = end.saturating_duration_since(begun) / shares;
        if shared.threads.join_all(Some(begun + share)) {
            return;
        }
    }
}

/// Steps 5 to 7.
fn sweep(shared: &Arc<Shared>) {
    let _closer = enter(shared, Role::Thread);
    drop_queued(shared);
    shared.enter_phase(Phase::Closed);
    drop_queued(shared);
    let mut ready = Vec::new();
    shared.driver.close(&mut ready);
    for waker in ready {
        drop(contain(|| waker.wake()));
    }
}

fn drop_queued(shared: &Shared) {
    while let Some(runnable) = shared.take_any() {
        drop(runnable);
    }
}
