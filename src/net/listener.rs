//! A socket that accepts connections.
//!
//! Readiness is edge-triggered: it stands for the whole backlog, and is cleared only when `accept`
//! finds nothing. So a hundred connections that arrive at once are accepted one after the other,
//! and after "too many open files" the connection that could not be accepted is not forgotten.
//!
//! Book: chapter 4.

use super::{Incoming, TcpStream, ToSocketAddrs, addr};
use crate::driver::reactor::Moved;
use crate::driver::{Direction, Interest, Registered};
use crate::runtime::context;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// How many connections the system keeps until they are accepted. With std's 128, a burst of
/// connections waits for whole seconds: the system drops what does not fit and lets the client
/// try again.
const DEFAULT_BACKLOG: u32 = 1024;

/// A TCP socket that accepts connections.
///
/// Dropping it closes it.
///
/// # Examples
///
/// ```
/// use waterwheel::net::{TcpListener, TcpStream};
/// use futures_lite::{AsyncReadExt, AsyncWriteExt};
///
/// waterwheel::block_on(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let mut client = TcpStream::connect(listener.local_addr()?).await?;
///     let (mut server, _) = listener.accept().await?;
///     client.write_all(b"hello").await?;
///     client.close().await?;
///     let mut text = String::new();
///     server.read_to_string(&mut text).await?;
///     assert_eq!(text, "hello");
///     Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TcpListener {
    io: Registered<mio::net::TcpListener>,
}

impl TcpListener {
    /// Listens at `addr`, on the first of its addresses that can be had. Port 0 takes a free port,
    /// see [`local_addr`](Self::local_addr). The backlog is 1,024 connections.
    ///
    /// # Errors
    ///
    /// If the address is malformed, cannot be resolved, or is in use, or no descriptor is free.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future binds nothing.
    pub async fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::bind_with_backlog(addr, DEFAULT_BACKLOG).await
    }

    /// Listens at `addr` and lets `backlog` connections wait to be accepted (the system may allow
    /// fewer). See [`bind`](Self::bind).
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future binds nothing.
    pub async fn bind_with_backlog(addr: impl ToSocketAddrs, backlog: u32) -> io::Result<Self> {
        addr::first_of(addr, |address| ready(Self::listen(address, backlog))).await
    }

    fn listen(address: SocketAddr, backlog: u32) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // On Unix: a port whose last connections are still dying can be listened at again. On
        // Windows the option would let two programs share a port.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Self::from_std(socket.into())
    }

    /// Takes over a listener of the standard library. It is switched to non-blocking mode, which
    /// also concerns its duplicates.
    ///
    /// # Errors
    ///
    /// If it cannot be switched or registered, or the runtime has been shut down.
    #[track_caller]
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = mio::net::TcpListener::from_std(listener);
        let io = Registered::new(context::driver(), listener, Interest::BOTH)?;
        Ok(Self { io })
    }

    /// Gives the listener back to the standard library, in blocking mode.
    ///
    /// # Errors
    ///
    /// If its mode cannot be changed.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        let listener = std::net::TcpListener::from(self.io.into_inner()?);
        listener.set_nonblocking(false)?;
        Ok(listener)
    }

    /// Waits for a connection. Any number of tasks may accept on one listener.
    ///
    /// A connection that failed before it could be accepted is passed over.
    ///
    /// # Errors
    ///
    /// Above all when no descriptor or memory is free: the connection stays in the backlog, and
    /// trying again at once fails again at once. [`incoming`](Self::incoming) pauses instead.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, no connection is lost.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.io.io(Direction::Read, accept_one).await?;
        Ok((self.adopt(stream)?, peer))
    }

    /// The polled form of [`accept`](Self::accept), for implementations of `poll` functions: one
    /// task polls, a few may.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let accepted = self.io.poll_io(cx, Direction::Read, accept_one);
        accepted.map(|result| result.and_then(|(stream, peer)| Ok((self.adopt(stream)?, peer))))
    }

    /// The connections as a stream, for the loop of a server. It pauses when accepting fails.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming::new(self)
    }

    /// The address at which it listens.
    ///
    /// # Errors
    ///
    /// If the system cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().local_addr()
    }

    /// The time to live of its packets, in hops.
    ///
    /// # Errors
    ///
    /// If the system cannot tell.
    pub fn ttl(&self) -> io::Result<u32> {
        SockRef::from(self.io.get()).ttl_v4()
    }

    /// Sets the time to live of its packets, in hops.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn set_ttl(&self, hops: u32) -> io::Result<()> {
        SockRef::from(self.io.get()).set_ttl_v4(hops)
    }

    pub(super) fn driver(&self) -> &crate::sync::internal::Arc<crate::driver::Driver> {
        self.io.driver()
    }

    fn adopt(&self, stream: mio::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::registered(self.io.driver().clone(), stream)
    }
}

type Accepted = (mio::net::TcpStream, SocketAddr);

fn accept_one(listener: &mio::net::TcpListener) -> io::Result<(Accepted, Moved)> {
    loop {
        match listener.accept() {
            Ok(accepted) => return Ok((accepted, Moved::All)),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether the error is that of a connection that died in the backlog. It has been taken out by
/// the call, and the next one may be fine.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, HostUnreachable, NetworkUnreachable};
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EPROTO) {
        return true;
    }
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | HostUnreachable | NetworkUnreachable
    )
}

#[cfg(unix)]
mod fd {
    use super::TcpListener;
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

    impl AsFd for TcpListener {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.io.get().as_fd()
        }
    }

    impl AsRawFd for TcpListener {
        fn as_raw_fd(&self) -> RawFd {
            self.io.get().as_raw_fd()
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_one_connection_is_not_one_of_the_listener() {
        let of = |code| concerns_one_connection(&io::Error::from_raw_os_error(code));
        assert!([libc::ECONNABORTED, libc::EPROTO, libc::EHOSTUNREACH].into_iter().all(of));
        assert!(![libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM].into_iter().any(of));
    }
}
