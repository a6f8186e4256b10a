//! smol: its executor run by as many threads, each of which also turns async-io's reactor while it is idle.
//!
//! This is what `smol::spawn` does with `SMOL_THREADS` set, with an executor of our own so that the number of threads
//! is an argument and not an environment variable.
//!
//! Book: chapter 20

use super::{Connection, Ends, Layout, Peer, Serves, Sleeps, Web};
use async_executor::{Executor, Task};
use async_io::{Async, Timer};
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use smol_hyper::rt::FuturesIo;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// smol's executor on as many threads as the layout has workers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Smol(&'static Executor<'static>);

impl Peer for Smol {
    type Task<T: Send + 'static> = Task<T>;

    fn start(layout: Layout) -> Self {
        let executor: &'static Executor<'static> = Box::leak(Box::new(Executor::new()));
        for _ in 0..layout.total() {
            thread::spawn(|| async_io::block_on(executor.run(future::pending::<()>())));
        }
        Self(executor)
    }

    fn block_on<F: Future>(self, future: F) -> F::Output {
        async_io::block_on(future)
    }

    fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.0.spawn(future)
    }

    fn detach<T: Send + 'static>(task: Task<T>) {
        task.detach();
    }
}

impl Ends for Smol {
    /// Each thread runs the executor until a channel closes. The thread of async-io's reactor belongs to the process and
    /// stays.
    fn live<F>(layout: Layout, future: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let executor = Executor::new();
        let (stop, stopped) = flume::bounded::<()>(1);
        thread::scope(|scope| {
            for _ in 0..layout.total() {
                scope.spawn(|| async_io::block_on(executor.run(stopped.recv_async())));
            }
            let output = async_io::block_on(executor.spawn(future));
            drop(stop);
            output
        })
    }
}

impl Sleeps for Smol {
    async fn sleep(self, duration: Duration) {
        Timer::after(duration).await;
    }
}

impl Serves for Smol {
    type Listener = Async<TcpListener>;
    type Connection = Async<TcpStream>;

    async fn listen(self) -> io::Result<(Async<TcpListener>, SocketAddr)> {
        let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0))?;
        let address = listener.get_ref().local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &mut Async<TcpListener>) -> io::Result<Async<TcpStream>> {
        let (stream, _) = listener.accept().await?;
        stream.get_ref().set_nodelay(true)?;
        Ok(stream)
    }
}

impl Connection for Async<TcpStream> {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        AsyncReadExt::read(self, buffer).await
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        AsyncWriteExt::write_all(self, bytes).await
    }
}

impl Web for Async<TcpStream> {
    type Stream = FuturesIo<Self>;

    fn for_hyper(self) -> FuturesIo<Self> {
        FuturesIo::new(self)
    }
}
