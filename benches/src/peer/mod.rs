//! The seam between a workload and a runtime: what every contestant has to offer.
//!
//! A workload is generic code over [`Peer`] (and [`Sleeps`], [`Serves`] or [`Ends`] where it needs them), so every runtime runs
//! the same tasks, awaits and buffers; a peer adds only its own names for spawn, sleep and sockets, natively and without
//! an adapter in between.
//!
//! Invariants: a peer is `Copy`, because its runtime is leaked: the process ends with the run, and no contestant pays
//! for counting references to its runtime. `start` returns when the runtime can be used. Only [`Ends::live`] ends one.
//!
//! Book: chapter 20

mod ours;
mod smol;
mod textbook;
mod tokio;

pub(crate) use ours::Ours;
pub(crate) use smol::Smol;
pub(crate) use textbook::{TextbookRecv, TextbookSleep};
pub(crate) use tokio::{Tokio, TokioTwo};

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// How many workers call each lane their home. A runtime without lanes has as many workers as both together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Workers of lane High.
    pub(crate) high: usize,
    /// Workers of lane Low.
    pub(crate) low: usize,
}

impl Layout {
    /// Workers in all.
    pub(crate) fn total(self) -> usize {
        self.high + self.low
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.high, self.low)
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a layout such as 1+1");
        let (high, low) = text.split_once('+').ok_or_else(wrong)?;
        let count = |word: &str| word.parse().map_err(|_| wrong());
        Ok(Self { high: count(high)?, low: count(low)? })
    }
}

/// A runtime that spawns tasks.
pub(crate) trait Peer: Copy + Send + Sync + 'static {
    /// What a spawn gives back; awaiting it gives the output.
    type Task<T: Send + 'static>: Future<Output = T> + Send + 'static;

    /// Starts the runtime.
    fn start(layout: Layout) -> Self;

    /// Runs `future` on the calling thread, which is not a worker.
    fn block_on<F: Future>(self, future: F) -> F::Output;

    /// Spawns a plain task (ours, textbook: lane Low).
    fn spawn<F>(self, future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static;

    /// Spawns a task that should go first, where the runtime has a way to say so.
    fn spawn_high<F>(self, future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn(future)
    }

    /// Lets a task run without anybody awaiting it.
    fn detach<T: Send + 'static>(task: Self::Task<T>);
}

/// A runtime that can be ended.
pub(crate) trait Ends: Peer {
    /// Builds a runtime, runs `future` on it as a spawned task, ends it, and returns when its threads are joined.
    fn live<F>(layout: Layout, future: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static;
}

/// A runtime with timers.
pub(crate) trait Sleeps: Peer {
    /// Resolves after `duration`. Called within a task.
    fn sleep(self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// A runtime with TCP sockets.
pub(crate) trait Serves: Peer {
    /// Accepts connections.
    type Listener: Send + 'static;
    /// Carries bytes.
    type Connection: Connection;

    /// Listens on a free port of the loopback interface. Awaited within `block_on`.
    fn listen(self) -> impl Future<Output = io::Result<(Self::Listener, SocketAddr)>>;

    /// Waits for the next connection, which sends small messages at once (`TCP_NODELAY`).
    fn accept(
        listener: &mut Self::Listener,
    ) -> impl Future<Output = io::Result<Self::Connection>> + Send;
}

/// One TCP connection.
pub(crate) trait Connection: Send + 'static {
    /// Reads what is there, at most a buffer; 0 at the end.
    fn read(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;

    /// Writes all of `bytes`.
    fn write_all(&mut self, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
}

/// A connection that hyper can serve, through the adapter that the runtime's users have.
pub(crate) trait Web: Connection {
    /// The adapter.
    type Stream: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static;

    /// Wraps the connection.
    fn for_hyper(self) -> Self::Stream;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_prints_as_it_is_read() {
        let layout = Layout { high: 1, low: 2 };
        assert_eq!("1+2".parse(), Ok(layout));
        assert_eq!(layout.to_string(), "1+2");
        assert_eq!(layout.total(), 3);
        assert!("2".parse::<Layout>().is_err());
        assert!("1+x".parse::<Layout>().is_err());
    }
}
