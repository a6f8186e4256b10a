//! `traffic`: clients of `echo`, an open loop.
//!
//! Request number *i* is due at *start + i / rate*, whether or not earlier ones have been answered,
//! and its time is taken from when it was *due*. A client that waited for answers before it sent
//! more would send less to a slow server, and so measure it in its best moments only ("coordinated
//! omission").

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_lite::future::try_zip;
use futures_lite::io::{AsyncReadExt, AsyncWriteExt};
use waterwheel::daemon::{BoxError, Daemon};
use waterwheel::net::TcpStream;
use waterwheel::sync::CancellationToken;
use waterwheel::{Priority, spawn_task, time};

use crate::shared::Shared;

/// Requests per second, over all connections.
pub const RATE: u32 = 2_000;
const CONNECTIONS: u64 = 16;
/// Bytes of a request: its number, then padding.
const REQUEST: usize = 64;

pub struct Traffic {
    shared: Arc<Shared>,
    /// How many requests in all; `None`: no end.
    limit: Option<u64>,
}

impl Traffic {
    pub fn new(shared: Arc<Shared>, limit: Option<u64>) -> Self {
        Self { shared, limit }
    }
}

impl Daemon for Traffic {
    fn name(&self) -> &str {
        "traffic"
    }

    fn priority(&self) -> Priority {
        self.shared.lanes.urgent()
    }

    async fn run(&self, shutdown: CancellationToken) -> Result<(), BoxError> {
        let echo = *self.shared.echo_address.get().ok_or("echo does not listen")?;
        let mut clients = Vec::new();
        let start = time::now();
        for first in 0..CONNECTIONS {
            let client = Client {
                shared: Arc::clone(&self.shared),
                schedule: Schedule { start, first, limit: self.limit.unwrap_or(u64::MAX) },
                shutdown: shutdown.clone(),
            };
            clients.push(spawn_task!(client.talk_to(echo), self.priority()));
        }
        for client in clients {
            client.await?;
        }
        Ok(())
    }
}

/// Which requests a client sends, and when.
#[derive(Clone, Copy)]
struct Schedule {
    start: Instant,
    /// The client's own number, and that of its first request.
    first: u64,
    limit: u64,
}

impl Schedule {
    /// The client's requests: every [`CONNECTIONS`]th, from its own number up to the limit.
    fn requests(self) -> impl Iterator<Item = u64> {
        let step = usize::try_from(CONNECTIONS).unwrap_or(usize::MAX);
        (self.first..self.limit).step_by(step)
    }

    fn due(self, request: u64) -> Instant {
        let (rate, nanos) = (u64::from(RATE), 1_000_000_000);
        let seconds = Duration::from_secs(request / rate);
        self.start + seconds + Duration::from_nanos(request % rate * nanos / rate)
    }
}

struct Client {
    shared: Arc<Shared>,
    schedule: Schedule,
    shutdown: CancellationToken,
}

impl Client {
    /// Sends and receives at the same time, in one task.
    async fn talk_to(self, echo: SocketAddr) -> io::Result<()> {
        let stream = TcpStream::connect(echo).await?;
        stream.set_nodelay(true)?;
        let (sent, answered) = try_zip(self.send(&stream), self.receive(&stream)).await?;
        if sent == answered {
            return Ok(());
        }
        Err(io::Error::other(format!("{sent} requests, but {answered} answers")))
    }

    /// Sends what is due until all is sent or shutdown comes, then closes its half, so that the
    /// server ends the other when it has answered.
    async fn send(&self, mut stream: &TcpStream) -> io::Result<u64> {
        let mut sent = 0;
        for request in self.schedule.requests() {
            let due = time::sleep_until(self.schedule.due(request));
            if self.shutdown.run_until_cancelled(due).await.is_none() {
                break;
            }
            let mut bytes = [0; REQUEST];
            bytes[..8].copy_from_slice(&request.to_le_bytes());
            stream.write_all(&bytes).await?;
            self.shared.requests_sent.add(1);
            sent += 1;
        }
        stream.close().await?;
        Ok(sent)
    }

    async fn receive(&self, mut stream: &TcpStream) -> io::Result<u64> {
        let mut answered = 0;
        let mut bytes = [0; REQUEST];
        for request in self.schedule.requests() {
            match stream.read_exact(&mut bytes).await {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            }
            if bytes[..8] != request.to_le_bytes() {
                return Err(io::Error::other("an answer is not what was asked"));
            }
            let due = self.schedule.due(request);
            self.shared.latency.record(time::now().saturating_duration_since(due));
            self.shared.requests_answered.add(1);
            answered += 1;
        }
        Ok(answered)
    }
}
