//! Connections: reading, writing, ends, halves, errors.

use crate::{listen, one_worker, pair, pattern, poll, run, runtime};
use futures_lite::future::{block_on, try_zip, zip};
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use socket2::SockRef;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use waterwheel::net::{
    Incoming, OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, RuntimeGone, TcpListener,
    TcpStream, WriteHalf,
};
use waterwheel::yield_now;

#[test]
fn public_types_and_futures_can_be_sent_and_shared_and_types_printed() {
    fn check<T: Send + Sync + std::fmt::Debug>() {}
    fn check_future<T: Send + Sync>(_: impl FnOnce(&'static TcpListener, TcpStream) -> T) {}
    check::<TcpListener>();
    check::<TcpStream>();
    check::<Incoming<'_>>();
    check::<(ReadHalf<'_>, WriteHalf<'_>)>();
    check::<(OwnedReadHalf, OwnedWriteHalf)>();
    check::<(ReuniteError, RuntimeGone)>();
    check_future(|listener, _| listener.accept());
    check_future(|_, _| TcpStream::connect("127.0.0.1:1"));
    check_future(|_, _| TcpListener::bind("127.0.0.1:1"));
    check_future(|_, stream| async move { stream.peek(&mut [0]).await });
    check_future(|_, stream| async move { stream.readable().await });
    check_future(|_, stream| async move { stream.writable().await });
}

#[test]
fn a_server_resolves_to_the_only_message_of_its_only_client_every_time() {
    let runtime = runtime();
    for _ in 0..1_000 {
        let listener = runtime.block_on(listen());
        let address = listener.local_addr().expect("it is bound");
        let server = runtime.handle().spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let mut message = String::new();
            stream.read_to_string(&mut message).await?;
            io::Result::Ok(message)
        });
        let mut client = std::net::TcpStream::connect(address).expect("it is listening");
        client.write_all(b"that's so dingo!\n").expect("there is room");
        drop(client);
        let message = crate::join(&runtime, server).expect("the client behaved");
        assert_eq!(message, "that's so dingo!\n");
    }
}

#[test]
fn a_message_that_comes_byte_by_byte_is_received_whole() {
    let runtime = one_worker();
    let (client, mut server) = runtime.block_on(pair());
    let message = pattern(3_000);
    let expected = message.clone();
    let dribble = runtime.handle().spawn(async move {
        let mut client = client;
        client.set_nodelay(true)?;
        for byte in message {
            client.write_all(&[byte]).await?;
            yield_now().await;
        }
        client.close().await
    });
    let received = run(&runtime, async move {
        let mut received = Vec::new();
        let mut buffer = [0; 1_024];
        loop {
            match server.read(&mut buffer).await? {
                0 => return io::Result::Ok(received),
                count => received.extend_from_slice(&buffer[..count]),
            }
        }
    });
    crate::join(&runtime, dribble).expect("the server reads");
    assert!(received.expect("the client behaves") == expected);
}

#[test]
fn closing_half_shows_the_peer_the_end_and_lets_it_answer() {
    run(&runtime(), async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"question").await?;
        client.close().await?;
        client.close().await?;
        client.shutdown(Shutdown::Write)?;
        let mut text = String::new();
        server.read_to_string(&mut text).await?;
        assert_eq!(text, "question");
        assert_eq!(server.read(&mut [0; 8]).await?, 0, "the end stays the end");
        server.write_all(b"answer").await?;
        drop(server);
        text.clear();
        client.read_to_string(&mut text).await?;
        assert_eq!(text, "answer");
        let error = client.write(b"more").await.expect_err("this half is closed");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        io::Result::Ok(())
    })
    .expect("both sides behave");
}

#[test]
fn nothing_is_read_and_written_without_waiting() {
    run(&runtime(), async {
        let (mut client, _server) = pair().await;
        assert_eq!(client.read(&mut []).await?, 0);
        assert_eq!(client.write(&[]).await?, 0);
        assert_eq!(client.peek(&mut []).await?, 0);
        assert_eq!(client.read_vectored(&mut [IoSliceMut::new(&mut [])]).await?, 0);
        assert_eq!(client.write_vectored(&[IoSlice::new(&[]), IoSlice::new(&[])]).await?, 0);
        client.flush().await
    })
    .expect("nothing can go wrong");
}

#[test]
fn peeking_leaves_the_bytes_where_they_are() {
    run(&runtime(), async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"abc").await?;
        let mut buffer = [0; 8];
        for _ in 0..3 {
            server.readable().await?;
            let count = server.peek(&mut buffer).await?;
            assert_eq!(&buffer[..count], b"abc");
        }
        assert_eq!(server.read(&mut buffer).await?, 3);
        client.close().await?;
        assert_eq!(server.peek(&mut buffer).await?, 0, "the end can be seen, too");
        io::Result::Ok(())
    })
    .expect("both sides behave");
}

#[test]
fn what_is_there_can_be_read_and_written_without_waiting() {
    run(&runtime(), async {
        let (client, server) = pair().await;
        let error = server.try_read(&mut [0; 8]).expect_err("nothing has been sent");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        client.writable().await?;
        assert_eq!(client.try_write(b"abc")?, 3);
        let mut buffer = [0; 8];
        loop {
            server.readable().await?;
            match server.try_read(&mut buffer) {
                Ok(count) => break assert_eq!(&buffer[..count], b"abc"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        // Nobody reads any more: the room ends.
        let error = loop {
            if let Err(error) = client.try_write(&[0; 65_536]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert!(poll(&mut Box::pin(client.writable())).is_pending());
        io::Result::Ok(())
    })
    .expect("both sides behave");
}

#[test]
fn options_can_be_set_and_read_back() {
    let (client, server) = runtime().block_on(pair());
    for value in [true, false] {
        client.set_nodelay(value).expect("it is an option of TCP");
        assert_eq!(client.nodelay().expect("it is an option of TCP"), value);
    }
    client.set_ttl(42).expect("it is an option of IP");
    assert_eq!(client.ttl().expect("it is an option of IP"), 42);
    let [ours, theirs] = [client.local_addr(), server.peer_addr()];
    assert_eq!(ours.expect("it is connected"), theirs.expect("it is connected"));
}

/// Writes a megabyte in pieces of random length, and reads it so, through a tiny system buffer.
async fn copy_at_random(mut random: fastrand::Rng, vectored: bool) {
    let (mut client, mut server) = pair().await;
    SockRef::from(&client).set_send_buffer_size(4_096).expect("it is an option of sockets");
    let message = pattern(1 << 20);
    let mut random_too = random.fork();
    let write = async {
        let mut left = &message[..];
        while !left.is_empty() {
            let length = random.usize(1..30_000).min(left.len());
            let (first, second) = left[..length].split_at(random.usize(0..=length));
            let slices = [IoSlice::new(first), IoSlice::new(&[]), IoSlice::new(second)];
            let written = if vectored {
                client.write_vectored(&slices).await?
            } else {
                client.write(&left[..length]).await?
            };
            left = &left[written..];
        }
        client.close().await
    };
    let read = async {
        let mut received: Vec<u8> = Vec::new();
        loop {
            let mut first = vec![0; random_too.usize(0..20_000)];
            let mut second = vec![0; random_too.usize(1..20_000)];
            let count = if vectored {
                let slices = &mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
                server.read_vectored(slices).await?
            } else {
                first.push(0);
                server.read(&mut first).await?
            };
            if count == 0 {
                return io::Result::Ok(received);
            }
            let both = first.iter().chain(&second);
            received.extend(both.take(count));
        }
    };
    let ((), received) = try_zip(write, read).await.expect("both sides behave");
    assert!(received == message);
}

#[test]
fn no_byte_is_lost_doubled_or_out_of_order_in_random_pieces() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let runtime = runtime();
    for vectored in [false, true] {
        run(&runtime, copy_at_random(fastrand::Rng::with_seed(seed), vectored));
    }
}

#[test]
fn a_slow_reader_holds_the_writer_back_and_gets_everything() {
    let runtime = runtime();
    let message = Arc::new(pattern(16 << 20));
    let (mut client, mut server) = runtime.block_on(pair());
    let written = Arc::new(AtomicUsize::new(0));
    let (count, source) = (written.clone(), message.clone());
    let mut writer = Box::pin(async move {
        let mut left = &source[..];
        while !left.is_empty() {
            let some = client.write(left).await?;
            count.fetch_add(some, Ordering::SeqCst);
            left = &left[some..];
        }
        io::Result::Ok(())
    });
    // Nobody reads. However often it is polled, it comes to a stop within the system's buffers.
    let mut before = usize::MAX;
    while before != written.load(Ordering::SeqCst) {
        before = written.load(Ordering::SeqCst);
        for _ in 0..1_000 {
            assert!(poll(&mut writer).is_pending());
            std::thread::yield_now();
        }
    }
    assert!(written.load(Ordering::SeqCst) < message.len(), "the rest waits");
    let writer = runtime.handle().spawn(writer);
    let received = run(&runtime, async move {
        let mut received = Vec::new();
        server.read_to_end(&mut received).await?;
        io::Result::Ok(received)
    });
    crate::join(&runtime, writer).expect("the reader reads");
    assert!(received.expect("the writer writes") == *message);
}

#[test]
fn a_reader_and_a_writer_share_a_stream_in_two_tasks() {
    let runtime = runtime();
    let (client, server) = runtime.block_on(pair());
    let (client, message) = (Arc::new(client), Arc::new(pattern(1 << 20)));
    let echo = runtime.handle().spawn(async move {
        let (reader, writer) = server.into_split();
        futures_lite::io::copy(reader, writer).await
    });
    let (stream, source) = (client.clone(), message.clone());
    let writer = runtime.handle().spawn(async move {
        let mut stream = &*stream;
        stream.write_all(&source).await?;
        stream.close().await
    });
    let received = run(&runtime, async move {
        let mut received = Vec::new();
        (&*client).read_to_end(&mut received).await?;
        io::Result::Ok(received)
    });
    crate::join(&runtime, writer).expect("the peer reads");
    assert_eq!(crate::join(&runtime, echo).expect("both ends are open"), 1 << 20);
    assert!(received.expect("the peer writes") == *message);
}

#[test]
fn two_tasks_that_read_one_stream_both_get_on() {
    let runtime = runtime();
    let (client, server) = runtime.block_on(pair());
    let server = Arc::new(server);
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let server = server.clone();
            runtime.handle().spawn(async move {
                let mut byte = [0];
                (&*server).read_exact(&mut byte).await?;
                io::Result::Ok(byte)
            })
        })
        .collect();
    run(&runtime, async move {
        let mut client = client;
        for _ in 0..2 {
            client.write_all(b"x").await?;
            // So that the second byte is a second event.
            for _ in 0..100 {
                yield_now().await;
            }
        }
        io::Result::Ok(client)
    })
    .expect("there is room");
    for reader in readers {
        assert_eq!(crate::join(&runtime, reader).expect("there is a byte for each"), *b"x");
    }
}

#[test]
fn halves_find_each_other_again_and_strangers_do_not() {
    let runtime = runtime();
    let (client, server) = runtime.block_on(pair());
    let (client_reader, client_writer) = client.into_split();
    let (server_reader, server_writer) = server.into_split();
    let ReuniteError(client_reader, server_writer) =
        client_reader.reunite(server_writer).expect_err("they are of different streams");
    let mut client = client_writer.reunite(client_reader).expect("they belong together");
    let mut server = server_reader.reunite(server_writer).expect("they belong together");
    run(&runtime, async move {
        client.write_all(b"still open").await?;
        drop(client.into_split().1);
        let mut text = String::new();
        server.read_to_string(&mut text).await?;
        assert_eq!(text, "still open", "dropping the writing half ended the writing");
        io::Result::Ok(())
    })
    .expect("reuniting closed nothing");
}

#[test]
fn borrowed_halves_work_side_by_side() {
    run(&runtime(), async {
        let (mut client, server) = pair().await;
        let (mut reader, mut writer) = server.split();
        let mut buffer = [0; 4];
        let talk = async {
            client.write_all(b"ping").await?;
            client.read_exact(&mut buffer).await
        };
        let mut asked = [0; 4];
        let answer = async {
            reader.read_exact(&mut asked).await?;
            writer.write_all(b"pong").await
        };
        try_zip(talk, answer).await?;
        assert_eq!((&asked, &buffer), (b"ping", b"pong"));
        io::Result::Ok(())
    })
    .expect("both sides behave");
}

#[test]
fn a_reset_is_an_error_once_and_then_the_end() {
    run(&runtime(), async {
        let (mut client, server) = pair().await;
        SockRef::from(&server).set_linger(Some(Duration::ZERO))?;
        let waits = async { client.read(&mut [0; 8]).await };
        let resets = async {
            yield_now().await;
            drop(server);
        };
        let (result, ()) = zip(waits, resets).await;
        let error = result.expect_err("the peer has gone without a word");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert_eq!(client.read(&mut [0; 8]).await?, 0, "the error has been told");
        let error = client.write(b"x").await.expect_err("nobody is there");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        io::Result::Ok(())
    })
    .expect("the options are those of sockets");
}

#[test]
fn writing_to_a_peer_that_has_closed_fails_in_the_end() {
    run(&runtime(), async {
        let (mut client, server) = pair().await;
        drop(server);
        // The first write may still succeed: the peer's refusal is not here yet.
        let error = loop {
            if let Err(error) = client.write(b"x").await {
                break error;
            }
            yield_now().await;
        };
        assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset));
    });
}

#[test]
fn connecting_to_nobody_is_refused() {
    run(&runtime(), async {
        let listener = listen().await;
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        let error = TcpStream::connect(address).await.expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn connecting_tries_all_addresses_and_looks_up_names() {
    run(&runtime(), async {
        let (dead, alive) = (listen().await, listen().await);
        let [nobody, somebody] =
            [&dead, &alive].map(|listener| listener.local_addr().expect("it is bound"));
        drop(dead);
        let stream = TcpStream::connect([nobody, somebody]).await?;
        assert_eq!(stream.peer_addr()?, somebody);
        let stream = TcpStream::connect(("localhost", somebody.port())).await?;
        assert_eq!(stream.peer_addr()?.port(), somebody.port());
        let stream = TcpStream::connect(format!("localhost:{}", somebody.port())).await?;
        assert_eq!(stream.peer_addr()?.port(), somebody.port());
        for nonsense in ["", "127.0.0.1", "127.0.0.1:99999"] {
            let error = TcpStream::connect(nonsense).await.expect_err("it is no address");
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        let none: &[SocketAddr] = &[];
        let error = TcpStream::connect(none).await.expect_err("there is none");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        io::Result::Ok(())
    })
    .expect("somebody listens");
}

#[test]
fn a_connect_that_is_dropped_closes_its_socket() {
    let runtime = runtime();
    let listener = runtime.block_on(listen());
    let address = listener.local_addr().expect("it is bound");
    runtime.block_on(async {
        for _ in 0..100 {
            let mut connect = Box::pin(TcpStream::connect(address));
            let _ = poll(&mut connect);
            drop(connect);
            // If the connection came about, this end sees its end; so nothing keeps it open.
            let (mut server, _) = listener.accept().await.expect("the listener is fine");
            let end = server.read(&mut [0]).await;
            assert!(matches!(end, Ok(0)) || end.is_err(), "{end:?}");
        }
    });
}

#[test]
fn reads_dropped_at_any_poll_lose_nothing() {
    let runtime = runtime();
    let (mut client, server) = runtime.block_on(pair());
    runtime.block_on(async {
        for number in 0..200 {
            for polls in 0..4 {
                let mut byte = [0];
                let mut stream = &server;
                let mut read = stream.read(&mut byte);
                (0..polls).for_each(|_| assert!(poll(&mut read).is_pending()));
                let mut peek = Box::pin(server.readable());
                (0..polls).for_each(|_| _ = poll(&mut peek));
            }
            client.write_all(&[number]).await.expect("there is room");
            let mut byte = [0];
            (&server).read_exact(&mut byte).await.expect("it was sent");
            assert_eq!(byte[0], number);
        }
    });
}

#[test]
fn sockets_of_the_standard_library_are_taken_over_and_given_back() {
    let runtime = runtime();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    // Both are in blocking mode, which must not block a worker.
    let client = std::net::TcpStream::connect(address).expect("it is listening");
    let (client, server) = run(&runtime, async move {
        let listener = TcpListener::from_std(listener)?;
        let mut client = TcpStream::from_std(client)?;
        let (mut server, _) = listener.accept().await?;
        let mut byte = [0];
        assert!(poll(&mut server.read(&mut byte)).is_pending());
        client.write_all(b"a").await?;
        server.read_exact(&mut byte).await?;
        let listener = listener.into_std()?;
        let again = std::net::TcpStream::connect(listener.local_addr()?)?;
        listener.accept()?;
        drop(again);
        io::Result::Ok((client.into_std()?, server.into_std()?))
    })
    .expect("the sockets are fine");
    let mut client = client;
    let reads = std::thread::spawn(move || {
        let mut server = server;
        let mut byte = [0];
        server.read_exact(&mut byte).map(|()| byte)
    });
    client.write_all(b"b").expect("there is room");
    let byte = reads.join().expect("no panic").expect("it blocks until there is something");
    assert_eq!(byte, *b"b");
}

#[test]
fn a_stream_may_be_used_by_another_runtime_and_by_a_foreign_executor() {
    let (ours, other) = (runtime(), runtime());
    let (mut client, mut server) = ours.block_on(pair());
    let echo = other.handle().spawn(async move {
        let mut byte = [0];
        server.read_exact(&mut byte).await?;
        server.write_all(&byte).await
    });
    let mut byte = [0];
    block_on(async {
        client.write_all(b"x").await?;
        client.read_exact(&mut byte).await
    })
    .expect("the peer echoes");
    assert_eq!(byte, *b"x");
    crate::join(&other, echo).expect("the client behaves");
}

#[test]
fn a_peer_that_never_stops_sending_leaves_the_only_worker_to_others() {
    let runtime = one_worker();
    let (client, server) = runtime.block_on(pair());
    let flood = std::thread::spawn({
        let mut client = client.into_std().expect("it is a socket");
        move || while client.write_all(&[0; 65_536]).is_ok() {}
    });
    let drain = runtime.handle().spawn(async move {
        let (mut server, mut buffer) = (server, vec![0; 1_024]);
        while server.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    });
    run(&runtime, async {
        for _ in 0..1_000 {
            yield_now().await;
        }
    });
    drop(drain);
    flood.join().expect("the flood ends when nobody reads");
}

#[test]
fn a_duplicate_of_the_descriptor_does_no_harm_after_the_stream_is_gone() {
    use std::os::fd::AsFd;
    run(&runtime(), async {
        let (mut client, server) = pair().await;
        let duplicate = server.as_fd().try_clone_to_owned()?;
        drop(server);
        client.write_all(b"to nobody").await?;
        for _ in 0..100 {
            let (mut a, mut b) = pair().await;
            a.write_all(b"x").await?;
            b.read_exact(&mut [0]).await?;
        }
        let mut text = [0; 9];
        let mut again = TcpStream::from_std(duplicate.into())?;
        again.read_exact(&mut text).await?;
        assert_eq!(&text, b"to nobody");
        io::Result::Ok(())
    })
    .expect("the sockets are fine");
}

#[test]
fn streams_read_and_write_as_values_and_as_references() {
    fn check<T: AsyncRead + AsyncWrite + Unpin>() {}
    check::<TcpStream>();
    check::<&TcpStream>();
    // A trait object, as protocol libraries use them.
    let (client, _server) = runtime().block_on(pair());
    let mut boxed: Pin<Box<dyn AsyncWrite + Send>> = Box::pin(client);
    block_on(boxed.write_all(b"x")).expect_err("its runtime has gone with the test's value");
}
