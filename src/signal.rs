//! Signals of the operating system, as something to await: [`ctrl_c`], [`terminate`].
//!
//! A signal interrupts a thread anywhere, so its handler may do next to nothing: ours writes one
//! byte into a pipe, and the driver sees the other end become readable. Each listener has a pipe
//! of its own, so each one notices, and a pipe that is full has been noticed already.
//!
//! Signals of one kind that come before [`recv`](Signal::recv) are one signal: it happened, how
//! often nobody can tell. None is lost altogether: a signal that comes after `recv` has returned
//! ends the next one.
//!
//! Only Unix has signals; elsewhere this module does not exist.
//!
//! Book: chapter 7.
#![cfg(unix)]

use crate::driver::reactor::Moved;
use crate::driver::{Direction, Interest, Registered};
use crate::runtime::context;
use crate::sys;
use futures_lite::Stream;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Listens for Ctrl-C (SIGINT), from this call on.
///
/// The first listener of a kind replaces the default action: the process no longer ends by
/// itself. That stays so after all listeners have been dropped.
///
/// # Errors
///
/// If no descriptor is free, or the runtime has been shut down.
///
/// # Examples
///
/// ```no_run
/// waterwheel::block_on(async {
///     waterwheel::signal::ctrl_c()?.recv().await?;
///     println!("good bye");
///     Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn ctrl_c() -> io::Result<Signal> {
    Signal::listen(libc::SIGINT)
}

/// Listens for the polite request to end (SIGTERM), from this call on. See [`ctrl_c`].
///
/// # Errors
///
/// If no descriptor is free, or the runtime has been shut down.
#[track_caller]
pub fn terminate() -> io::Result<Signal> {
    Signal::listen(libc::SIGTERM)
}

/// A listener for one kind of signal: see [`ctrl_c`]. It is also a [`Stream`], which ends when the
/// runtime is shut down.
///
/// Dropping it stops the listening; the signal then does nothing at all.
#[derive(Debug)]
pub struct Signal {
    pipe: Registered<mio::net::UnixStream>,
    id: sys::SignalId,
}

impl Signal {
    #[track_caller]
    fn listen(signal: i32) -> io::Result<Self> {
        let (sender, receiver) = UnixStream::pair()?;
        sender.set_nonblocking(true)?;
        receiver.set_nonblocking(true)?;
        let receiver = mio::net::UnixStream::from_std(receiver);
        let pipe = Registered::new(context::driver(), receiver, Interest::BOTH)?;
        let id = sys::notify_on_signal(signal, sender)?;
        Ok(Self { pipe, id })
    }

    /// Waits until the signal has come at least once since this listener was made or `recv`
    /// returned last.
    ///
    /// # Errors
    ///
    /// If the runtime has been shut down.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, no signal is lost.
    pub async fn recv(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The polled form of [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_io(cx, Direction::Read, drain)
    }
}

/// Takes all bytes out of the pipe: together they are one signal.
fn drain(mut pipe: &mio::net::UnixStream) -> io::Result<((), Moved)> {
    let mut bytes = [0; 256];
    let mut came = false;
    loop {
        match pipe.read(&mut bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => came = true,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && came => {
                return Ok(((), Moved::Short));
            }
            Err(error) => return Err(error),
        }
    }
}

impl Stream for Signal {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        self.poll_recv(cx).map(Result::ok)
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        sys::stop_notifying(self.id);
    }
}
