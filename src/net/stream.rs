//! A TCP connection.
//!
//! Each operation is tried at once if the socket may be ready, and waits for the driver only if
//! that would have blocked. A read or write that moves less than it was given room for has used up
//! the readiness, so the call that would only tell so is saved.
//!
//! Book: chapter 4.

use super::split::{self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::{ToSocketAddrs, addr};
use crate::driver::reactor::Moved;
use crate::driver::{Direction, Driver, Interest, Registered};
use crate::runtime::context;
use crate::sync::internal::Arc;
use futures_lite::{AsyncRead, AsyncWrite};
use socket2::SockRef;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A TCP connection.
///
/// It reads and writes through [`AsyncRead`] and [`AsyncWrite`]; so does `&TcpStream`, so that one
/// task may read while another writes. Of several tasks that read at the same time each byte goes
/// to one of them. `close` (or [`shutdown`](Self::shutdown)) ends the writing half: the peer reads
/// to the end and can still answer. Dropping the stream closes both.
///
/// # Cancel safety
///
/// A `read` or `write` whose future is dropped has moved nothing. `read_exact`, `write_all` and
/// the like may have moved a part.
///
/// # Examples
///
/// See [`TcpListener`](super::TcpListener).
#[derive(Debug)]
pub struct TcpStream {
    io: Registered<mio::net::TcpStream>,
}

impl TcpStream {
    /// Connects to `addr`: to the first of its addresses that answers, tried in order.
    ///
    /// # Errors
    ///
    /// If the address is malformed or cannot be resolved; otherwise that of the last address.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the socket.
    pub async fn connect(addr: impl ToSocketAddrs) -> io::Result<Self> {
        addr::first_of(addr, Self::connect_to).await
    }

    async fn connect_to(address: SocketAddr) -> io::Result<Self> {
        let stream = mio::net::TcpStream::connect(address)?;
        // Nothing is ready yet: it becomes writable when it is connected, or has failed.
        let io = Registered::new(context::driver(), stream, Interest::NONE)?;
        io.io(Direction::Write, connected).await?;
        Ok(Self { io })
    }

    /// Takes over a stream of the standard library. It is switched to non-blocking mode, which
    /// also concerns its duplicates.
    ///
    /// # Errors
    ///
    /// If it cannot be switched or registered, or the runtime has been shut down.
    #[track_caller]
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Self::registered(context::driver(), mio::net::TcpStream::from_std(stream))
    }

    /// Gives the stream back to the standard library, in blocking mode.
    ///
    /// # Errors
    ///
    /// If its mode cannot be changed.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        let stream = std::net::TcpStream::from(self.io.into_inner()?);
        stream.set_nonblocking(false)?;
        Ok(stream)
    }

    /// A socket that is connected.
    pub(super) fn registered(driver: Arc<Driver>, stream: mio::net::TcpStream) -> io::Result<Self> {
        Ok(Self { io: Registered::new(driver, stream, Interest::BOTH)? })
    }

    /// Reads without taking: the next read finds the same bytes. Waits for at least one byte;
    /// 0 is the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    ///
    /// # Cancel safety
    ///
    /// Nothing is taken in any case.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.io.io(Direction::Read, |stream| Ok((stream.peek(buf)?, Moved::All))).await
    }

    /// Waits until a read is worth [trying](Self::try_read). It may still find nothing.
    ///
    /// # Errors
    ///
    /// If the runtime has been shut down.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn readable(&self) -> io::Result<()> {
        self.io.io(Direction::Read, |_| Ok(((), Moved::All))).await
    }

    /// Waits until a write is worth [trying](Self::try_write). There may still be no room.
    ///
    /// # Errors
    ///
    /// If the runtime has been shut down.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn writable(&self) -> io::Result<()> {
        self.io.io(Direction::Write, |_| Ok(((), Moved::All))).await
    }

    /// Reads what there is, without waiting. Returns the number of bytes; 0 is the end of the
    /// stream.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is nothing yet, and those of the
    /// connection.
    ///
    /// # Examples
    ///
    /// A buffer that exists only while there is something to read:
    ///
    /// ```
    /// use futures_lite::AsyncWriteExt;
    /// use std::io::{self, ErrorKind};
    /// use waterwheel::net::{TcpListener, TcpStream};
    ///
    /// async fn receive(stream: &TcpStream) -> io::Result<Vec<u8>> {
    ///     loop {
    ///         stream.readable().await?;
    ///         let mut buffer = vec![0; 4096];
    ///         match stream.try_read(&mut buffer) {
    ///             Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
    ///             result => {
    ///                 buffer.truncate(result?);
    ///                 return Ok(buffer);
    ///             }
    ///         }
    ///     }
    /// }
    ///
    /// waterwheel::block_on(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let mut client = TcpStream::connect(listener.local_addr()?).await?;
    ///     let (server, _) = listener.accept().await?;
    ///     client.write_all(b"hello").await?;
    ///     assert_eq!(receive(&server).await?, b"hello");
    ///     io::Result::Ok(())
    /// })?;
    /// # io::Result::Ok(())
    /// ```
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.io.try_io(Direction::Read, |stream| read(stream, buf))
    }

    /// Writes what there is room for, without waiting. Returns the number of bytes.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is no room yet, and those of the
    /// connection.
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.io.try_io(Direction::Write, |stream| write(stream, buf))
    }

    /// Borrows the two halves, for two futures in one task.
    pub fn split(&self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        split::borrowed(self)
    }

    /// Takes the stream apart into two halves that may go to different tasks. Dropping the
    /// writing half ends the writing; dropping both closes the connection.
    #[must_use]
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        split::owned(self)
    }

    /// Ends reading, writing or both, for the halves too. Ending what has ended is no error.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self.io.get().shutdown(how) {
            // The peer has ended the connection already.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }

    /// This side's address.
    ///
    /// # Errors
    ///
    /// If the system cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().local_addr()
    }

    /// The other side's address.
    ///
    /// # Errors
    ///
    /// If the connection has ended.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().peer_addr()
    }

    /// Whether small writes are sent at once.
    ///
    /// # Errors
    ///
    /// If the system cannot tell.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.get().nodelay()
    }

    /// Chooses whether small writes are sent at once (`true`: each costs a packet) or gathered
    /// until the peer has acknowledged what was sent before (`false`, as the system begins).
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.get().set_nodelay(nodelay)
    }

    /// The time to live of its packets, in hops.
    ///
    /// # Errors
    ///
    /// If the system cannot tell.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.get().ttl()
    }

    /// Sets the time to live of its packets, in hops.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn set_ttl(&self, hops: u32) -> io::Result<()> {
        self.io.get().set_ttl(hops)
    }

    fn poll_read_some(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.io.poll_io(cx, Direction::Read, |stream| read(stream, buf))
    }

    fn poll_write_some(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.io.poll_io(cx, Direction::Write, |stream| write(stream, buf))
    }
}

fn read(mut stream: &mio::net::TcpStream, buf: &mut [u8]) -> io::Result<(usize, Moved)> {
    let moved = stream.read(buf)?;
    Ok((moved, Moved::new(moved, buf.len())))
}

fn write(mut stream: &mio::net::TcpStream, buf: &[u8]) -> io::Result<(usize, Moved)> {
    let moved = stream.write(buf)?;
    Ok((moved, Moved::new(moved, buf.len())))
}

/// Whether the connection has come about. A socket becomes writable when connecting has failed,
/// too, so the error is asked for first.
fn connected(stream: &mio::net::TcpStream) -> io::Result<((), Moved)> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(((), Moved::All)),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        Err(error) => Err(error),
    }
}

/// Like `write`, a vectored write shall answer an error and not kill the process by a signal,
/// whatever the program does about SIGPIPE.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn write_vectored(stream: &mio::net::TcpStream, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    // More than a call may take would be an error; what is left over is a short write.
    const MOST: usize = 1024;
    let bufs = &bufs[..bufs.len().min(MOST)];
    SockRef::from(stream).send_vectored_with_flags(bufs, libc::MSG_NOSIGNAL)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn write_vectored(mut stream: &mio::net::TcpStream, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    stream.write_vectored(bufs)
}

impl AsyncRead for &TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_some(cx, buf)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let room = bufs.iter().map(|buf| buf.len()).sum();
        if room == 0 {
            return Poll::Ready(Ok(0));
        }
        self.io.poll_io(cx, Direction::Read, |mut stream| {
            let moved = stream.read_vectored(bufs)?;
            Ok((moved, Moved::new(moved, room)))
        })
    }
}

impl AsyncWrite for &TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_some(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let room = bufs.iter().map(|buf| buf.len()).sum();
        if room == 0 {
            return Poll::Ready(Ok(0));
        }
        self.io.poll_io(cx, Direction::Write, |stream| {
            let moved = write_vectored(stream, bufs)?;
            Ok((moved, Moved::new(moved, room)))
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The system sends what was written by itself.
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shutdown(Shutdown::Write))
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(cx, buf)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read_vectored(cx, bufs)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_close(cx)
    }
}

#[cfg(unix)]
mod fd {
    use super::TcpStream;
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

    impl AsFd for TcpStream {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.io.get().as_fd()
        }
    }

    impl AsRawFd for TcpStream {
        fn as_raw_fd(&self) -> RawFd {
            self.io.get().as_raw_fd()
        }
    }
}
