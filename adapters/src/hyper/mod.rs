//! What [hyper] needs of a runtime: I/O, spawning, time; and a small server around them.
//!
//! | hyper asks for | here |
//! |---|---|
//! | `rt::Read`, `rt::Write` | [`Io`], around anything with the futures-io traits, and the reverse |
//! | `rt::Executor` | [`Executor`], which spawns into the lane it was made for |
//! | `rt::Timer` | [`Timer`], on the runtime's clock, the paused one included |
//!
//! [`serve()`] puts them together: an accept loop that stops when its token is cancelled.
//!
//! hyper depends on tokio's `sync` module for its channels, so tokio is *compiled*. No tokio
//! runtime exists: nothing here ever starts, enters or looks for one.
//!
//! # Examples
//!
//! A server and a client in one program:
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http_body_util::{BodyExt, Empty, Full};
//! use hyper::body::Bytes;
//! use hyper::{Request, Response, client, service::service_fn};
//! use waterwheel::net::{TcpListener, TcpStream};
//! use waterwheel::{Priority, spawn_task, sync::CancellationToken};
//! use waterwheel_adapters::hyper::{Io, serve};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! waterwheel::block_on(async {
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let addr = listener.local_addr()?;
//!     let stop = CancellationToken::new();
//!
//!     let hello = service_fn(async |_request| {
//!         Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("hello"))))
//!     });
//!     let server = spawn_task({
//!         let stop = stop.clone();
//!         async move { serve(&listener, hello, Priority::High, &stop).await }
//!     }, Priority::High);
//!
//!     let stream = TcpStream::connect(addr).await?;
//!     let (mut send, connection) = client::conn::http1::handshake(Io::new(stream)).await?;
//!     spawn_task(connection, Priority::High).detach();
//!     let response = send.send_request(Request::new(Empty::<Bytes>::new())).await?;
//!     assert_eq!(response.into_body().collect().await?.to_bytes(), "hello");
//!
//!     stop.cancel();
//!     server.await; // every connection has ended
//!     Ok(())
//! })
//! # }
//! ```
//!
//! Book: chapter 23.

mod executor;
mod io;
mod serve;
mod timer;

pub use self::executor::Executor;
pub use self::io::Io;
pub use self::serve::serve;
pub use self::timer::Timer;
