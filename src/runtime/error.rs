//! Why a runtime could not be built.
//!
//! Book: chapter 3.

use std::{fmt, io};

use crate::priority::Priority;

/// Why a runtime could not be built. Nothing is left behind: threads that had been started have
/// ended and were joined.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// Both lanes were given no workers.
    NoWorkers,
    /// The lane has no workers of its own, and those of the other lane may not take from it.
    Unserved(Priority),
    /// More workers than a runtime can have.
    TooManyWorkers {
        /// How many were asked for.
        asked: usize,
        /// How many there may be.
        most: usize,
    },
    /// The least part of a worker's time for each lane is out of range.
    LaneShare {
        /// One part of how many was asked for.
        asked: u32,
        /// What may be asked for.
        allowed: std::ops::RangeInclusive<u32>,
    },
    /// A setting that must be at least one is zero; the setting's name.
    Zero(&'static str),
    /// The thread name holds a NUL byte, at this offset in bytes.
    NulInThreadName(usize),
    /// The driver could not be made: too many open files, perhaps.
    Driver(io::Error),
    /// A worker's thread could not be started.
    Thread {
        /// Which worker, counted from 1.
        worker: usize,
        /// How many workers there were to be.
        workers: usize,
        /// What the system said.
        error: io::Error,
    },
    /// There is a process default already; `run` was called twice, or a task was spawned without a
    /// runtime before it.
    AlreadyRunning,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWorkers => {
                f.write_str("no workers: with_high_num and with_low_num are both 0; set one")
            }
            Self::Unserved(lane) => write!(
                f,
                "nobody serves lane {lane}: it has 0 workers and stealing from it is off; give it \
                 a worker or allow stealing"
            ),
            Self::TooManyWorkers { asked, most } => {
                write!(f, "{asked} workers are too many: at most {most}")
            }
            Self::LaneShare { asked, allowed } => write!(
                f,
                "lane_share({asked}) is out of range: it must be from {} to {}",
                allowed.start(),
                allowed.end()
            ),
            Self::Zero(setting) => write!(f, "{setting} must be at least 1"),
            Self::NulInThreadName(at) => {
                write!(f, "the thread name has a NUL byte at offset {at}")
            }
            Self::Driver(_) => f.write_str("the driver for sockets and timers could not be made"),
            Self::Thread { worker, workers, .. } => {
                write!(f, "the thread of worker {worker} of {workers} could not be started")
            }
            Self::AlreadyRunning => f.write_str(
                "the process has a default runtime already: call run() once, before anything is \
                 spawned, or use build()",
            ),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Driver(error) | Self::Thread { error, .. } => Some(error),
            _ => None,
        }
    }
}
