//! A TCP echo server, loaded from a process of its own.
//!
//! The server is a task that accepts and a task per connection, each with a buffer of 1 KiB; a message is 64 bytes. The
//! load generator (`load`) keeps one message under way on each connection and is the same program for every contestant.
//!
//! Book: chapter 20

use super::loaded::under_load;
use super::{Run, Sample};
use crate::load::{Protocol, allow_descriptors};
use crate::peer::{Connection, Serves};

/// A connection's buffer, in bytes.
pub(super) const BUFFER: usize = 1_024;

/// Serves until the load generator is done; gives its figures and the server's processor time per message.
pub(super) fn serve<P: Serves>(run: Run, connections: usize) -> Result<Sample, String> {
    allow_descriptors(connections);
    let peer = P::start(run.layout);
    let (mut listener, address) =
        peer.block_on(peer.listen()).map_err(|error| format!("cannot listen: {error}"))?;
    P::detach(peer.spawn(async move {
        while let Ok(connection) = P::accept(&mut listener).await {
            P::detach(peer.spawn(echo(connection)));
        }
    }));
    under_load(run, address, connections, Protocol::Echo, "message")
}

async fn echo<C: Connection>(mut connection: C) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(length @ 1..) = connection.read(&mut buffer).await {
        if connection.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
