//! What the daemons tell each other and the status page: counters, addresses, the last sample.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use waterwheel::Priority;
use waterwheel::daemon::{LiveReport, Report};

use crate::latency::Latency;
use crate::lines;
use crate::vitals::Vitals;

/// How many samples the status page draws: one a second for a minute.
const HISTORY: usize = 60;

/// A number that only grows. It orders nothing: `Relaxed` throughout.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Whether urgent work has a lane of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    Two,
    /// Everything in Low, for comparison.
    One,
}

impl Lanes {
    /// The lane for what somebody waits for.
    pub const fn urgent(self) -> Priority {
        match self {
            Self::Two => Priority::High,
            Self::One => Priority::Low,
        }
    }
}

/// What all daemons share.
#[derive(Debug)]
pub struct Shared {
    pub started: Instant,
    pub lanes: Lanes,
    quiet: bool,
    /// Where echo listens, once it does.
    pub echo_address: OnceLock<SocketAddr>,
    pub echo_connections: Counter,
    pub echo_bytes: Counter,
    pub http_requests: Counter,
    pub requests_sent: Counter,
    pub requests_answered: Counter,
    /// From the moment a request was to be sent to its answer.
    pub latency: Latency,
    pub ground: Counter,
    pub file_events: Counter,
    pub samples: Mutex<Vec<Vitals>>,
    /// The supervisor's view of the daemons, once there is one.
    pub daemons: OnceLock<LiveReport>,
}

impl Shared {
    /// `quiet` is for runs that print a result and nothing on the way.
    pub fn new(lanes: Lanes, quiet: bool) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            lanes,
            quiet,
            echo_address: OnceLock::new(),
            echo_connections: Counter::default(),
            echo_bytes: Counter::default(),
            http_requests: Counter::default(),
            requests_sent: Counter::default(),
            requests_answered: Counter::default(),
            latency: Latency::new(),
            ground: Counter::default(),
            file_events: Counter::default(),
            samples: Mutex::default(),
            daemons: OnceLock::new(),
        })
    }

    /// The daemons as they are now.
    pub fn report(&self) -> Report {
        self.daemons.get().map(LiveReport::snapshot).unwrap_or_default()
    }

    /// Prints where a daemon can be found.
    pub fn announce(&self, line: &str) {
        if !self.quiet {
            lines::say(line);
        }
    }

    /// Remembers a sample, and forgets one that is too old to be drawn.
    pub fn add_sample(&self, vitals: Vitals) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() == HISTORY {
            samples.remove(0);
        }
        samples.push(vitals);
    }

    /// The samples of the last minute, oldest first.
    pub fn samples(&self) -> Vec<Vitals> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
