//! A worker's part: its queues, and the order in which it looks for work.
//!
//! ```text
//! each round      home lane: LIFO slot, own queue, injector
//! (High-home:     Low it has adopted, Low's injector)
//! out of work     search: home lane of the others, then the other lane, if it may
//! still nothing   sleep: in the driver, if nobody is there, else on a condition variable
//! its turn        the other lane first: see [`Share`]
//! every 100 us    turn the driver, take in what waits in the injectors (see [`Pace`]), and take what is
//!                 queued behind a worker that is still in the same poll
//! ```
//!
//! The look at one of the others is for progress: a worker that always has work of its own would never
//! search, and what is queued behind a worker stuck in a poll would wait as long as that. From one
//! that makes progress nothing is taken: tasks would only change places, each with its caches to be
//! warmed again. (Half of the others' queues every 61 ticks, whoever they were: 31 ns a yield with two
//! workers, instead of 20; `yield-2`, November 2026.)
//!
//! Book: chapters 12 and 16.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::batch::Batch;
use super::idle::WorkerIndex;
use super::life::Phase;
use super::lifo::IN_A_ROW;
use super::one_poll;
use super::outbox::Outbox;
use super::pace::Pace;
use super::run_queue::RunQueue;
use super::samples::Wakeups;
use super::seat::Seat;
use super::share::{Share, Turn};
use super::shared::{Runnable, Shared};
use crate::priority::Priority;
use crate::sync::internal::fence;
use crate::task::cell::Woken;
use crate::task::cell::live::Leaving;
use crate::task::cell::meta::{Kind, Owner};
use crate::task::native::Native;

/// What is a worker's own.
#[derive(Debug)]
pub(crate) struct Core {
    shared: Arc<Shared>,
    seat: Arc<Seat>,
    index: WorkerIndex,
    home: Priority,
    /// By lane: may this worker take tasks of it?
    serves: [bool; 2],
    /// By lane: may it keep them on its own queue? A Low-home worker keeps no High tasks: they would
    /// wait behind its Low ones.
    keeps: [bool; 2],
    /// By lane: whose tasks this worker keeps; nobody's, if it keeps none of that lane.
    owners: [Owner; 2],
    /// By lane.
    queues: [RunQueue<Runnable>; 2],
    /// It is time to look at one of the others.
    is_others_turn: bool,
    /// Which one, and how far it was when it was seen last.
    suspect: (WorkerIndex, u64),
    /// When the injectors and the driver have their turn.
    pace: Pace,
    /// When the other lane has its turn.
    share: Share,
    /// Counted among the searchers of [`Idle`](super::idle::Idle).
    searching: bool,
    /// The lane of the task under way; `None` between polls.
    polling: Option<Priority>,
    /// By lane: has a task been put into the LIFO slot? The watchdog may have taken it since.
    filled: [bool; 2],
    /// Are there hooks around polls?
    has_hooks: bool,
    /// What has ended here and was spawned elsewhere, and the other way round.
    outbox: Outbox,
    /// What the last turn of the driver has brought.
    batch: Batch,
    /// The turn under way wakes tasks, which are not announced one by one.
    is_waking: bool,
    /// This worker keeps what it has to itself: see [`Batch`].
    is_quiet: bool,
    /// How many tasks in a row have come from a LIFO slot.
    in_a_row: u32,
    wakeups: Wakeups,
    random: fastrand::Rng,
}

/// What a worker does next.
pub(super) enum Step {
    Poll(Runnable),
    /// One that is to be timed: one of a sample, or all if there are hooks to be called around them.
    ObservedPoll(Runnable),
    TurnDriver,
    Sleep,
}

impl Core {
    pub(super) fn new(
        shared: Arc<Shared>,
        index: WorkerIndex,
        home: Priority,
        queues: [RunQueue<Runnable>; 2],
    ) -> Self {
        shared.idle.join(home);
        let serves = Priority::ALL.map(|lane| shared.idle.serves().lane(home, lane));
        let keeps = Priority::ALL
            .map(|lane| serves[lane.index()] && (lane == home || home == Priority::High));
        let owners = Priority::ALL.map(|lane| match keeps[lane.index()] {
            true => Owner::new(&*shared, Kind::Lane(lane)),
            false => Owner::NOBODY,
        });
        let parts = shared.settings.lane_share;
        let random = fastrand::Rng::with_seed(shared.settings.seed ^ index.0 as u64);
        let seat = Arc::clone(shared.seat(index));
        let has_hooks = shared.settings.poll_hooks.is_some();
        Self {
            outbox: Outbox::new(&shared, &seat),
            seat,
            shared,
            index,
            home,
            serves,
            keeps,
            owners,
            queues,
            is_others_turn: false,
            suspect: (index, 0),
            pace: Pace::new(Share::polls_between_looks(parts)),
            share: Share::new(home, parts),
            searching: true,
            polling: None,
            filled: [false; 2],
            has_hooks,
            batch: Batch::new(),
            is_waking: false,
            is_quiet: false,
            in_a_row: 0,
            wakeups: Wakeups::new(),
            random,
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn index(&self) -> WorkerIndex {
        self.index
    }

    pub(super) fn home(&self) -> Priority {
        self.home
    }

    /// A turn of the driver is about to wake tasks: they are announced together, if anybody sleeps who
    /// could be woken in vain, and if the watchdog looks after them meanwhile.
    pub(super) fn begin_waking(&mut self) {
        if self.shared.idle.is_anyone_asleep() {
            // B2 of `arming`: the worker has just published that it wakes tasks.
            fence(Ordering::SeqCst);
            self.is_waking = self.shared.watches_hidden();
        }
    }

    /// It has woken them, or another thread goes on with this worker's part. Announces the tasks,
    /// unless they are worth nobody's while.
    pub(super) fn end_waking(&mut self) {
        if std::mem::take(&mut self.is_waking) {
            let queued = self.queues.iter().map(RunQueue::len).sum();
            self.is_quiet = self.batch.begin(self.shared.nanos(), queued);
            Priority::ALL.into_iter().for_each(|lane| self.share_the_moved(lane));
        }
    }

    /// Does the worker do without the help of those who sleep, for a moment?
    pub(super) fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// What is left when the worker is not needed any more.
    pub(super) fn into_queues(self) -> (WorkerIndex, [RunQueue<Runnable>; 2]) {
        (self.index, self.queues)
    }

    /// The worker goes to sleep. Was it searching?
    pub(super) fn fall_asleep(&mut self) -> bool {
        self.batch.end(|| self.shared.nanos());
        self.outbox.clear();
        self.is_quiet = false;
        std::mem::take(&mut self.searching)
    }

    /// The worker has slept, and counts as searching now.
    pub(super) fn wake_up(&mut self) {
        self.searching = true;
        self.pace.slept();
        self.share.slept(self.shared.nanos());
    }

    /// Decides what to do next.
    #[inline]
    pub(super) fn next(&mut self) -> Step {
        self.polling = None;
        if self.pace.is_due() && self.look_round() {
            return Step::TurnDriver;
        }
        let first = if self.share.is_due() { self.out_of_order() } else { None };
        match first.or_else(|| self.at_hand()).or_else(|| self.search()) {
            Some(runnable) if self.begin(&runnable) => Step::ObservedPoll(runnable),
            Some(runnable) => Step::Poll(runnable),
            None => Step::Sleep,
        }
    }

    /// What a busy worker does once in a while: see [`Pace`]. Is it time to turn the driver?
    #[inline(never)] // Rare, and in the middle of what every poll does.
    fn look_round(&mut self) -> bool {
        let now = self.shared.nanos();
        self.is_quiet &= self.batch.is_small_still(now);
        self.outbox.clear();
        let turn_driver = self.pace.look(now);
        self.is_others_turn = turn_driver;
        self.share.look(now);
        self.take_in_all();
        turn_driver
    }

    fn may_serve(&self, lane: Priority) -> bool {
        self.serves[lane.index()]
    }

    fn may_keep(&self, lane: Priority) -> bool {
        self.keeps[lane.index()]
    }

    /// What needs no search: the home lane, then Low that this worker has adopted or may.
    #[inline]
    fn at_hand(&mut self) -> Option<Runnable> {
        self.own(self.home).or_else(|| {
            let other = self.home.other();
            if self.may_keep(other) { self.own(other) } else { None }
        })
    }

    /// From the LIFO slot of `lane`, else from the own queue, else from the injector.
    #[inline(always)] // What every poll does.
    fn own(&mut self, lane: Priority) -> Option<Runnable> {
        if std::mem::take(&mut self.filled[lane.index()])
            && let Some(runnable) = self.seat.slot(lane).take()
        {
            self.in_a_row += 1;
            self.seat.counters.lane(lane).lifo_hits.add(1);
            return Some(runnable);
        }
        match self.queues[lane.index()].pop() {
            Some(runnable) => {
                self.in_a_row = 0;
                self.share_the_rest(lane);
                Some(runnable)
            }
            None if self.shared.injector(lane).is_empty() => None,
            None => self.injected(lane),
        }
    }

    /// If this worker has more than it is about to poll, and somebody sleeps who could help, wakes
    /// him. The pop before this is a full barrier, which a push by a task that yields is not: so
    /// yields need none.
    #[inline]
    fn share_the_rest(&self, lane: Priority) {
        if !self.is_quiet
            && self.shared.idle.is_anyone_asleep_for(lane)
            && !self.queues[lane.index()].is_empty()
        {
            self.shared.notify(lane, false);
        }
    }

    /// The same for tasks that were moved here from another queue, without a pop. Meanwhile they
    /// were in neither, and whoever looked has gone to sleep over them.
    fn share_the_moved(&self, lane: Priority) {
        fence(Ordering::SeqCst);
        self.share_the_rest(lane);
    }

    /// From the injector of `lane`: all of it if this worker may keep it, else one task.
    #[inline(never)] // Rare, and in the middle of what every poll does.
    fn injected(&mut self, lane: Priority) -> Option<Runnable> {
        if self.may_keep(lane) {
            if !self.take_in(lane) {
                return None;
            }
            let first = self.queues[lane.index()].pop();
            self.share_the_rest(lane);
            first
        } else {
            let one = self.shared.injector(lane).pop(|| self.shared.notify(lane, false))?;
            self.seat.counters.lane(lane).injected.add(1);
            Some(one)
        }
    }

    /// Moves what waits in the injector behind what is queued here.
    fn take_in(&mut self, lane: Priority) -> bool {
        let queue = &self.queues[lane.index()];
        let found = self.shared.injector(lane).drain(|runnable| queue.push(runnable));
        if found {
            self.seat.counters.lane(lane).injected.add(1);
        }
        found
    }

    /// The turn of the injectors: the home lane's, and that of a lane whose tasks are kept here.
    fn take_in_all(&mut self) {
        let other = self.home.other();
        let keeps_other = !self.queues[other.index()].is_empty();
        for lane in [Some(self.home), keeps_other.then_some(other)].into_iter().flatten() {
            if self.take_in(lane) {
                self.share_the_moved(lane);
            }
        }
    }

    /// What comes before the home lane, once in a while.
    #[inline(never)] // Rare, and in the middle of what every poll does.
    fn out_of_order(&mut self) -> Option<Runnable> {
        self.turn_of_the_other_lane().or_else(|| self.turn_of_the_others())
    }

    /// The turn of the other lane: see [`Share`].
    fn turn_of_the_other_lane(&mut self) -> Option<Runnable> {
        if self.share.whose_turn(&self.pace, || self.shared.nanos()) == Turn::Home {
            return None;
        }
        let runnable = self.take_from_other_lane();
        match &runnable {
            Some(_) => self.share.takes_turn(|| self.shared.nanos()),
            None => self.share.passes(),
        }
        runnable
    }

    /// The turn of what is queued behind another worker's poll that does not end.
    fn turn_of_the_others(&mut self) -> Option<Runnable> {
        if !std::mem::take(&mut self.is_others_turn) {
            return None;
        }
        let (suspect, seen) = self.suspect;
        let is_stuck = self.shared.seat(suspect).counters.sequence() == seen;
        let rescued = if is_stuck { self.rescue_from(suspect) } else { None };
        if rescued.is_none() {
            let next = WorkerIndex((suspect.0 + 1) % self.shared.queue_owners());
            self.suspect = (next, self.shared.seat(next).counters.sequence());
        }
        rescued
    }

    /// From the queues of one that is stuck, home lane first.
    fn rescue_from(&mut self, stuck: WorkerIndex) -> Option<Runnable> {
        let mut lanes = [self.home, self.home.other()].into_iter();
        lanes
            .find_map(|lane| if self.may_serve(lane) { self.steal_from(stuck, lane) } else { None })
    }

    /// From anywhere in the other lane, if this worker may serve it.
    fn take_from_other_lane(&mut self) -> Option<Runnable> {
        let lane = self.home.other();
        if !self.may_serve(lane) {
            return None;
        }
        let near = if self.may_keep(lane) { self.own(lane) } else { self.injected(lane) };
        near.or_else(|| self.steal(lane))
    }

    /// Looks at what the others have, home lane first; one searcher of a home at a time.
    #[inline(never)] // Rare, and in the middle of what every poll does.
    fn search(&mut self) -> Option<Runnable> {
        if !self.searching {
            self.searching = self.shared.idle.start_searching(self.home);
            if !self.searching {
                return None;
            }
        }
        self.steal(self.home).or_else(|| self.take_from_other_lane())
    }

    /// From another worker's queue of `lane`.
    fn steal(&mut self, lane: Priority) -> Option<Runnable> {
        let workers = self.shared.queue_owners();
        let start = self.random.usize(..workers);
        let mut victims = (start..start + workers).map(|victim| WorkerIndex(victim % workers));
        victims.find_map(|victim| self.steal_from(victim, lane))
    }

    /// Half of another worker's queue of `lane` if this worker may keep it, else one task.
    fn steal_from(&mut self, victim: WorkerIndex, lane: Priority) -> Option<Runnable> {
        if victim == self.index {
            return None;
        }
        let thief = self.shared.seat(victim).thief(lane);
        let keeps = self.may_keep(lane);
        let stolen =
            if keeps { thief.steal_half(&self.queues[lane.index()]) } else { thief.steal_one() }?;
        if keeps {
            self.share_the_moved(lane);
        }
        let counters = self.seat.counters.lane(lane);
        counters.steals.add(1);
        if keeps && lane != self.home {
            counters.adoptions.add(1);
        }
        Some(stolen)
    }

    /// The last thing before a poll. Is that to be observed?
    #[inline]
    fn begin(&mut self, runnable: &Runnable) -> bool {
        let lane = runnable.meta().lane();
        if self.searching {
            self.searching = false;
            if self.shared.idle.found_work(self.home) {
                self.shared.wake_successor(self.is_quiet.then_some(self.index));
                if [self.home, lane] != [Priority::High; 2] {
                    self.shared.wake_reserve_instead();
                }
            }
            self.shared.watch();
        }
        self.polling = Some(lane);
        self.share.begins(lane, || self.shared.nanos());
        one_poll::count(&self.shared, &self.seat.counters, lane, runnable) | self.has_hooks
    }

    /// A poll that was observed has taken so long.
    pub(super) fn record(&self, lane: Priority, nanos: u64) {
        self.seat.counters.lane(lane).poll_time.record(nanos);
    }

    /// Queues a task that was woken or spawned on this thread; gives it back if another worker must
    /// have it.
    #[inline]
    pub(super) fn keep(&mut self, runnable: Runnable, woken: Woken) -> Result<(), Runnable> {
        let meta = runnable.meta();
        let lane = match meta.owner() {
            owner if owner == self.owners[Priority::Low.index()] => Priority::Low,
            owner if owner == self.owners[Priority::High.index()] => Priority::High,
            _ => return Err(runnable),
        };
        if self.shared.is_at_least(Phase::Cancelling) {
            return Err(runnable);
        }
        if self.wakeups.is_sampled() {
            self.shared.stamp(meta);
        }
        let queue = &self.queues[lane.index()];
        if woken == Woken::Polled {
            // A task that yields is looked after when this worker pops the next one.
            queue.push(runnable);
        } else if self.polling == Some(lane) && self.has_place_in_slot(lane) {
            self.filled[lane.index()] = true;
            self.seat.slot(lane).fill(runnable)?;
        } else {
            queue.push(runnable);
            if self.is_waking {
                return Ok(());
            }
            self.shared.notify(lane, self.polling.is_some_and(|polling| polling != lane));
        }
        Ok(())
    }

    /// Keeps a task that has ended for a moment: see [`Outbox`].
    pub(super) fn put_aside(&mut self, task: Leaving<Shared>) -> Result<(), Leaving<Shared>> {
        self.outbox.put(task)
    }

    /// May the task that the one under way has woken or spawned go into the LIFO slot?
    fn has_place_in_slot(&self, lane: Priority) -> bool {
        let lane = lane.index();
        // A task that has finished wakes whoever awaits it: see `lifo`.
        let overtakes = self.in_a_row < IN_A_ROW && Native::is_polling();
        let pays = self.pace.are_polls_short() && !self.filled[lane];
        pays && (overtakes || self.queues[lane].is_empty()) && self.shared.watches_hidden()
    }
}
