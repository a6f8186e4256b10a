//! Listeners: many clients, many accepting tasks, servers that go on.

use crate::{join, listen, one_worker, poll, run, runtime};
use futures_lite::{AsyncReadExt, AsyncWriteExt, StreamExt};
use socket2::SockRef;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Barrier};
use std::time::Duration;
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{Runtime, Task, spawn_task, yield_now};

/// A server that echoes on each connection until it ends, whatever happens on the others.
fn echo(runtime: &Runtime) -> (SocketAddr, Task<()>) {
    let listener = runtime.block_on(listen());
    let address = listener.local_addr().expect("it is bound");
    let server = runtime.handle().spawn(async move {
        let mut incoming = listener.incoming();
        while let Some(connection) = incoming.next().await {
            let Ok((stream, _)) = connection else { continue };
            spawn_task!(async move {
                let _ = futures_lite::io::copy(&stream, &stream).await;
            })
            .detach();
        }
    });
    (address, server)
}

fn talk(client: &mut std::net::TcpStream, text: &[u8]) {
    client.write_all(text).expect("the server reads");
    let mut answer = vec![0; text.len()];
    client.read_exact(&mut answer).expect("the server answers");
    assert_eq!(answer, text);
}

#[test]
fn a_hundred_clients_that_connect_at_once_are_all_accepted() {
    let runtime = runtime();
    let (address, _server) = echo(&runtime);
    let barrier = Barrier::new(100);
    std::thread::scope(|scope| {
        for number in 0..100_u8 {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                let mut client = std::net::TcpStream::connect(address).expect("it listens");
                talk(&mut client, &[number; 100]);
            });
        }
    });
}

#[test]
fn connections_that_came_before_the_first_accept_are_all_accepted() {
    let runtime = runtime();
    let listener = runtime.block_on(listen());
    let address = listener.local_addr().expect("it is bound");
    let clients: Vec<_> = (0..500)
        .map(|_| std::net::TcpStream::connect(address).expect("the backlog has room"))
        .collect();
    run(&runtime, async move {
        for _ in 0..clients.len() {
            listener.accept().await.expect("it is in the backlog");
        }
        assert!(poll(&mut Box::pin(listener.accept())).is_pending());
    });
}

#[test]
fn fifty_tasks_that_accept_on_one_listener_all_get_a_connection() {
    let runtime = runtime();
    let listener = Arc::new(runtime.block_on(listen()));
    let address = listener.local_addr().expect("it is bound");
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let listener = listener.clone();
            runtime.handle().spawn(async move { listener.accept().await })
        })
        .collect();
    let clients: Vec<_> =
        (0..50).map(|_| std::net::TcpStream::connect(address).expect("it is listening")).collect();
    for task in tasks {
        join(&runtime, task).expect("there is a connection for each");
    }
    drop(clients);
}

#[test]
fn an_accept_dropped_at_any_poll_loses_no_connection() {
    let runtime = runtime();
    let listener = runtime.block_on(listen());
    let address = listener.local_addr().expect("it is bound");
    runtime.block_on(async {
        for _ in 0..100 {
            for polls in 0..3 {
                let mut accept = Box::pin(listener.accept());
                (0..polls).for_each(|_| assert!(poll(&mut accept).is_pending()));
            }
            let client = std::net::TcpStream::connect(address).expect("it is listening");
            drop(listener.accept());
            let (_, peer) = listener.accept().await.expect("it is in the backlog");
            assert_eq!(peer, client.local_addr().expect("it is connected"));
        }
    });
}

#[test]
fn a_server_survives_its_worst_clients_and_serves_a_thousand_others() {
    let runtime = runtime();
    let (address, server) = echo(&runtime);
    for round in 0..1_000 {
        let mut client = std::net::TcpStream::connect(address).expect("the server is alive");
        match round % 10 {
            // Gone without a word, after a request, or before anything.
            0 => {
                let socket = SockRef::from(&client);
                socket.set_linger(Some(Duration::ZERO)).expect("it is an option of sockets");
            }
            1 => client.write_all(b"unanswered").expect("there is room"),
            2 => {}
            _ => talk(&mut client, b"hello"),
        }
    }
    assert!(!server.is_finished());
}

#[test]
fn a_hundred_idle_connections_cost_the_only_worker_nothing() {
    let runtime = one_worker();
    let (address, _server) = echo(&runtime);
    let mut idle: Vec<_> =
        (0..100).map(|_| std::net::TcpStream::connect(address).expect("it is listening")).collect();
    for client in &mut idle {
        talk(client, b"hello");
    }
    let polls_before = polls(&runtime);
    run(&runtime, async {
        for _ in 0..10_000 {
            yield_now().await;
        }
    });
    // The task's own polls, a few for joining it, and none for the connections.
    assert!(polls(&runtime) - polls_before < 10_100);
}

fn polls(runtime: &Runtime) -> u64 {
    use waterwheel::Priority::{High, Low};
    let metrics = runtime.metrics();
    [High, Low].map(|lane| metrics.lane(lane).polls).iter().sum()
}

#[test]
fn ten_thousand_connections_come_and_go() {
    let runtime = runtime();
    let (address, _server) = echo(&runtime);
    let task = runtime.handle().spawn(async move {
        for number in 0..10_000_u32 {
            let mut client = TcpStream::connect(address).await?;
            SockRef::from(&client).set_linger(Some(Duration::ZERO))?;
            if number % 4 == 0 {
                client.write_all(&number.to_le_bytes()).await?;
                let mut answer = [0; 4];
                client.read_exact(&mut answer).await?;
                assert_eq!(answer, number.to_le_bytes());
            }
        }
        io::Result::Ok(())
    });
    join(&runtime, task).expect("the server answers");
}

#[test]
fn a_port_that_is_taken_is_an_error_and_one_just_left_is_not() {
    run(&runtime(), async {
        let listener = listen().await;
        let address = listener.local_addr()?;
        let error = TcpListener::bind(address).await.expect_err("it is taken");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let client = TcpStream::connect(address).await?;
        let (server, _) = listener.accept().await?;
        // This side closes first, so its port keeps a trace of the connection.
        drop(server);
        drop(listener);
        drop(client);
        let again = TcpListener::bind_with_backlog(address, 16).await?;
        assert_eq!(again.local_addr()?, address);
        again.set_ttl(33)?;
        assert_eq!(again.ttl()?, 33);
        let error = TcpListener::bind("192.0.2.1:0").await.expect_err("it is not ours");
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        io::Result::Ok(())
    })
    .expect("loopback works");
}

#[test]
fn the_first_address_that_can_be_had_is_bound() {
    run(&runtime(), async {
        let taken = listen().await.local_addr().map(|mut address| {
            address.set_ip([192, 0, 2, 1].into());
            address
        })?;
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind([taken, free]).await?;
        assert_eq!(listener.local_addr()?.ip(), free.ip());
        io::Result::Ok(())
    })
    .expect("loopback works");
}

#[test]
fn hundreds_of_connections_that_end_at_once_all_end_and_the_server_goes_on() {
    let runtime = runtime();
    let (address, _server) = echo(&runtime);
    for _ in 0..3 {
        let mut clients: Vec<_> = (0..300)
            .map(|_| std::net::TcpStream::connect(address).expect("it is listening"))
            .collect();
        for client in &mut clients {
            talk(client, b"hello");
        }
        for client in &clients {
            client.shutdown(std::net::Shutdown::Write).expect("it is open");
        }
        for client in &mut clients {
            assert_eq!(client.read(&mut [0]).expect("it ends in order"), 0);
        }
    }
    // The server itself and whoever asks.
    let live = |runtime: &Runtime| runtime.metrics().tasks_live();
    let start = std::time::Instant::now();
    while live(&runtime) > 1 {
        assert!(start.elapsed() < crate::WATCHDOG, "{} tasks are left", live(&runtime));
        std::thread::yield_now();
    }
}
