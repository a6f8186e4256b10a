//! The share against its promise, on random mixtures of polls and a manual clock.
//!
//! Book: chapter 16.

use std::future::poll_fn;
use std::ops::Range;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use fastrand::Rng;

use super::super::core::{self, Core};
use super::super::shared::Shared;
use super::*;
use crate::driver::{Clock, Driver};
use crate::runtime::Builder;
use crate::task::cell::meta::Kind;

const HOME: Priority = Priority::High;
const OTHER: Priority = Priority::Low;

/// One step of a worker: a poll, with what the worker did between it and the next.
#[derive(Clone, Copy, Debug)]
struct Step {
    begin: u64,
    end: u64,
    lane: Priority,
    /// By lane: did it have a task for the worker when the step began?
    has: [bool; 2],
}

impl Step {
    fn length(&self) -> u64 {
        self.end - self.begin
    }
}

/// A worker's loop without tasks and threads: the order of [`Core::next`](super::super::core::Core).
struct Model {
    pace: Pace,
    share: Share,
    now: u64,
    steps: Vec<Step>,
}

impl Model {
    fn new(parts: u32) -> Self {
        Self {
            pace: Pace::new(Share::polls_between_looks(parts)),
            share: Share::new(HOME, parts),
            now: 0,
            steps: Vec::new(),
        }
    }

    /// One step; `cost` is what a poll of each lane would take.
    fn step(&mut self, has: [bool; 2], cost: [u64; 2]) {
        if self.pace.is_due() {
            self.now += cost[0].min(1_000); // A turn of the driver, which belongs to the step before.
            self.pace.look(self.now);
            self.share.look(self.now);
            if let Some(before) = self.steps.last_mut() {
                before.end = self.now;
            }
        }
        let now = self.now;
        let begin = now;
        let turn = if self.share.is_due() {
            self.share.whose_turn(&self.pace, || now)
        } else {
            Turn::Home
        };
        let mut lane = None;
        if turn == Turn::Other {
            if has[OTHER.index()] {
                self.share.takes_turn(|| now);
                lane = Some(OTHER);
            } else {
                self.share.passes();
            }
        }
        match lane.or_else(|| [HOME, OTHER].into_iter().find(|lane| has[lane.index()])) {
            Some(lane) => {
                self.share.begins(lane, || now);
                self.now += cost[lane.index()];
                self.steps.push(Step { begin, end: self.now, lane, has });
            }
            None => {
                self.now += 1_000_000;
                self.share.slept(self.now);
                self.pace.slept();
                self.steps.push(Step { begin, end: self.now, lane: HOME, has });
            }
        }
    }
}

/// The length of the shortest time from `steps[first]` on for which the promise is made, and the
/// steps in it; `None` if the steps end before.
fn window(steps: &[Step], first: usize, parts: u64) -> Option<(u64, Range<usize>)> {
    let begin = steps[first].begin;
    let counts = |step: &&Step| begin - step.end < parts * step.length();
    let before = steps[..first].iter().filter(counts);
    let mut longest = before.map(Step::length).max().unwrap_or(0).max(1);
    for (at, step) in steps.iter().enumerate().skip(first) {
        if at > first && step.begin >= begin + parts * longest {
            return Some((parts * longest, first..at));
        }
        longest = longest.max(step.length());
    }
    None
}

/// What `lane` got of the first `length` ns of `steps`.
fn got(steps: &[Step], lane: Priority, length: u64) -> u64 {
    let end = steps[0].begin + length;
    let of_lane = steps.iter().filter(|step| step.lane == lane);
    of_lane.map(|step| step.end.min(end) - step.begin).sum()
}

/// The least part of a time that `lane` got where it was promised one, times `parts`: 1 is enough.
/// Looks at times that begin with some of the steps.
fn least_part(steps: &[Step], lane: Priority, parts: u32, rng: &mut Rng) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..100 {
        let first = rng.usize(0..steps.len());
        let Some((length, inside)) = window(steps, first, parts.into()) else { continue };
        let inside = &steps[inside];
        if inside.iter().all(|step| step.has[lane.index()]) {
            let part = got(inside, lane, length) as f64 / length as f64;
            least = least.min(part * f64::from(parts));
        }
    }
    least
}

/// How long polls of one lane are, and how often it has a task.
#[derive(Clone, Debug)]
struct Habit {
    short: Range<u64>,
    long: Range<u64>,
    /// Of a hundred polls, how many are long.
    long_in_100: u32,
    /// Of a hundred steps, before how many the lane is empty.
    empty_in_100: u32,
}

impl Habit {
    fn random(rng: &mut Rng) -> Self {
        let mut length = || {
            let magnitude = 10_u64.pow(rng.u32(1..8));
            magnitude..magnitude * rng.u64(2..20)
        };
        let (short, long) = (length(), length());
        let some = |rng: &mut Rng, most: u32| if rng.bool() { 0 } else { rng.u32(1..most) };
        Self { short, long, long_in_100: some(rng, 101), empty_in_100: some(rng, 30) }
    }

    fn cost(&self, rng: &mut Rng) -> u64 {
        let long = rng.u32(0..100) < self.long_in_100;
        rng.u64(if long { self.long.clone() } else { self.short.clone() })
    }

    fn has(&self, rng: &mut Rng) -> bool {
        rng.u32(0..100) >= self.empty_in_100
    }
}

fn run(parts: u32, rng: &mut Rng, phases: u32) -> Vec<Step> {
    let mut model = Model::new(parts);
    for _ in 0..phases {
        let mut habits = [Habit::random(rng), Habit::random(rng)];
        // One lane is never empty, and its part is looked at.
        habits[rng.usize(0..2)].empty_in_100 = 0;
        for _ in 0..rng.u32(50..2_000) {
            let cost = [habits[0].cost(rng), habits[1].cost(rng)];
            let has = [habits[0].has(rng), habits[1].has(rng)];
            model.step(has, cost);
        }
    }
    model.steps
}

#[test]
fn each_lane_gets_its_part_of_any_mixture_of_polls() {
    let mut tried = [0; 2];
    for round in 0..200 {
        let seed = fastrand::u64(..);
        let mut rng = Rng::with_seed(seed);
        let parts = [8, 9, 16, 64, 64, 64, 200][rng.usize(0..7)];
        let phases = rng.u32(1..4);
        let steps = run(parts, &mut rng, phases);
        for lane in [HOME, OTHER] {
            let least = least_part(&steps, lane, parts, &mut rng);
            assert!(least >= 0.999, "round {round}, seed {seed}: {lane}: {least} of 1/{parts}");
            tried[lane.index()] += u32::from(least.is_finite());
        }
    }
    assert!(tried.iter().all(|tried| *tried > 20), "{tried:?}");
}

/// What a task of the tests below does: it yields for ever, and each of its polls takes some time.
async fn turn_the_clock(shared: Arc<Shared>, habit: Habit, seed: u64, stop: Arc<AtomicBool>) {
    let mut rng = Rng::with_seed(seed);
    while !stop.load(Ordering::SeqCst) {
        assert!(shared.driver.clock().advance(Duration::from_nanos(habit.cost(&mut rng))));
        let mut yielded = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Lets one worker of a runtime that has no threads poll `tasks` of each lane, and tells its steps.
fn steps_of_a_core(
    builder: Builder,
    home: Priority,
    tasks: [usize; 2],
    rng: &mut Rng,
) -> Vec<Step> {
    let driver = Driver::new(Clock::manual()).expect("a descriptor is free");
    // The watchdog has a clock of its own: a test that is kept waiting is no worker that is stuck.
    let settings = builder.slow_poll_after(Duration::from_secs(3_600)).into_settings();
    let (shared, cores) = Shared::new(settings, driver);
    let mut core: Core = cores.into_iter().find(|core| core.home() == home).expect("there is one");
    let stop = Arc::new(AtomicBool::new(false));
    let handles: Vec<_> = Priority::ALL
        .into_iter()
        .flat_map(|lane| std::iter::repeat_n(lane, tasks[lane.index()]))
        .map(|lane| {
            let habit = Habit::random(rng);
            let work = turn_the_clock(Arc::clone(&shared), habit, rng.u64(..), Arc::clone(&stop));
            shared.spawn(work, Kind::Lane(lane), None, Location::caller())
        })
        .collect();
    let (mut steps, has) = (Vec::new(), tasks.map(|tasks| tasks > 0));
    loop {
        match core.next() {
            core::Step::Poll(runnable) | core::Step::ObservedPoll(runnable) => {
                let (lane, begin) = (runnable.meta().lane(), shared.driver.clock().nanos());
                runnable.run();
                steps.push(Step { begin, end: shared.driver.clock().nanos(), lane, has });
            }
            core::Step::TurnDriver => {}
            core::Step::Sleep => break,
        }
        stop.store(steps.len() > 4_000, Ordering::SeqCst);
    }
    drop(handles);
    steps.truncate(4_000);
    steps
}

#[test]
fn a_worker_gives_each_lane_its_part_whatever_the_mixture() {
    let (few, many) = (1, 60);
    for round in 0..10 {
        let seed = fastrand::u64(..);
        let mut rng = Rng::with_seed(seed);
        for (tasks, home, other) in
            [([few, many], 1, 0), ([many, few], 1, 0), ([few, many], 0, 1), ([many, few], 0, 1)]
        {
            let lane = if home == 1 { Priority::High } else { Priority::Low };
            let parts = [8, 64][rng.usize(0..2)];
            let builder = Builder::default().with_high_num(home).with_low_num(other);
            let steps = steps_of_a_core(builder.lane_share(parts), lane, tasks, &mut rng);
            for of in Priority::ALL {
                let least = least_part(&steps, of, parts, &mut rng);
                assert!(
                    least >= 0.999,
                    "round {round}, seed {seed}, home {lane}, {tasks:?}: {of} has {least} of 1/{parts}"
                );
            }
        }
    }
}

#[test]
fn with_stealing_off_one_way_the_other_way_still_has_its_part() {
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    let build = || {
        let builder = Builder::default().with_high_num(1).with_low_num(1);
        builder.with_stealing(Priority::Low, false)
    };
    let steps = steps_of_a_core(build(), Priority::High, [5, 5], &mut rng);
    assert!(steps.iter().all(|step| step.lane == Priority::High), "seed {seed}");
    let steps = steps_of_a_core(build(), Priority::Low, [5, 5], &mut rng);
    for lane in Priority::ALL {
        let least = least_part(&steps, lane, DEFAULT_PARTS, &mut rng);
        assert!(least >= 0.999, "seed {seed}: {lane} has {least}");
    }
}
