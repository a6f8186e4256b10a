//! The echo server without a runtime: one thread, one poller (epoll on Linux, through mio), one loop.
//!
//! It is the limit that the others are seen against: no task, no queue, no wake-up, one buffer for all connections. A read
//! that fills less than the buffer has emptied the socket, so a message costs one `read`, one `write` and its share of a
//! wait, and no call more. What it leaves out is all that a runtime is for.
//!
//! It fails by ending its thread with a line; the load generator then meets closed or silent sockets.
//!
//! Book: chapter 20

use super::echo::BUFFER;
use super::loaded::under_load;
use super::{Run, Sample};
use crate::load::{Protocol, allow_descriptors};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::thread;

/// The listener's token; a connection's is its place in the list.
const LISTENER: Token = Token(usize::MAX);

/// Serves until the load generator is done; gives its figures and the server's processor time per message.
pub(super) fn serve(run: Run, connections: usize) -> Result<Sample, String> {
    allow_descriptors(connections);
    let listener = TcpListener::bind(([127, 0, 0, 1], 0).into());
    let listener = listener.map_err(|error| format!("cannot listen: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    thread::spawn(move || {
        if let Err(error) = serve_for_ever(listener, connections) {
            eprintln!("the loop ended: {error}");
        }
    });
    under_load(run, address, connections, Protocol::Echo, "message")
}

fn serve_for_ever(mut listener: TcpListener, connections: usize) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(connections + 1);
    let mut streams: Vec<Option<TcpStream>> = Vec::with_capacity(connections);
    let mut buffer = vec![0; BUFFER];
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut streams)?;
                continue;
            }
            let place = &mut streams[event.token().0];
            if let Some(stream) = place
                && echo(stream, &mut buffer).is_err()
            {
                // Dropping it closes it, which also takes it from the poller.
                *place = None;
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &Poll,
    streams: &mut Vec<Option<TcpStream>>,
) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                stream.set_nodelay(true)?;
                let token = Token(streams.len());
                poll.registry().register(&mut stream, token, Interest::READABLE)?;
                streams.push(Some(stream));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sends back what has come.
///
/// # Errors
///
/// When the connection has ended.
fn echo(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                // At most 64 bytes are under way on a connection: they fit into the socket's buffer.
                stream.write_all(&buffer[..length])?;
                if length < buffer.len() {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
