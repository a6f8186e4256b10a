//! tokio, multi-thread, default settings: as one runtime, and as the two (one per class of work) that its users run
//! when they need priorities.
//!
//! Book: chapter 20

use super::{Connection, Ends, Layout, Peer, Serves, Sleeps, Web};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// One runtime with as many workers as the layout has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokio(&'static Runtime);

/// A runtime with the High workers and one with the Low workers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokioTwo {
    high: &'static Runtime,
    low: &'static Runtime,
}

/// A join handle that resumes a task's panic, as the other runtimes' tasks do.
#[derive(Debug)]
pub(crate) struct TokioTask<T>(JoinHandle<T>);

impl<T> Future for TokioTask<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let outcome = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(outcome.expect("a workload's task neither panics nor is aborted"))
    }
}

fn build(workers: usize) -> Runtime {
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    runtime.expect("the machine has threads and descriptors left")
}

fn leaked(workers: usize) -> &'static Runtime {
    Box::leak(Box::new(build(workers)))
}

impl Peer for Tokio {
    type Task<T: Send + 'static> = TokioTask<T>;

    fn start(layout: Layout) -> Self {
        Self(leaked(layout.total()))
    }

    fn block_on<F: Future>(self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    fn spawn<F>(self, future: F) -> TokioTask<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        TokioTask(self.0.spawn(future))
    }

    fn detach<T: Send + 'static>(task: TokioTask<T>) {
        drop(task);
    }
}

impl Ends for Tokio {
    fn live<F>(layout: Layout, future: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let runtime = build(layout.total());
        runtime.block_on(TokioTask(runtime.spawn(future)))
        // Its drop joins the workers.
    }
}

impl Sleeps for Tokio {
    fn sleep(self, duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }
}

impl Serves for Tokio {
    type Listener = TcpListener;
    type Connection = TcpStream;

    async fn listen(self) -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &mut TcpListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Connection for TcpStream {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        AsyncReadExt::read(self, buffer).await
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        AsyncWriteExt::write_all(self, bytes).await
    }
}

impl Web for TcpStream {
    type Stream = TokioIo<Self>;

    fn for_hyper(self) -> TokioIo<Self> {
        TokioIo::new(self)
    }
}

impl Peer for TokioTwo {
    type Task<T: Send + 'static> = TokioTask<T>;

    fn start(layout: Layout) -> Self {
        Self { high: leaked(layout.high), low: leaked(layout.low) }
    }

    fn block_on<F: Future>(self, future: F) -> F::Output {
        self.low.block_on(future)
    }

    fn spawn<F>(self, future: F) -> TokioTask<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        TokioTask(self.low.spawn(future))
    }

    fn spawn_high<F>(self, future: F) -> TokioTask<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        TokioTask(self.high.spawn(future))
    }

    fn detach<T: Send + 'static>(task: TokioTask<T>) {
        drop(task);
    }
}
