//! TCP from outside: what servers and clients rely on, on real loopback sockets.
#![cfg(unix)] // Some tests duplicate descriptors, limit them, or send signals.

mod child;
mod lifecycle;
mod limits;
mod listener;
mod stream;

use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{Runtime, Task};

/// Long enough for the slowest machine; a test that needs it has failed.
const WATCHDOG: Duration = Duration::from_secs(60);

fn runtime() -> Runtime {
    Runtime::builder().build().expect("the settings are valid")
}

/// A runtime whose only worker must be shared by all.
fn one_worker() -> Runtime {
    let builder = Runtime::builder().with_high_num(0).with_low_num(1);
    builder.build().expect("the settings are valid")
}

/// Runs a future as a task, at most as long as the watchdog allows.
fn run<T: Send + 'static>(
    runtime: &Runtime,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    join(runtime, runtime.handle().spawn(future))
}

fn join<T: Send + 'static>(runtime: &Runtime, task: Task<T>) -> T {
    let (sender, receiver) = mpsc::channel();
    let waiter = async move {
        let _ = sender.send(task.await);
    };
    runtime.handle().spawn(waiter).detach();
    receiver.recv_timeout(WATCHDOG).expect("the task ends")
}

/// Polls once, with a waker that does nothing.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port is free")
}

/// The two ends of a connection.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = listen().await;
    let address = listener.local_addr().expect("it is bound");
    let client = TcpStream::connect(address).await.expect("it is listening");
    let (server, peer) = listener.accept().await.expect("a client has connected");
    assert_eq!(peer, client.local_addr().expect("it is connected"));
    (client, server)
}

/// Bytes that depend on their place, so that loss, doubling and disorder all show.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at ^ at >> 8 ^ at >> 16) as u8).collect()
}
