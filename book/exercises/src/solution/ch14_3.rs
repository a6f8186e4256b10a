//! Exercise 3 of chapter 14, solved: what does a look cost?

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

/// How long `looks` looks take at a `mio::Poll` with one socket that is not ready.
///
/// # Errors
///
/// What the system says if it has no poller or no socket left.
pub fn time_of(looks: u32) -> io::Result<Duration> {
    let mut poll = Poll::new()?;
    let mut silent = UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    poll.registry().register(&mut silent, Token(0), Interest::READABLE)?;
    let mut events = Events::with_capacity(16);
    let begun = Instant::now();
    for _ in 0..looks {
        poll.poll(&mut events, Some(Duration::ZERO))?;
    }
    Ok(begun.elapsed())
}
