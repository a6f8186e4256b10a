//! What is compared: the rows, who takes part in each, with which workers, and what is measured.
//!
//! "1 worker" is 0 High-home and 1 Low-home worker. "2 workers" is our default on two cores, 1 + 1, with plain (Low)
//! tasks, printed beside 0 + 2. Runtimes without lanes get as many workers as both together; the textbook runtime gets
//! its two workers on the tasks' own queue, where it does best.
//!
//! Book: chapter 20

mod list;

pub(crate) use list::ROWS;

use crate::peer::Layout;
use crate::stats::Good;
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
    /// No runtime: a thread with a poller, as the limit. It stands beside the others and is nobody's baseline.
    EpollLoop,
}

impl Who {
    /// All of them, in the order of a table's columns.
    pub(crate) const ALL: [Self; 7] = [
        Self::Ours,
        Self::Tokio,
        Self::TokioTwo,
        Self::Smol,
        Self::TextbookRecv,
        Self::TextbookSleep,
        Self::EpollLoop,
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
            Self::EpollLoop => "epoll loop",
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
            Who::Tokio | Who::Smol | Who::EpollLoop => {
                write!(f, "{} {}", self.who.name(), self.layout.total())
            }
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
    /// A runtime is built, used once and ended.
    Cold,
    /// Four tasks send to a fifth.
    Mpsc,
    /// hyper says hello over so many connections.
    Hyper(usize),
    /// So many connections are open and silent.
    Idle(usize),
    /// Memory of a task that waits for ever.
    Pending,
    /// Memory of a task that sleeps.
    Sleeping,
}

impl Workload {
    /// Does it repeat a batch of equal operations, and nothing else?
    pub(crate) fn is_batched(self) -> bool {
        matches!(
            self,
            Self::SpawnOutside
                | Self::SpawnWorker
                | Self::Chained
                | Self::Yield
                | Self::PingPong
                | Self::Mpsc
                | Self::TimerDrop
        )
    }
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
            // The loop is one thread beside any row: it is a limit and no contestant's equal.
            let mut runtimes = row.contestants.iter().filter(|one| one.who != Who::EpollLoop);
            let workers = row.contestants[0].layout.total();
            assert!(runtimes.all(|one| one.layout.total() == workers), "{}", row.name);
            assert!(!row.baselines.contains(&Who::EpollLoop), "{}", row.name);
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
