//! One poll of a task: what is counted before it, sampled around it, and told to the hooks.
//!
//! Book: chapter 20.

use super::counters::Counters;
use super::idle::WorkerIndex;
use super::settings::{PollHook, PollHooks};
use super::shared::{Runnable, Shared, TaskInfo};
use crate::budget;
use crate::priority::Priority;
use crate::task::contain::contain;
use crate::task::poll::TaskPoll;

/// Counts a poll that is about to be made, and the wait for it if that was timed: then the poll is to
/// be timed as well.
#[inline]
pub(super) fn count(
    shared: &Shared,
    counters: &Counters,
    lane: Priority,
    runnable: &Runnable,
) -> bool {
    let task = runnable.meta();
    counters.lane(lane).polls.add(1);
    counters.doing.polls(task.place());
    let waited = task.waited(|| shared.nanos());
    if let Some(waited) = waited {
        counters.lane(lane).wake_to_poll.record(waited);
    }
    waited.is_some()
}

/// Polls a task once. Nothing a task does comes back from here.
#[inline]
pub(super) fn run(shared: &Shared, runnable: Runnable) {
    budget::reset(shared.settings.poll_budget);
    runnable.run();
}

/// The same, between the hooks if there are any. How many ns did it take, with them?
#[cold]
pub(super) fn run_observed(shared: &Shared, worker: WorkerIndex, runnable: Runnable) -> u64 {
    let begun = shared.nanos();
    match &shared.settings.poll_hooks {
        None => run(shared, runnable),
        Some(hooks) => run_between(hooks, shared, worker, runnable),
    }
    shared.nanos().saturating_sub(begun)
}

fn run_between(hooks: &PollHooks, shared: &Shared, worker: WorkerIndex, runnable: Runnable) {
    let poll = TaskPoll { task: TaskInfo::of(runnable.meta()), worker: worker.0 };
    let call = |hook: &Option<PollHook>| {
        if let Some(hook) = hook {
            drop(contain(|| hook(&poll)));
        }
    };
    call(&hooks.start);
    run(shared, runnable);
    call(&hooks.end);
}
