//! Waterwheel, with the layout's home workers and default settings otherwise.
//!
//! Book: chapter 20

use super::{Connection, Ends, Layout, Peer, Serves, Sleeps, Web};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{Priority, Runtime, Task};
use waterwheel_adapters::hyper::Io;

/// One runtime with two lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ours(&'static Runtime);

fn runtime(layout: Layout) -> Runtime {
    let builder = Runtime::builder().with_high_num(layout.high).with_low_num(layout.low);
    builder.build().expect("the layout has workers, and the machine has threads left")
}

impl Peer for Ours {
    type Task<T: Send + 'static> = Task<T>;

    fn start(layout: Layout) -> Self {
        Self(Box::leak(Box::new(runtime(layout))))
    }

    fn block_on<F: Future>(self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.0.handle().spawn(future)
    }

    fn spawn_high<F>(self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.0.handle().spawn_with(future, Priority::High)
    }

    fn detach<T: Send + 'static>(task: Task<T>) {
        task.detach();
    }
}

impl Ends for Ours {
    fn live<F>(layout: Layout, future: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let runtime = runtime(layout);
        let task = runtime.handle().spawn(future);
        runtime.block_on(task)
        // Its drop joins the workers.
    }
}

impl Sleeps for Ours {
    fn sleep(self, duration: Duration) -> impl Future<Output = ()> + Send {
        waterwheel::time::sleep(duration)
    }
}

impl Serves for Ours {
    type Listener = TcpListener;
    type Connection = TcpStream;

    async fn listen(self) -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
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
    type Stream = Io<Self>;

    fn for_hyper(self) -> Io<Self> {
        Io::new(self)
    }
}
