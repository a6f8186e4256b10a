//! What is compared: the rows, who takes part in each, with which workers, and what is measured.
//!
//! "1 worker" is 0 High-home and 1 Low-home worker. "2 workers" is our default on two cores, 1 + 1, with plain (Low)
//! tasks, printed beside 0 + 2. Runtimes without lanes get as many workers as both together; the textbook runtime gets
//! its two workers on the tasks' own queue, where it does best.
//!
//! Book: chapter 20

use crate::peer::Layout;
use crate::stats::Good::{self, High, Low};
use std::fmt;

/// A contestant's runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Waterwheel.
    Ours,
    /// tokio, one multi-thread runtime.
    Tokio,
    /// tokio, a runtime for each class of work.
    TokioTwo,
    /// smol.
    Smol,
    /// The textbook runtime whose idle workers block in `recv`.
    TextbookRecv,
    /// The textbook runtime whose idle workers sleep.
    TextbookSleep,
}

impl Who {
    /// All of them, in the order of a table's columns.
    pub(crate) const ALL: [Self; 6] = [
        Self::Ours,
        Self::Tokio,
        Self::TokioTwo,
        Self::Smol,
        Self::TextbookRecv,
        Self::TextbookSleep,
    ];

    /// The name that tables and command lines use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Tokio => "tokio",
            Self::TokioTwo => "tokio x2",
            Self::Smol => "smol",
            Self::TextbookRecv => "textbook recv",
            Self::TextbookSleep => "textbook sleep",
        }
    }
}

/// A runtime with its workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contestant {
    /// The runtime.
    pub(crate) who: Who,
    /// Its workers.
    pub(crate) layout: Layout,
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.who {
            Who::Tokio | Who::Smol => write!(f, "{} {}", self.who.name(), self.layout.total()),
            _ => write!(f, "{} {}", self.who.name(), self.layout),
        }
    }
}

impl Contestant {
    /// The form in which a parent tells its child.
    pub(crate) fn argument(self) -> String {
        format!("{}:{}", self.who.name(), self.layout)
    }

    /// Reads [`Contestant::argument`] back.
    ///
    /// # Errors
    ///
    /// One line, if it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, layout) = text.split_once(':').ok_or("a contestant is NAME:HIGH+LOW")?;
        let who = Who::ALL.into_iter().find(|who| who.name() == name);
        Ok(Self { who: who.ok_or(format!("no runtime `{name}`"))?, layout: layout.parse()? })
    }
}

/// One figure of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    /// Its name, with the unit.
    pub(crate) name: &'static str,
    /// Which way is good.
    pub(crate) good: Good,
    /// Where it is printed.
    pub(crate) place: Place,
}

/// Where a metric is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the table: the row's point.
    Table,
    /// In the record only, with a verdict.
    Record,
    /// In the record only, as a fact about the run.
    Fact,
}

/// The kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// 10,000 tasks spawned and joined by a thread outside.
    SpawnOutside,
    /// 10,000 tasks spawned and joined by a task.
    SpawnWorker,
    /// A task spawns the next, 10,000 times.
    Chained,
    /// 1,000 tasks yield.
    Yield,
    /// 1,000 pairs exchange oneshots.
    PingPong,
    /// An echo server with so many connections.
    Echo(usize),
    /// High's latency while Low is saturated.
    Lanes,
    /// So many tasks sleep.
    Sleeps(usize),
    /// A timer is created, polled and dropped.
    TimerDrop,
    /// First poll on an idle runtime.
    Start,
}

/// One line of the comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// What filters and children call it.
    pub(crate) name: &'static str,
    /// The work.
    pub(crate) workload: Workload,
    /// Who takes part.
    pub(crate) contestants: &'static [Contestant],
    /// Whom ours is compared with.
    pub(crate) baselines: &'static [Who],
    /// What is measured.
    pub(crate) metrics: &'static [Metric],
    /// How far from 1 a ratio still counts as equal.
    pub(crate) band: f64,
    /// Part of `--quick`.
    pub(crate) quick: bool,
    /// What it measures.
    pub(crate) what: &'static str,
    /// How it could be unfair, and what was done about it.
    pub(crate) fair: &'static str,
}

impl Row {
    /// The row with this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.name == name)
    }
}

const fn of(who: Who, high: usize, low: usize) -> Contestant {
    Contestant { who, layout: Layout { high, low } }
}

const fn low(name: &'static str) -> Metric {
    Metric { name, good: Low, place: Place::Table }
}

const fn high(name: &'static str) -> Metric {
    Metric { name, good: High, place: Place::Table }
}

const fn in_record(metric: Metric) -> Metric {
    Metric { place: Place::Record, ..metric }
}

const ONE: &[Contestant] = &[
    of(Who::Ours, 0, 1),
    of(Who::Tokio, 0, 1),
    of(Who::Smol, 0, 1),
    of(Who::TextbookRecv, 0, 1),
    of(Who::TextbookSleep, 0, 1),
];
const TWO: &[Contestant] = &[
    of(Who::Ours, 1, 1),
    of(Who::Tokio, 0, 2),
    of(Who::Ours, 0, 2),
    of(Who::Smol, 0, 2),
    of(Who::TextbookRecv, 0, 2),
    of(Who::TextbookSleep, 0, 2),
];
const ONE_NET: &[Contestant] = &[ONE[0], ONE[1], ONE[2]];
const TWO_NET: &[Contestant] = &[TWO[0], TWO[1], TWO[2], TWO[3]];
const LANES_1_1: &[Contestant] = &[
    of(Who::Ours, 1, 1),
    of(Who::TokioTwo, 1, 1),
    of(Who::Tokio, 1, 1),
    of(Who::Smol, 1, 1),
    of(Who::TextbookRecv, 1, 1),
    of(Who::TextbookSleep, 1, 1),
];
const LANES_1_2: &[Contestant] = &[
    of(Who::Ours, 1, 2),
    of(Who::TokioTwo, 1, 2),
    of(Who::Tokio, 1, 2),
    of(Who::Smol, 1, 2),
    of(Who::TextbookRecv, 1, 2),
];

const TASK: &[Metric] = &[low("ns/task")];
const ECHO: &[Metric] = &[
    high("messages/s"),
    low("p99 us"),
    in_record(low("p50 us")),
    in_record(low("cpu us/message")),
];
const LANES: &[Metric] = &[
    in_record(low("high p50 us")),
    low("high p99 us"),
    high("low tasks/s"),
    in_record(low("high p99 us from spawn")),
    Metric { name: "low queued, least", good: High, place: Place::Fact },
];
const SLEEPS: &[Metric] =
    &[low("overshoot ms"), low("cpu ms"), low("late p50 ms"), low("late p99 ms")];

const SPAWN_OUTSIDE: Row = Row {
    name: "spawn-outside-1",
    workload: Workload::SpawnOutside,
    contestants: ONE,
    baselines: &[Who::Tokio],
    metrics: TASK,
    band: 0.05,
    quick: false,
    what: "a thread outside spawns 10,000 tasks and awaits each",
    fair: "the joins dominate if awaited out of order; all await in the order of spawning",
};
const SPAWN_WORKER: Row = Row {
    name: "spawn-worker-1",
    workload: Workload::SpawnWorker,
    what: "a task spawns 10,000 tasks and awaits each",
    fair: "a runtime that runs the newest task first is helped by a small batch; 10,000 fit no fixed queue",
    ..SPAWN_OUTSIDE
};
const YIELD: Row = Row {
    name: "yield-1",
    workload: Workload::Yield,
    metrics: &[low("ns/yield")],
    what: "1,000 tasks yield 1,000 times each",
    fair: "runtimes have yields of their own that know the scheduler; all use futures-lite's, which wakes itself",
    ..SPAWN_OUTSIDE
};
const PING_PONG: Row = Row {
    name: "ping-pong-1",
    workload: Workload::PingPong,
    metrics: &[low("ns/round trip")],
    what: "1,000 pairs of tasks throw a ball 200 times there and back, each over a fresh oneshot",
    fair: "the channel is much of the cost; all use the neutral crate `oneshot`",
    ..SPAWN_OUTSIDE
};
const CHAINED: Row = Row {
    name: "chained-1",
    workload: Workload::Chained,
    metrics: &[low("ns/spawn")],
    what: "a task spawns a task that spawns a task, 10,000 times",
    fair: "only one task is ever runnable, so a second worker can only be in the way: that is the point",
    ..SPAWN_OUTSIDE
};
const ECHO_64: Row = Row {
    name: "echo64-1",
    workload: Workload::Echo(64),
    contestants: ONE_NET,
    metrics: ECHO,
    band: 0.1,
    what: "TCP echo on loopback, 64 connections, 64 bytes, closed loop",
    fair: "the load generator shares the machine; it is one program on mio alone, in its own process, for all",
    ..SPAWN_OUTSIDE
};
const LANES_ROW: Row = Row {
    name: "lanes-1+1",
    workload: Workload::Lanes,
    contestants: LANES_1_1,
    baselines: &[Who::Tokio, Who::TokioTwo],
    metrics: LANES,
    quick: true,
    what: "a High task each ms while Low holds at least 1,000 queued tasks of 50 us",
    fair: "tokio's users would run two runtimes, so both forms are here; latency counts from the intended time",
    ..SPAWN_OUTSIDE
};
const TIMERS: Row = Row {
    name: "sleeps-2",
    workload: Workload::Sleeps(100_000),
    contestants: TWO,
    metrics: SLEEPS,
    what: "100,000 tasks sleep 100 ms; overshoot is the time until the last is joined beyond 100 ms",
    fair: "overshoot includes spawning them; lateness does not, it counts from each task's own first poll",
    ..SPAWN_OUTSIDE
};
const TIMER_DROP: Row = Row {
    name: "timer-drop-1",
    workload: Workload::TimerDrop,
    contestants: ONE_NET,
    metrics: &[low("ns/timer")],
    what: "a task creates a timer, polls it once and drops it, while 1,000 earlier ones are alive",
    fair: "an unpolled timer may never be registered, and the very first one may unpark the driver: neither is the case",
    ..SPAWN_OUTSIDE
};
const START: Row = Row {
    name: "start-2",
    workload: Workload::Start,
    contestants: TWO,
    metrics: &[low("p50 us"), low("p90 us")],
    band: 0.1,
    what: "spawn to first poll on a sleeping runtime",
    fair: "mostly the kernel waking a thread, the same for all that sleep in it",
    ..SPAWN_OUTSIDE
};

/// Every row, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    SPAWN_OUTSIDE,
    Row { name: "spawn-outside-2", contestants: TWO, ..SPAWN_OUTSIDE },
    SPAWN_WORKER,
    Row { name: "spawn-worker-2", contestants: TWO, quick: true, ..SPAWN_WORKER },
    YIELD,
    Row { name: "yield-2", contestants: TWO, quick: true, ..YIELD },
    PING_PONG,
    Row { name: "ping-pong-2", contestants: TWO, quick: true, ..PING_PONG },
    CHAINED,
    Row { name: "chained-2", contestants: TWO, ..CHAINED },
    ECHO_64,
    Row { name: "echo64-2", contestants: TWO_NET, quick: true, ..ECHO_64 },
    LANES_ROW,
    Row { name: "lanes-1+2", contestants: LANES_1_2, quick: false, ..LANES_ROW },
    TIMERS,
    TIMER_DROP,
    START,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_and_a_baseline_that_takes_part() {
        for row in ROWS {
            assert_eq!(ROWS.iter().filter(|other| other.name == row.name).count(), 1);
            for baseline in row.baselines {
                assert!(row.contestants.iter().any(|contestant| contestant.who == *baseline));
            }
        }
        assert_eq!(ROWS.iter().filter(|row| row.quick).count(), 5);
    }

    #[test]
    fn contestants_of_a_row_have_equally_many_workers() {
        for row in ROWS {
            let workers = row.contestants[0].layout.total();
            assert!(
                row.contestants.iter().all(|one| one.layout.total() == workers),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn a_contestant_is_read_back_from_its_argument() {
        for contestant in ROWS.iter().flat_map(|row| row.contestants) {
            assert_eq!(Contestant::parse(&contestant.argument()), Ok(*contestant));
        }
        assert!(Contestant::parse("ours").is_err());
        assert!(Contestant::parse("async-std:1+1").is_err());
    }
}
