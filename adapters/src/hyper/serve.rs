//! An HTTP/1 server: accept loop, a task per connection, graceful stop.
//!
//! Invariants:
//! 1. Every connection's task is held by the server's future: when that is dropped, so are they.
//! 2. After the token is cancelled no connection is accepted and none is kept alive for another
//!    request, but a request under way is answered.
//!
//! How it fails: an accept that fails for want of descriptors or memory is tried again after a
//! pause; a connection that fails, or whose service panics, ends alone.
//!
//! Book: chapter 23.

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use futures_lite::StreamExt;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::sync::CancellationToken;
use waterwheel::{Priority, Task, spawn_task};

use super::{Io, Timer};

type BoxError = Box<dyn Error + Send + Sync>;

/// How long a client may take to send a request's head, counted from the connection's start or the
/// end of the last answer. It also ends connections that were kept alive and forgotten.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How many finished connections may wait to be forgotten.
const SWEEP_AT_LEAST: usize = 64;

/// Serves HTTP/1 on `listener` until `shutdown` is cancelled, with a task in `lane` per connection.
///
/// After the token is cancelled each connection still answers the request it is at, and then ends;
/// this returns when all have. Put [`waterwheel::time::timeout`] around it for a limit to that. It
/// also returns when the runtime is shut down.
///
/// A client has 30 s to send a request's head. For other settings, put [`Io`] and [`Timer`] together
/// with hyper's own `http1::Builder`; this file is short and made to be copied.
///
/// # Cancel safety
///
/// Dropping the future drops all connections at once. Cancel `shutdown` to end them in good order.
///
/// # Examples
///
/// See the [module](super).
pub async fn serve<S, B>(
    listener: &TcpListener,
    service: S,
    lane: Priority,
    shutdown: &CancellationToken,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let mut connections = Connections::default();
    let mut incoming = listener.incoming();
    while let Some(Some(accepted)) = shutdown.run_until_cancelled(incoming.next()).await {
        // Nothing to do about an error but to wait until it is over, which `incoming` does.
        let Ok((stream, _)) = accepted else { continue };
        // Answers leave at once. A socket that refuses the option works without it.
        let _ = stream.set_nodelay(true);
        let connection = converse(stream, service.clone(), shutdown.clone());
        connections.add(spawn_task(connection, lane));
    }
    connections.all_ended().await;
}

/// Serves one connection. How it fails is between hyper and the client; nobody else can help.
async fn converse<S, B>(stream: TcpStream, service: S, shutdown: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body<Error: Into<BoxError>> + 'static,
{
    let mut builder = http1::Builder::new();
    builder.timer(Timer).header_read_timeout(HEADER_READ_TIMEOUT);
    let mut connection = pin!(builder.serve_connection(Io::new(stream), service));
    let ended = shutdown.run_until_cancelled(connection.as_mut()).await;
    if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// The connections' tasks. Dropping it cancels them.
#[derive(Default)]
struct Connections {
    tasks: Vec<Task<()>>,
    /// Look for finished ones when there are this many.
    sweep_at: usize,
}

impl Connections {
    /// Adds a task; now and then forgets those that have finished, so that the list is never more
    /// than twice as long as it must be, at a constant cost per connection.
    fn add(&mut self, task: Task<()>) {
        if self.tasks.len() >= self.sweep_at {
            self.tasks.retain(|task| !task.is_finished());
            self.sweep_at = (self.tasks.len() * 2).max(SWEEP_AT_LEAST);
        }
        self.tasks.push(task);
    }

    async fn all_ended(self) {
        for task in self.tasks {
            // A service that panicked has ended its connection, and has been reported.
            let _ = task.outcome().await;
        }
    }
}
