//! The workloads, and how one of them is run once in a process of its own.
//!
//! Each file holds one kind of work as generic code over the peer traits; this one picks the runtime. Invariant: a
//! workload checks its own result (the sum of the outputs, the number of answers), so a runtime that loses work fails
//! instead of winning.
//!
//! Book: chapter 20

mod batch;
mod cold;
mod echo;
mod epoll_loop;
mod http;
mod idle;
mod lanes;
mod loaded;
mod memory;
mod messages;
mod mpsc;
mod spawn;
mod start;
mod timers;

pub(crate) use batch::{OPERATIONS, calibrate};

use crate::catalogue::{Who, Workload};
use crate::peer::{Ends, Layout, Ours, Peer, Serves, Sleeps, Smol, Web};
use crate::peer::{TextbookRecv, TextbookSleep, Tokio, TokioTwo};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The metrics that one run gave, by name.
pub(crate) type Sample = BTreeMap<String, f64>;

/// How long a run measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// As long as a table for the record needs.
    Full,
    /// Shorter, for a first look.
    Quick,
    /// So many batches after the first one, whatever they take: for counting instructions.
    Batches(usize),
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Quick => f.write_str("quick"),
            Self::Batches(count) => write!(f, "{count}"),
        }
    }
}

impl FromStr for Effort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "full" => Ok(Self::Full),
            "quick" => Ok(Self::Quick),
            count => count.parse().map(Self::Batches).map_err(|_| format!("no effort `{count}`")),
        }
    }
}

/// What loads an HTTP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generator {
    /// Our own program.
    Own,
    /// wrk, from the path.
    Wrk,
}

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Own { "own" } else { "wrk" })
    }
}

impl FromStr for Generator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "own" => Ok(Self::Own),
            "wrk" => Ok(Self::Wrk),
            _ => Err(format!("no load generator `{text}`")),
        }
    }
}

/// The settings of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// The workers.
    pub(crate) layout: Layout,
    /// How long it measures.
    pub(crate) effort: Effort,
    /// Turns of the spinning loop that take 50 us.
    pub(crate) spin: u64,
    /// What loads an HTTP server.
    pub(crate) generator: Generator,
}

/// Runs `workload` once on a runtime of its own.
///
/// # Errors
///
/// One line, if this runtime cannot do this work or the work went wrong.
pub(crate) fn measure(workload: Workload, who: Who, run: Run) -> Result<Sample, String> {
    match who {
        Who::Ours => with_sockets::<Ours>(workload, run),
        Who::Tokio => with_sockets::<Tokio>(workload, run),
        Who::Smol => with_sockets::<Smol>(workload, run),
        Who::TextbookRecv => with_timers::<TextbookRecv>(workload, run),
        Who::TextbookSleep => with_timers::<TextbookSleep>(workload, run),
        Who::TokioTwo => with_tasks::<TokioTwo>(workload, run),
        Who::EpollLoop => match workload {
            Workload::Echo(connections) => epoll_loop::serve(run, connections),
            _ => Err("the epoll loop can echo, and nothing else".to_owned()),
        },
    }
}

fn with_sockets<P: Serves<Connection: Web> + Sleeps + Ends>(
    workload: Workload,
    run: Run,
) -> Result<Sample, String> {
    match workload {
        Workload::Echo(connections) => echo::serve::<P>(run, connections),
        Workload::Hyper(connections) => http::serve::<P>(run, connections),
        Workload::Idle(connections) => idle::connections::<P>(run, connections),
        Workload::Cold => Ok(cold::starts::<P>(run)),
        _ => with_timers::<P>(workload, run),
    }
}

fn with_timers<P: Sleeps>(workload: Workload, run: Run) -> Result<Sample, String> {
    match workload {
        Workload::Sleeps(count) => Ok(timers::sleeps(P::start(run.layout), run, count)),
        Workload::Sleeping => memory::sleeping(P::start(run.layout)),
        Workload::TimerDrop => Ok(timers::create_and_drop(P::start(run.layout), run)),
        _ => with_tasks::<P>(workload, run),
    }
}

fn with_tasks<P: Peer>(workload: Workload, run: Run) -> Result<Sample, String> {
    let start = || P::start(run.layout);
    Ok(match workload {
        Workload::SpawnOutside => spawn::from_outside(start(), run),
        Workload::SpawnWorker => spawn::from_a_worker(start(), run),
        Workload::Chained => spawn::chained(start(), run),
        Workload::Yield => messages::yields(start(), run),
        Workload::PingPong => messages::ping_pong(start(), run),
        Workload::Lanes => lanes::saturated(start(), run),
        Workload::Start => start::latency(start(), run),
        Workload::Mpsc => mpsc::four_to_one(start(), run),
        Workload::Pending => memory::pending(start())?,
        Workload::Sleeps(_) | Workload::Sleeping | Workload::TimerDrop => {
            return Err("this runtime has no timers to measure here".to_owned());
        }
        Workload::Echo(_) | Workload::Hyper(_) | Workload::Idle(_) => {
            return Err("this runtime has no sockets".to_owned());
        }
        Workload::Cold => return Err("this runtime cannot be ended".to_owned()),
    })
}

/// One metric, by its name in the catalogue.
fn sample<const N: usize>(metrics: [(&str, f64); N]) -> Sample {
    metrics.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
