//! The watchdog: one thread that notices, from outside, a worker that is stuck in a poll.
//!
//! A worker publishes what it counts anyway, and [what it is doing](super::doing). The watchdog looks
//! at both every half [`slow_poll_after`](crate::Builder::slow_poll_after) and notes when they
//! change. A worker that does something, and has done nothing else for two whole pauses between
//! looks, is in a *slow* poll. Pauses count and not the clock, so that a process that was stopped for
//! a while finds no slow poll when it goes on.
//!
//! What is done about it, at each look for as long as the poll lasts:
//!
//! - what is queued behind it gets a worker, if one sleeps that may serve the lane; the worker's
//!   queues are open to thieves at all times;
//! - what is in its [LIFO slots](super::lifo) is given to the others;
//! - the driver gets a holder, if a worker sleeps that can be one;
//! - if there is something to do and nobody left to do it, a [replacement](super::replacement) starts;
//! - the first time, the poll is counted and reported.
//!
//! When the watchdog sleeps, and who arms it: see [`arming`](super::arming). It starts when it is
//! first needed, holds no lock while it calls the hook, and rescues before it reports, so a hook that
//! does not return costs the next slow poll its rescue and nothing else.
//!
//! How it fails: without a thread to be had there is no watchdog; that is counted, and the next
//! worker that leaves a gap tries again.
//!
//! Book: chapter 17.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::arming::{Arming, Slept, Watch};
use super::context::{self, Role};
use super::counters::Counters;
use super::doing::Activity;
use super::idle::WorkerIndex;
use super::life::Phase;
use super::replacement::Replaced;
use super::shared::{Shared, TaskInfo};
use crate::priority::Priority;
use crate::sync::internal::{AtomicBool, Ordering, fence, now};
use crate::task::cell::meta::Kind;
use crate::task::contain::contain;
use crate::task::slow::SlowPoll;

/// After how many whole pauses without change a poll is slow. A pause is
/// [`slow_poll_after`](crate::Builder::slow_poll_after) divided by this.
const PAUSES: u32 = 2;

/// What the others see of the watchdog.
#[derive(Debug)]
pub(crate) struct Watchdog {
    pub(super) arming: Arming,
    started: AtomicBool,
}

impl Watchdog {
    pub(super) fn new() -> Self {
        Self { arming: Arming::new(), started: AtomicBool::new(false) }
    }

    /// The runtime ends.
    pub(super) fn wake(&self) {
        if self.started.load(Ordering::SeqCst) {
            self.arming.wake();
        }
    }
}

impl Shared {
    /// A worker has become busy: is there anything to watch for now? The caller has left the
    /// searchers and put a fence behind that.
    pub(super) fn watch(&self) {
        if self.settings.on_slow_poll.is_some() {
            self.watch_for(Watch::Everyone);
        } else if !self.watchdog.arming.is_at_least(Watch::Gaps)
            && self.idle.leaves_a_gap(|| self.driver.is_held())
        {
            self.watch_for(Watch::Gaps);
        }
    }

    /// A worker is about to call wakers, perhaps while it counts as searching: that keeps nobody from
    /// his work but is reported, if anybody has asked for reports.
    pub(super) fn watch_wakers(&self) {
        if self.settings.on_slow_poll.is_some() {
            fence(Ordering::SeqCst);
            self.watch_for(Watch::Everyone);
        }
    }

    /// Arms the watchdog. For [`Watch::Everyone`] the caller is a busy worker, or has put a fence
    /// behind the begin of what shall be watched.
    pub(super) fn watch_for(&self, level: Watch) {
        let watchdog = &self.watchdog;
        if self.settings.slow_poll_after == Duration::MAX {
            return; // No poll is ever slow.
        }
        if !watchdog.arming.is_at_least(level)
            && watchdog.arming.arm(level)
            && !watchdog.started.swap(true, Ordering::SeqCst)
        {
            self.start_watchdog();
        }
    }

    fn start_watchdog(&self) {
        let Some(shared) = self.itself.upgrade() else { return };
        if self.threads.start("watchdog", move || run(&shared)).is_err() {
            self.failed_threads.fetch_add(1, Ordering::Relaxed);
            self.watchdog.started.store(false, Ordering::SeqCst);
            self.watchdog.arming.give_up();
        }
    }

    /// A busy worker is about to keep tasks to itself, in its LIFO slot or by announcing them to
    /// nobody: does the watchdog watch over them?
    pub(super) fn watches_hidden(&self) -> bool {
        let arming = &self.watchdog.arming;
        arming.is_at_least(Watch::Everyone) || {
            self.watch_for(Watch::Everyone);
            arming.is_at_least(Watch::Everyone)
        }
    }

    /// Is there still something to watch for? The caller has put a fence before it.
    fn needs_watch(&self, level: Watch) -> bool {
        match level {
            Watch::Off => false,
            Watch::Gaps => self.idle.leaves_a_gap(|| self.driver.is_held()),
            Watch::Everyone => {
                let is_busy = |counters: &Counters| counters.doing.get().is_work();
                let workers = self.homes().len() + self.replacements.active();
                self.idle.idlers() < workers || self.counters().any(is_busy)
            }
        }
    }
}

fn run(shared: &Arc<Shared>) {
    let _member = context::enter(shared, Role::Thread);
    let pause = (shared.settings.slow_poll_after / PAUSES).max(Duration::from_nanos(1));
    let arming = &shared.watchdog.arming;
    let ends = || shared.is_at_least(Phase::Cancelling);
    let mut eyes = Eyes::new(shared);
    let mut slept = Slept::Woken;
    while !ends() {
        // Not as soon as it was armed: it would be armed again with the next task in a slot.
        if eyes.look(shared, slept) == Found::NothingSlow && slept == Slept::Paused {
            arming.disarm(|level| shared.needs_watch(level));
        }
        slept = arming.sleep(pause, ends);
    }
}

/// What the watchdog has seen so far.
pub(super) struct Eyes {
    /// By worker, then by replacement; the last one is the reserve.
    seen: Vec<Seen>,
}

/// What it has seen of one worker.
struct Seen {
    home: Priority,
    sequence: u64,
    activity: Activity,
    /// When this was seen first, and how many whole pauses ago.
    since: Instant,
    pauses: u32,
    /// What was done to have somebody stand in for it.
    replaced: Option<Replaced>,
}

/// What a look has found out about one worker.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Moved,
    BecomesSlow,
    None,
}

/// And about all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    NothingSlow,
    Slow,
}

impl Eyes {
    pub(super) fn new(shared: &Shared) -> Self {
        let now = now();
        let homes = shared.homes().iter().copied().chain(std::iter::repeat(Priority::High));
        let seen = shared.counters().zip(homes);
        Self { seen: seen.map(|(counters, home)| Seen::new(counters, home, now)).collect() }
    }

    /// One look at all workers.
    pub(super) fn look(&mut self, shared: &Arc<Shared>, slept: Slept) -> Found {
        let now = now();
        let mut reports = Vec::new();
        for (index, (seen, counters)) in self.seen.iter_mut().zip(shared.counters()).enumerate() {
            let worker = WorkerIndex(index);
            let change = seen.look(counters, now, slept);
            if change == Change::Moved
                && let Some(Replaced::By(replacement)) = seen.replaced.take()
            {
                shared.tell_to_retire(replacement);
            }
            let slow = (change == Change::BecomesSlow)
                .then(|| shared.slow_poll(worker, counters, seen, now));
            let hidden = if seen.is_slow() { shared.empty_slots(worker) } else { 0 };
            reports.extend(slow.map(|slow| SlowPoll { waiting: slow.waiting + hidden, ..slow }));
        }
        let found =
            if self.seen.iter().any(Seen::is_slow) { Found::Slow } else { Found::NothingSlow };
        if found == Found::Slow {
            shared.rescue();
            self.replace(shared);
        }
        for report in reports {
            shared.report(&report);
        }
        found
    }

    /// Replaces slow workers, as long as there is work that nobody is free to do.
    fn replace(&mut self, shared: &Arc<Shared>) {
        let owners = self.seen.len() - 1; // The reserve has no queues, and so no replacement.
        for index in 0..owners {
            let Seen { home, replaced, .. } = self.seen[index];
            if !self.seen[index].is_slow() || replaced.is_some() || !shared.lacks_a_worker(home) {
                continue;
            }
            let replaced = shared.replace(home);
            match replaced {
                Replaced::By(WorkerIndex(replacement)) => self.seen[replacement].home = home,
                Replaced::NoneLeft => return, // Perhaps at the next look.
                Replaced::Failed => {}
            }
            self.seen[index].replaced = Some(replaced);
        }
    }
}

impl Seen {
    fn new(counters: &Counters, home: Priority, now: Instant) -> Self {
        let (sequence, activity) = (counters.sequence(), counters.doing.get());
        Self { home, sequence, activity, since: now, pauses: 0, replaced: None }
    }

    fn look(&mut self, counters: &Counters, now: Instant, slept: Slept) -> Change {
        let (sequence, activity) = (counters.sequence(), counters.doing.get());
        if (self.sequence, self.activity) != (sequence, activity) {
            *self = Self { sequence, activity, since: now, pauses: 0, ..*self };
            return Change::Moved;
        }
        if activity.is_work() && slept == Slept::Paused {
            self.pauses = self.pauses.saturating_add(1);
            if self.pauses == PAUSES {
                return Change::BecomesSlow;
            }
        }
        Change::None
    }

    fn is_slow(&self) -> bool {
        self.pauses >= PAUSES
    }
}

impl Shared {
    /// Counts a poll that was just found slow, and says whose it is.
    fn slow_poll(
        &self,
        worker: WorkerIndex,
        counters: &Counters,
        seen: &Seen,
        now: Instant,
    ) -> SlowPoll {
        let task = seen
            .activity
            .place()
            .and_then(|place| self.registry.find(place, |task| TaskInfo::of(task.meta())));
        let lane = match task.as_ref().map(|task| task.kind) {
            Some(Kind::Lane(lane)) => lane,
            // The task has ended, though its poll has not.
            Some(Kind::Blocking) | None => seen.home,
        };
        counters.lane(lane).slow_polls.add(1);
        let duration = now.saturating_duration_since(seen.since);
        SlowPoll { task, lane, worker: worker.0, duration, waiting: self.queued_behind(worker) }
    }

    fn queued_behind(&self, worker: WorkerIndex) -> usize {
        if worker == self.reserve_index() {
            return 0; // It has no queues.
        }
        Priority::ALL.into_iter().map(|lane| self.seat(worker).thief(lane).len()).sum()
    }

    /// Gives what is in a worker's LIFO slots to the others, and tells how many that were.
    pub(super) fn empty_slots(&self, worker: WorkerIndex) -> usize {
        if worker == self.reserve_index() {
            return 0; // It has none.
        }
        let taken = |lane| self.seat(worker).slot(lane).take().map(|runnable| (runnable, lane));
        let hidden = Priority::ALL.into_iter().filter_map(taken);
        hidden.map(|(runnable, lane)| self.push_from_outside(runnable, lane)).count()
    }

    /// Sees to it that somebody who sleeps comes for what is queued, and for the driver.
    pub(super) fn rescue(&self) {
        for lane in Priority::ALL {
            if self.has_queued(lane) {
                self.notify(lane, true);
            }
        }
        fence(Ordering::SeqCst);
        self.ensure_driver_is_held();
    }

    fn report(&self, slow: &SlowPoll) {
        if let Some(hook) = &self.settings.on_slow_poll {
            drop(contain(|| hook(slow)));
        }
    }
}
