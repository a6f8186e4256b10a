//! Sockets and the end of their runtime.

use crate::{WATCHDOG, listen, pair, poll, runtime};
use futures_lite::future::block_on;
use futures_lite::{AsyncReadExt, AsyncWriteExt, StreamExt};
use std::sync::mpsc;
use std::time::Duration;
use waterwheel::net::{RuntimeGone, TcpListener, TcpStream};

const GRACE: Duration = Duration::from_secs(10);

#[test]
fn operations_under_way_at_the_shutdown_end_with_an_error() {
    let runtime = runtime();
    let listener = runtime.block_on(listen());
    let (_client, mut server) = runtime.block_on(pair());
    let (sender, receiver) = mpsc::channel();
    let (waits, waiting) = mpsc::channel();
    // On threads of their own: tasks of the runtime are dropped with it.
    let accepts = {
        let (sender, waits) = (sender.clone(), waits.clone());
        std::thread::spawn(move || {
            let mut accept = Box::pin(listener.accept());
            assert!(poll(&mut accept).is_pending());
            waits.send(()).expect("the test listens");
            let error = block_on(accept).expect_err("nobody connects");
            sender.send(RuntimeGone::caused(&error)).expect("the test listens");
        })
    };
    let reads = std::thread::spawn(move || {
        let mut buffer = [0];
        let mut read = server.read(&mut buffer);
        assert!(poll(&mut read).is_pending());
        waits.send(()).expect("the test listens");
        let error = block_on(read).expect_err("nobody writes");
        sender.send(RuntimeGone::caused(&error)).expect("the test listens");
    });
    for _ in 0..2 {
        waiting.recv_timeout(WATCHDOG).expect("both wait");
    }
    runtime.shutdown(GRACE).expect("no task is stuck");
    for _ in 0..2 {
        assert_eq!(receiver.recv_timeout(WATCHDOG), Ok(true));
    }
    for thread in [accepts, reads] {
        thread.join().expect("no panic");
    }
}

#[test]
fn operations_after_the_shutdown_are_errors() {
    let runtime = runtime();
    let listener = runtime.block_on(listen());
    let (mut client, _server) = runtime.block_on(pair());
    let entered = runtime.handle().enter();
    runtime.shutdown(GRACE).expect("no task is stuck");
    block_on(async {
        let gone = |result: std::io::Result<usize>| {
            RuntimeGone::caused(&result.expect_err("nobody watches the socket any more"))
        };
        assert!(gone(client.read(&mut [0]).await));
        assert!(gone(client.write(b"x").await));
        assert!(gone(client.peek(&mut [0]).await));
        assert!(gone(client.readable().await.map(|()| 0)));
        assert!(gone(client.writable().await.map(|()| 0)));
        assert!(gone(listener.accept().await.map(|_| 0)));
        assert!(gone(TcpStream::connect("127.0.0.1:1").await.map(|_| 0)));
        assert!(gone(TcpListener::bind("127.0.0.1:0").await.map(|_| 0)));
        assert!(gone(TcpStream::connect("localhost:1").await.map(|_| 0)), "nor looks up names");
        let mut incoming = listener.incoming();
        assert!(gone(incoming.next().await.expect("the error comes first").map(|_| 0)));
        assert!(incoming.next().await.is_none(), "then it ends");
    });
    drop(entered);
}

#[test]
fn sockets_outlive_their_runtime_and_are_closed_when_they_are_dropped() {
    let runtime = runtime();
    let (client, server) = runtime.block_on(pair());
    drop(runtime);
    drop(server);
    let mut client = client.into_std().expect("the socket itself is fine");
    let read = std::io::Read::read(&mut client, &mut [0]);
    assert_eq!(read.expect("the peer closed in order"), 0);
}

#[test]
fn tasks_that_wait_for_sockets_are_dropped_at_the_shutdown_and_close_them() {
    let runtime = runtime();
    let (client, mut server) = runtime.block_on(pair());
    let (sender, receiver) = mpsc::channel();
    runtime
        .handle()
        .spawn(async move {
            sender.send(()).expect("the test listens");
            let _ = server.read(&mut [0]).await;
        })
        .detach();
    receiver.recv_timeout(WATCHDOG).expect("the task runs");
    // It would never end by itself, so there is nothing to wait for.
    runtime.shutdown(Duration::ZERO).expect("no task is stuck");
    let mut client = client.into_std().expect("the socket itself is fine");
    let read = std::io::Read::read(&mut client, &mut [0]);
    assert_eq!(read.expect("the peer closed in order"), 0);
}
