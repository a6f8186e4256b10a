//! Chapter 4, step 2: a future that polls its socket.
//! Run: `cargo run --release --example ch04_2_future_polls_socket`
//!
//! A server as a future, the way one writes it on the first day: `poll` asks the operating system
//! and, when there is no news, asks to be polled again. One worker, and five ways to suffer from it.
//!
//! Book: chapter 4.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::{Events, Interest, Token};
use waterwheel::{Priority, Runtime, time, yield_now};

/// How long a patient server sits in each of its polls.
const PATIENCE: Duration = Duration::from_millis(20);

/// Waits for a client, and is ready with what the client says. Naive.
pub(crate) struct Listening {
    poll: mio::Poll,
    events: Events,
    listener: TcpListener,
    patience: Duration,
}

impl Listening {
    pub(crate) fn new(patience: Duration) -> io::Result<(Self, SocketAddr)> {
        let poll = mio::Poll::new()?;
        let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        poll.registry().register(&mut listener, Token(0), Interest::READABLE)?;
        let address = listener.local_addr()?;
        Ok((Self { poll, events: Events::with_capacity(16), listener, patience }, address))
    }
}

impl Future for Listening {
    type Output = io::Result<String>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.poll.poll(&mut this.events, Some(this.patience))?;
        for _ in &this.events {
            let (mut stream, _) = this.listener.accept()?;
            let mut buffer = [0; 1024];
            match stream.read(&mut buffer) {
                Ok(count) => {
                    let message = String::from_utf8_lossy(&buffer[..count]).into_owned();
                    return Poll::Ready(Ok(message));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => println!("  no message"),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        context.waker().wake_by_ref(); // "No news. Poll me again."
        Poll::Pending
    }
}

pub(crate) fn one_worker() -> Runtime {
    // Without the stand-ins that chapter 17 gives to a worker that is stuck.
    let builder = Runtime::builder().replacement_workers(0);
    let runtime = builder.with_high_num(0).with_low_num(1).build();
    runtime.expect("one worker can be started")
}

/// How long it takes a task to be polled ten times, beside whatever else the worker has to do.
pub(crate) fn ten_turns(runtime: &Runtime) -> Duration {
    runtime.block_on(runtime.handle().spawn(async {
        let begun = Instant::now();
        for _ in 0..10 {
            yield_now().await;
        }
        begun.elapsed()
    }))
}

/// What the server hears from a client that has sent `message` before the server looks.
fn early(runtime: &Runtime, message: &[u8]) -> io::Result<String> {
    let (listening, address) = Listening::new(PATIENCE)?;
    let mut client = std::net::TcpStream::connect(address)?;
    client.write_all(message)?;
    runtime.block_on(runtime.handle().spawn(listening))
}

/// Whether the server hears a client that speaks only after it has been accepted.
fn late(runtime: &Runtime) -> io::Result<bool> {
    let (listening, address) = Listening::new(PATIENCE)?;
    let server = runtime.handle().spawn(listening);
    let mut client = std::net::TcpStream::connect(address)?;
    let hung_up = client.read(&mut [0; 1])? == 0;
    println!("a client that speaks late: the server hung up on it? {hung_up}");
    let _ = client.write_all(b"that's so dingo!\n"); // To nobody.
    runtime.block_on(time::sleep(PATIENCE * 3));
    Ok(server.is_finished())
}

fn main() -> io::Result<()> {
    let runtime = one_worker();
    println!("a client that speaks early: {:?}", early(&runtime, b"that's so dingo!\n")?);
    let heard = early(&runtime, &[b'x'; 3000])?.len();
    println!("of a message of 3000 bytes came {heard}");
    assert_eq!(heard, 1024, "the first buffer is taken for the message");
    let heard = late(&runtime)?;
    println!("  was it heard in the end? {heard}");
    assert!(!heard, "the only message there would have been is gone");

    let alone = ten_turns(&runtime);
    let patient = runtime.handle().spawn(Listening::new(PATIENCE)?.0);
    let beside = ten_turns(&runtime);
    drop(patient);
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!("ten turns of another task: alone {:.3} ms", ms(alone));
    println!("  beside a server that waits 20 ms in each poll: {:.3} ms", ms(beside));
    assert!(beside > PATIENCE * 9, "the worker sits inside the server's poll");

    let polls = || runtime.metrics().lane(Priority::Low).polls;
    let impatient = runtime.handle().spawn(Listening::new(Duration::ZERO)?.0);
    let before = polls();
    runtime.block_on(time::sleep(Duration::from_millis(100)));
    let polled = polls() - before;
    drop(impatient);
    println!("a server that does not wait at all: polled ~{polled} times in 100 ms, for nothing");
    assert!(polled > 100, "it keeps the worker busy");
    Ok(())
}
