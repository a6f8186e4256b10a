//! TCP: [`TcpListener`] and [`TcpStream`].
//!
//! Streams read and write through the traits of futures-lite ([`AsyncRead`], [`AsyncWrite`]), both
//! on owned values and on references. A socket belongs to the runtime on which it was made; it may
//! be used from any thread and any executor.
//!
//! After that runtime's shutdown, operations answer an [`io::Error`] that carries
//! [`RuntimeGone`], and those that were waiting are woken to answer it.
//!
//! Operations that finish take a unit of the budget of the poll they happen in, so a task with a
//! peer that never stops sending still gives its worker back.
//!
//! [`AsyncRead`]: futures_lite::AsyncRead
//! [`AsyncWrite`]: futures_lite::AsyncWrite
//! [`io::Error`]: std::io::Error
//!
//! Book: chapter 4.

mod addr;
mod incoming;
mod listener;
mod split;
mod stream;

pub use crate::driver::RuntimeGone;
pub use addr::ToSocketAddrs;
pub use incoming::Incoming;
pub use listener::TcpListener;
pub use split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use stream::TcpStream;
