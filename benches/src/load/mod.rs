//! The load generator: one thread, one poller, one question under way on each connection, for a bounded time.
//!
//! It is written on mio alone, so that no contestant's runtime is part of the measuring stick. A closed loop: each
//! connection asks its next question when the answer has come, so the rate is the server's. Latency is from the write to
//! the last byte of the answer. `protocol` says what is asked and when an answer is whole; `wrk` lets another program do
//! the loading; `hold` opens connections and leaves them be.
//!
//! It fails, with one line, if the server closes a connection, answers wrongly, or is silent for five seconds.
//!
//! Book: chapter 20

mod hold;
mod protocol;
mod wrk;

pub(crate) use hold::{Holder, allow_descriptors, hold};
pub(crate) use protocol::Protocol;
pub(crate) use wrk::Wrk;

use crate::args::Load;
use crate::stats::quantile;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// What a load generator has found out, by name.
pub(crate) type Figures = BTreeMap<String, f64>;

/// All answers, those of the warm-up included.
pub(crate) const ANSWERS: &str = "answers";
/// Answers per second after the warm-up.
pub(crate) const RATE: &str = "answers/s";
/// The most bytes of an answer.
const LONGEST: usize = 1_024;
/// A server that is silent for so long has lost something.
const SILENCE: Duration = Duration::from_secs(5);
/// The share of the time that is not counted, at the start.
const WARM_UP: f64 = 0.2;

struct Client {
    stream: TcpStream,
    sent: Instant,
    answer: [u8; LONGEST],
    received: usize,
}

/// Loads a server and prints the figures as one line of JSON.
///
/// # Errors
///
/// One line that says what the server did wrong.
pub(crate) fn run(load: &Load) -> Result<(), String> {
    allow_descriptors(load.connections);
    let figures = drive(load).map_err(|error| format!("load generator: {error}"))?;
    println!("{}", serde_json::to_string(&figures).map_err(|error| error.to_string())?);
    Ok(())
}

fn drive(load: &Load) -> io::Result<Figures> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(load.connections.max(1));
    let mut clients = connect(load, &poll)?;
    let begin = Instant::now();
    let total = Duration::from_millis(load.millis);
    let counted_from = begin + total.mul_f64(WARM_UP);
    let end = begin + total;
    let (mut nanos, mut answers) = (Vec::new(), 0u64);
    for client in &mut clients {
        client.ask(load.protocol)?;
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
            if client.is_answered(load.protocol)? {
                let now = Instant::now();
                answers += 1;
                if now >= counted_from {
                    nanos.push((now - client.sent).as_nanos() as u64);
                }
                client.ask(load.protocol)?;
            }
        }
    }
    let counted = end - counted_from;
    Ok(figures(nanos, answers, counted))
}

fn connect(load: &Load, poll: &Poll) -> io::Result<Vec<Client>> {
    (0..load.connections)
        .map(|number| {
            let stream = std::net::TcpStream::connect_timeout(&load.server, SILENCE)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
            Ok(Client { stream, sent: Instant::now(), answer: [0; LONGEST], received: 0 })
        })
        .collect()
}

impl Client {
    fn ask(&mut self, protocol: Protocol) -> io::Result<()> {
        self.sent = Instant::now();
        self.received = 0;
        // One small question is under way, so it always fits into the socket's buffer.
        self.stream.write_all(protocol.question())
    }

    /// Reads what is there; true once the whole answer has come.
    fn is_answered(&mut self, protocol: Protocol) -> io::Result<bool> {
        loop {
            match self.stream.read(&mut self.answer[self.received..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.received += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if protocol.is_whole(&self.answer[..self.received])? {
                return Ok(true);
            }
        }
    }
}

fn figures(mut nanos: Vec<u64>, answers: u64, counted: Duration) -> Figures {
    nanos.sort_unstable();
    let micros = |q| quantile(&nanos, q).map_or(f64::NAN, |nanos| nanos as f64 / 1e3);
    [
        (ANSWERS, answers as f64),
        (RATE, nanos.len() as f64 / counted.as_secs_f64()),
        ("p50 us", micros(0.5)),
        ("p99 us", micros(0.99)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
