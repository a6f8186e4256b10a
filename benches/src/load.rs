//! The load generator: one thread, one poller, one message under way on each connection, for a bounded time.
//!
//! It is written on mio alone, so that no contestant's runtime is part of the measuring stick. A closed loop: each
//! connection sends its next message when the answer has come, so the rate is the server's. Latency is from the write to
//! the last byte of the answer.
//!
//! It fails, with one line, if the server closes a connection or does not answer for five seconds.
//!
//! Book: chapter 20

use crate::args::Load;
use crate::stats::quantile;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// A message, in bytes.
const MESSAGE: usize = 64;
/// A server that is silent for so long has lost something.
const SILENCE: Duration = Duration::from_secs(5);
/// The share of the time that is not counted, at the start.
const WARM_UP: f64 = 0.2;

struct Client {
    stream: TcpStream,
    sent: Instant,
    received: usize,
}

/// Loads a server and prints the figures as one line of JSON.
///
/// # Errors
///
/// One line that says what the server did wrong.
pub(crate) fn run(load: &Load) -> Result<(), String> {
    let figures = drive(load).map_err(|error| format!("load generator: {error}"))?;
    println!("{}", serde_json::to_string(&figures).map_err(|error| error.to_string())?);
    Ok(())
}

fn drive(load: &Load) -> io::Result<BTreeMap<&'static str, f64>> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(load.connections.max(1));
    let mut clients = connect(load, &poll)?;
    let begin = Instant::now();
    let total = Duration::from_millis(load.millis);
    let counted_from = begin + total.mul_f64(WARM_UP);
    let end = begin + total;
    let (mut nanos, mut messages) = (Vec::new(), 0u64);
    for client in &mut clients {
        client.send()?;
    }
    while Instant::now() < end {
        match poll.poll(&mut events, Some(SILENCE)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        if events.is_empty() {
            return Err(io::Error::new(ErrorKind::TimedOut, "no answer for five seconds"));
        }
        for event in &events {
            let client = &mut clients[event.token().0];
            if client.receive()? {
                let now = Instant::now();
                messages += 1;
                if now >= counted_from {
                    nanos.push((now - client.sent).as_nanos() as u64);
                }
                client.send()?;
            }
        }
    }
    let counted = end - counted_from;
    Ok(figures(nanos, messages, counted))
}

fn connect(load: &Load, poll: &Poll) -> io::Result<Vec<Client>> {
    (0..load.connections)
        .map(|number| {
            let stream = std::net::TcpStream::connect(load.server)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
            Ok(Client { stream, sent: Instant::now(), received: 0 })
        })
        .collect()
}

impl Client {
    fn send(&mut self) -> io::Result<()> {
        self.sent = Instant::now();
        self.received = 0;
        // One small message is under way, so it always fits into the socket's buffer.
        self.stream.write_all(&[b'w'; MESSAGE])
    }

    /// Reads what is there; true once the whole answer has come.
    fn receive(&mut self) -> io::Result<bool> {
        let mut buffer = [0; MESSAGE];
        while self.received < MESSAGE {
            match self.stream.read(&mut buffer[self.received..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.received += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

fn figures(mut nanos: Vec<u64>, messages: u64, counted: Duration) -> BTreeMap<&'static str, f64> {
    nanos.sort_unstable();
    let micros = |q| quantile(&nanos, q).map_or(f64::NAN, |nanos| nanos as f64 / 1e3);
    BTreeMap::from([
        ("messages", messages as f64),
        ("messages/s", nanos.len() as f64 / counted.as_secs_f64()),
        ("p50 us", micros(0.5)),
        ("p99 us", micros(0.99)),
    ])
}
