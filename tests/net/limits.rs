//! When the system has no more to give, or keeps interrupting: each in a process of its own.

use crate::child::in_child;
use crate::{listen, pair, poll, run, runtime};
use futures_lite::{AsyncReadExt, AsyncWriteExt, StreamExt};
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{Runtime, signal, time};

const FEW_DESCRIPTORS: &str = "ulimit -n 64";

fn is_exhaustion(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EMFILE)
}

/// Takes all descriptors that are left.
fn take_all() -> Vec<File> {
    let mut files = Vec::new();
    loop {
        match File::open("/dev/null") {
            Ok(file) => files.push(file),
            Err(error) if is_exhaustion(&error) => return files,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A client in the backlog, and no descriptor to accept it with.
fn connect_with_the_last_descriptor(address: SocketAddr) -> (std::net::TcpStream, Vec<File>) {
    let mut files = take_all();
    files.pop();
    (std::net::TcpStream::connect(address).expect("one descriptor is free"), files)
}

#[test]
fn accepting_without_a_descriptor_fails_and_keeps_the_connection() {
    in_child(
        "limits::accepting_without_a_descriptor_fails_and_keeps_the_connection",
        FEW_DESCRIPTORS,
        || {
            runtime().block_on(async {
                let listener = listen().await;
                let address = listener.local_addr().expect("it is bound");
                for _ in 0..5 {
                    let (client, files) = connect_with_the_last_descriptor(address);
                    for _ in 0..3 {
                        let error = listener.accept().await.expect_err("no descriptor is free");
                        assert!(is_exhaustion(&error), "{error}");
                    }
                    drop(files);
                    // No further event comes; the readiness must have been kept.
                    let (_, peer) = listener.accept().await.expect("it is in the backlog");
                    assert_eq!(peer, client.local_addr().expect("it is connected"));
                }
            });
        },
    );
}

#[test]
fn the_accept_loop_pauses_longer_and_longer_and_then_goes_on() {
    in_child(
        "limits::the_accept_loop_pauses_longer_and_longer_and_then_goes_on",
        FEW_DESCRIPTORS,
        || {
            let paused = Runtime::builder().start_paused(true).build();
            paused.expect("the settings are valid").block_on(async {
                let listener = listen().await;
                let address = listener.local_addr().expect("it is bound");
                let mut incoming = listener.incoming();
                let (_client, files) = connect_with_the_last_descriptor(address);
                for pause in [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000] {
                    let error = incoming.next().await.expect("it goes on");
                    assert!(is_exhaustion(&error.expect_err("no descriptor is free")));
                    time::advance(Duration::from_millis(pause - 1));
                    assert!(poll(&mut incoming.next()).is_pending(), "within {pause} ms");
                    time::advance(Duration::from_millis(1));
                }
                drop(files);
                incoming.next().await.expect("it goes on").expect("descriptors are free");

                // After a success the pauses begin anew.
                let (_client, files) = connect_with_the_last_descriptor(address);
                let error = incoming.next().await.expect("it goes on");
                assert!(is_exhaustion(&error.expect_err("no descriptor is free")));
                drop(files);
                assert!(poll(&mut incoming.next()).is_pending());
                time::advance(Duration::from_millis(10));
                incoming.next().await.expect("it goes on").expect("descriptors are free");
            });
        },
    );
}

#[test]
fn connecting_binding_and_building_without_a_descriptor_are_errors() {
    in_child(
        "limits::connecting_binding_and_building_without_a_descriptor_are_errors",
        FEW_DESCRIPTORS,
        || {
            let runtime = runtime();
            let listener = runtime.block_on(listen());
            let address = listener.local_addr().expect("it is bound");
            let mut files = take_all();
            runtime.block_on(async {
                let refused = TcpStream::connect(address).await;
                assert!(is_exhaustion(&refused.expect_err("no descriptor is free")));
                let refused = TcpListener::bind("127.0.0.1:0").await;
                assert!(is_exhaustion(&refused.expect_err("no descriptor is free")));
                let refused = signal::ctrl_c();
                assert!(is_exhaustion(&refused.expect_err("no descriptor is free")));
            });
            // Each descriptor that building needs may be the one that is missing.
            let total = files.len();
            let mut built = 0;
            while built == 0 {
                match Runtime::builder().build() {
                    Ok(runtime) => built = runtime.block_on(async { 1 }),
                    Err(error) => println!("{error}"),
                }
                assert_eq!(take_all().len() + files.len(), total, "nothing is left behind");
                files.pop();
            }
            drop(files);
            runtime.block_on(async {
                TcpStream::connect(address).await.expect("descriptors are free again");
            });
        },
    );
}

#[cfg(target_os = "linux")] // The storm finds the threads in /proc.
#[test]
fn a_storm_of_signals_disturbs_neither_timers_nor_sockets() {
    in_child("limits::a_storm_of_signals_disturbs_neither_timers_nor_sockets", "true", || {
        let runtime = runtime();
        let mut listens = runtime.block_on(async { signal::ctrl_c().expect("it can listen") });
        // Each thread by its number, so that the one that holds the driver is hit as well.
        let script = format!(
            "while kill -0 {0}; do for t in /proc/{0}/task/*; do kill -INT ${{t##*/}}; done; done",
            std::process::id()
        );
        let mut storm = Command::new("sh")
            .args(["-c", &script])
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a shell");
        let rounds = run(&runtime, async move {
            listens.recv().await?;
            let (mut client, mut server) = pair().await;
            for round in 0..300_u64 {
                let (start, pause) = (time::now(), Duration::from_micros(round * 10));
                time::sleep(pause).await;
                assert!(time::now() - start >= pause, "early");
                client.write_all(&[round as u8]).await?;
                let mut byte = [0];
                server.read_exact(&mut byte).await?;
                assert_eq!(byte[0], round as u8);
            }
            listens.recv().await
        });
        storm.kill().expect("it is our child");
        storm.wait().expect("it is our child");
        rounds.expect("an interruption is no error");
    });
}

#[test]
fn writing_to_nobody_does_not_kill_a_program_that_restored_sigpipe() {
    in_child(
        "limits::writing_to_nobody_does_not_kill_a_program_that_restored_sigpipe",
        "true",
        || {
            restore_sigpipe();
            run(&runtime(), async {
                for vectored in [false, true] {
                    let (mut client, server) = pair().await;
                    drop(server);
                    let error = loop {
                        let result = if vectored {
                            client.write_vectored(&[io::IoSlice::new(b"x")]).await
                        } else {
                            client.write(b"x").await
                        };
                        if let Err(error) = result {
                            break error;
                        }
                        waterwheel::yield_now().await;
                    };
                    if error.kind() != io::ErrorKind::BrokenPipe {
                        client.write(b"x").await.expect_err("it is closed");
                    }
                }
            });
        },
    );
}

#[expect(unsafe_code, reason = "only the C library can do this")]
fn restore_sigpipe() {
    // SAFETY: the default action is a valid disposition, and this process has nothing else
    // running yet that could mind.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}
