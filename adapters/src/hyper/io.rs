//! One wrapper between two families of I/O traits.
//!
//! `Io<T>` gives a `T` of the futures-io family hyper's traits, and a `T` of hyper's family the
//! futures-io traits. Errors and end-of-file pass through unchanged.
//!
//! hyper reads into memory that may be uninitialised. To let a futures-io `poll_read` write there
//! one must either zero it first, at each read, and then vouch for the result (`advance` is unsafe),
//! or read into a buffer that is initialised once and copy. We copy, from a buffer per thread: no
//! unsafe code, no memory per connection, and what is copied is what arrived, where zeroing would
//! touch all that might have.
//!
//! Book: chapter 23.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::io::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

/// The most that one read takes, in bytes. As much as a socket's default receive buffer is likely to
/// hold at once.
const SCRATCH: usize = 64 * 1024;

thread_local! {
    /// The buffer this thread reads into. Taken out while in use, so that a reader that wraps
    /// another reader finds it empty and makes do with a new one.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends hyper a futures-io stream, or the futures-io world a stream of hyper's.
///
/// Vectored writes are forwarded, and hyper is told so; a stream that takes only one slice at a time
/// should be wrapped in a buffered writer.
///
/// # Examples
///
/// ```
/// use futures_lite::io::Cursor;
/// use waterwheel_adapters::hyper::Io;
///
/// let io = Io::new(Cursor::new(b"GET / HTTP/1.1".to_vec()));
/// assert_eq!(io.get_ref().position(), 0);
/// assert_eq!(io.into_inner().into_inner().len(), 14);
/// ```
#[derive(Debug)]
pub struct Io<T> {
    inner: T,
}

impl<T> Io<T> {
    /// Wraps a stream.
    pub const fn new(inner: T) -> Self {
        Self { inner }
    }

    /// Shows the stream inside.
    pub const fn get_ref(&self) -> &T {
        &self.inner
    }

    /// Lends the stream inside.
    pub const fn get_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// Gives the stream back. Nothing is buffered here, so nothing is lost.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: Unpin> Io<T> {
    fn pinned(self: Pin<&mut Self>) -> Pin<&mut T> {
        Pin::new(&mut self.get_mut().inner)
    }
}

impl<T: AsyncRead + Unpin> Read for Io<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut scratch = BUFFER.take();
        if scratch.is_empty() {
            scratch = vec![0; SCRATCH];
        }
        let most = buf.remaining().min(SCRATCH);
        let read = self.pinned().poll_read(cx, &mut scratch[..most]);
        if let Poll::Ready(Ok(n)) = read {
            buf.put_slice(&scratch[..n]);
        }
        BUFFER.set(scratch);
        read.map_ok(drop)
    }
}

impl<T: AsyncWrite + Unpin> Write for Io<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.pinned().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pinned().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pinned().poll_close(cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.pinned().poll_write_vectored(cx, bufs)
    }
}

impl<T: Read + Unpin> AsyncRead for Io<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(self.pinned().poll_read(cx, buf.unfilled()))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl<T: Write + Unpin> AsyncWrite for Io<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.pinned().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.pinned().poll_write_vectored(cx, bufs)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pinned().poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pinned().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;
    use futures_lite::io::{AsyncReadExt, AsyncWriteExt, Cursor};

    #[test]
    fn bytes_survive_the_way_to_hyper_and_back() {
        let text: Vec<u8> = (0..200_000_u32).map(|i| i.to_le_bytes()[0]).collect();
        // Twice around: futures-io, as hyper's, as futures-io again.
        let mut there_and_back = Io::new(Io::new(Cursor::new(text.clone())));
        let mut read = Vec::new();
        block_on(there_and_back.read_to_end(&mut read)).expect("a cursor does not fail");
        assert_eq!(read, text);
    }

    #[test]
    fn a_reader_inside_a_reader_does_not_disturb_it() {
        /// Reads from an `Io` of its own, into the place it was given.
        struct Nested(Io<Io<Cursor<&'static [u8]>>>);
        impl AsyncRead for Nested {
            fn poll_read(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.0).poll_read(cx, buf)
            }
        }
        let mut io = Io::new(Io::new(Nested(Io::new(Io::new(Cursor::new(b"inner"))))));
        let mut read = String::new();
        block_on(io.read_to_string(&mut read)).expect("a cursor does not fail");
        assert_eq!(read, "inner");
    }

    #[test]
    fn vectored_writes_arrive_in_one_piece() {
        let mut io = Io::new(Io::new(Vec::new()));
        let slices = [IoSlice::new(b"head"), IoSlice::new(b"er and "), IoSlice::new(b"body")];
        let written = block_on(io.write_vectored(&slices)).expect("a Vec takes everything");
        assert_eq!(written, 15);
        assert_eq!(io.into_inner().into_inner(), b"header and body");
    }
}
