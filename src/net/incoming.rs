//! The accept loop: connections as a stream that pauses when accepting fails.
//!
//! When the process has run out of descriptors, `accept` fails at once, and would again: the
//! connection stays in the backlog and the listener stays ready. A loop that only reports the
//! error keeps a processor busy with it. A loop that waits for the next event waits for ever, as
//! there is none. So this one waits for a timer, longer from error to error, and then goes on.
//!
//! Book: chapter 4.

use super::{RuntimeGone, TcpListener, TcpStream};
use crate::scheduler::context::Lent;
use crate::time::Sleep;
use futures_lite::Stream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The pause after the first error. It doubles with each that follows.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// Descriptors that have become free are noticed at the latest after this.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The connections of a listener: see [`TcpListener::incoming`].
///
/// It yields errors too, so that they can be reported, and after one of them waits 10 ms, then
/// twice as long for each error that follows another, up to 1 s. It ends after the error that
/// carries [`RuntimeGone`].
///
/// # Cancel safety
///
/// No connection is lost if the future of `next` is dropped.
///
/// # Examples
///
/// ```no_run
/// use futures_lite::StreamExt;
/// use waterwheel::{net::TcpListener, spawn_task};
///
/// async fn serve(listener: TcpListener) {
///     let mut incoming = listener.incoming();
///     while let Some(connection) = incoming.next().await {
///         match connection {
///             Ok((stream, _peer)) => {
///                 spawn_task!(async move { drop(stream) }).detach();
///             }
///             Err(error) => eprintln!("accept: {error}"),
///         }
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "a stream does nothing unless it is polled"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
    pause: Duration,
    sleep: Option<Sleep>,
    ended: bool,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(listener: &'a TcpListener) -> Self {
        Self { listener, pause: SHORTEST_PAUSE, sleep: None, ended: false }
    }

    fn poll_connection(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.try_poll_elapsed(cx))?;
            self.sleep = None;
        }
        self.listener.poll_accept(cx)
    }
}

impl Stream for Incoming<'_> {
    type Item = io::Result<(TcpStream, SocketAddr)>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let result = ready!(self.poll_connection(cx));
        match &result {
            Ok(_) => self.pause = SHORTEST_PAUSE,
            Err(error) if RuntimeGone::caused(error) => self.ended = true,
            Err(_) => {
                self.sleep =
                    Some(Sleep::after(Lent::new(self.listener.driver().clone()), self.pause));
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
        }
        Poll::Ready(Some(result))
    }
}
