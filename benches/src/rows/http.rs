//! hyper's HTTP/1 server saying hello, loaded from a process of its own.
//!
//! A task that accepts and a task per connection, in which hyper serves; what differs between the contestants is the
//! adapter through which hyper sees their sockets. None has a timer for slow heads: it would be the timers' row once more.
//!
//! Book: chapter 20

use super::loaded::under_load;
use super::{Run, Sample};
use crate::load::{Protocol, allow_descriptors};
use crate::peer::{Serves, Web};
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;

/// The answer's body.
const HELLO: &[u8] = b"Hello, world";

/// Serves until the load generator is done; gives its figures and the server's processor time per request.
pub(super) fn serve<P: Serves<Connection: Web>>(
    run: Run,
    connections: usize,
) -> Result<Sample, String> {
    allow_descriptors(connections);
    let peer = P::start(run.layout);
    let (mut listener, address) =
        peer.block_on(peer.listen()).map_err(|error| format!("cannot listen: {error}"))?;
    P::detach(peer.spawn(async move {
        while let Ok(connection) = P::accept(&mut listener).await {
            P::detach(peer.spawn(converse(connection)));
        }
    }));
    under_load(run, address, connections, Protocol::Http, "request")
}

async fn converse<C: Web>(connection: C) {
    let hello = service_fn(async |_request| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(HELLO))))
    });
    // A connection ends with an error when the load generator leaves; the answers have been counted there.
    drop(http1::Builder::new().serve_connection(connection.for_hyper(), hello).await);
}
