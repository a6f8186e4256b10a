//! Chapter 14, step 1: who waits for the kernel?
//! Run: `cargo run --release --example ch14_1_handover`
//!
//! Two workers, two connections. The first task has read a byte and blocks its worker until the
//! second connection has been served. The other worker sleeps: does it sleep where the news arrives?
//! On rung 6 of the ladder it does not, on rung 7 it does, and so in Waterwheel. Runs alone, since
//! it waits until the workers sleep.
//!
//! Book: chapter 14.

#[path = "ladder/mod.rs"]
#[expect(dead_code, reason = "the other rungs and workloads are those of chapter 12")]
mod ladder;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use futures_lite::future;
use ladder::ours::Ours;
use ladder::{Rung, r6_driver, r7_handover};

/// How long everybody has nothing to do before the first byte: long enough to fall asleep.
const PAUSE: Duration = Duration::from_millis(50);

/// How often the driver may happen to be held when it need not be.
const TRIES: usize = 20;

/// Both ends of a connection over loopback.
fn connect(listener: &TcpListener) -> io::Result<(TcpStream, TcpStream)> {
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    server.set_nonblocking(true)?;
    Ok((client, server))
}

/// Is the second connection served while the first one's task blocks its worker, for `patience` at
/// most?
fn is_served<R: Rung>(patience: Duration) -> io::Result<bool> {
    let runtime = R::start(2);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (mut first, first_server) = connect(&listener)?;
    let (mut second, second_server) = connect(&listener)?;
    let (begin, begun) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let (answer, answered) = mpsc::channel();
    let block = move || {
        begin.send(()).expect("main listens");
        answer.send(told.recv_timeout(patience).is_ok()).expect("main listens");
    };
    let stuck = runtime.serve(first_server, block).expect("the rung knows sockets");
    let prompt = runtime.serve(second_server, || {}).expect("the rung knows sockets");

    let mut byte = [0];
    second.write_all(b"1")?;
    second.read_exact(&mut byte)?; // Both tasks have begun, or will before anybody sleeps.
    thread::sleep(PAUSE);

    first.write_all(b"2")?;
    begun.recv().expect("the first task reads its byte");
    second.write_all(b"3")?;
    second.read_exact(&mut byte)?;
    tell.send(()).ok(); // If it is too late, nobody listens any more.
    let served = answered.recv().expect("the first task goes on in the end");
    first.read_exact(&mut byte)?;

    drop((first, second));
    future::block_on(async { stuck.await.and(prompt.await) })?;
    runtime.stop();
    Ok(served)
}

fn main() -> io::Result<()> {
    // On rung 6 only the stuck task's own patience ends it; on the others nothing depends on that.
    let short = Duration::from_millis(100);
    let mut late = false;
    let mut tries = 0;
    while !late && tries < TRIES {
        late = !is_served::<Arc<r6_driver::Runtime>>(short)?;
        tries += 1;
    }
    assert!(late, "rung 6 leaves the driver to nobody");
    println!("r6_driver:   one task blocks its worker, and the other connection waits for it");

    let long = Duration::from_secs(20);
    for (name, served) in [
        ("r7_handover:", is_served::<Arc<r7_handover::Runtime>>(long)?),
        ("waterwheel: ", is_served::<Ours>(long)?),
    ] {
        assert!(served, "{name} the other worker waits in the driver");
        println!("{name} one task blocks its worker, and the other connection is served");
    }
    Ok(())
}
