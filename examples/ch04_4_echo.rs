//! Chapter 4, step 4: an echo server on Waterwheel.
//! Run: `cargo run --release --example ch04_4_echo`
//!
//! A loop that accepts and a task for each connection. A thousand clients come, and one in ten of
//! them hangs up in the middle of an answer. Then a client that sends sixteen megabytes and does
//! not read what comes back: it has to wait, and nothing piles up.
//!
//! Book: chapter 4.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_lite::future::try_zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt, StreamExt};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{Runtime, Task, spawn_task, time};

const CLIENTS: usize = 1_000;
/// How many of them are there at the same time.
const AT_ONCE: usize = 100;
/// What the client that does not read tries to send, in bytes.
const FLOOD: usize = 16 << 20;

/// How many connections have ended in an error.
static BROKEN: AtomicUsize = AtomicUsize::new(0);

/// Serves for ever. What fails is told; it ends neither the loop nor anybody else.
async fn serve(listener: TcpListener) {
    let mut incoming = listener.incoming();
    while let Some(connection) = incoming.next().await {
        match connection {
            Ok((stream, _)) => spawn_task!(echo(stream)).detach(),
            Err(error) => eprintln!("accepting: {error}"),
        }
    }
}

async fn echo(stream: TcpStream) {
    if futures_lite::io::copy(&stream, &stream).await.is_err() {
        BROKEN.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends a message, closes its half of the connection, and reads the echo to the end.
async fn polite(server: SocketAddr, message: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(message.as_bytes()).await?;
    stream.close().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Hangs up with most of the answer unread.
async fn rude(server: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(&[b'?'; 64 << 10]).await?;
    stream.read_exact(&mut [0; 1]).await
}

/// All clients, a hundred at a time; how many got their own message back.
async fn crowd(server: SocketAddr) -> io::Result<usize> {
    let mut answered = 0;
    for first in (0..CLIENTS).step_by(AT_ONCE) {
        let client = |number: usize| {
            spawn_task!(async move {
                if number.is_multiple_of(10) {
                    return rude(server).await.map(|()| false);
                }
                let message = format!("client {number}: that's so dingo!\n");
                Ok::<_, io::Error>(polite(server, &message).await? == message)
            })
        };
        let clients: Vec<Task<_>> = (first..first + AT_ONCE).map(client).collect();
        for client in clients {
            answered += usize::from(client.await?);
        }
    }
    Ok(answered)
}

/// Writes all it can without reading, then reads and writes side by side. Says how far it got in
/// the first part, and how many bytes came back in all.
async fn flood(server: SocketAddr) -> io::Result<(usize, u64)> {
    let stream = TcpStream::connect(server).await?;
    let mut sent = 0;
    let block = [b'~'; 64 << 10];
    // When it has to wait for longer than this, nobody takes anything any more.
    let patience = Duration::from_millis(100);
    while sent < FLOOD {
        let room = block.len().min(FLOOD - sent);
        match time::timeout(patience, (&stream).write(&block[..room])).await {
            Ok(count) => sent += count?,
            Err(_) => break,
        }
    }
    let before_it_read = sent;
    let write_on = async {
        while sent < FLOOD {
            let room = block.len().min(FLOOD - sent);
            sent += (&stream).write(&block[..room]).await?;
        }
        (&stream).close().await
    };
    let read = futures_lite::io::copy(&stream, futures_lite::io::sink());
    let ((), came_back) = try_zip(write_on, read).await?;
    Ok((before_it_read, came_back))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::builder().with_high_num(0).with_low_num(1).build()?;
    let (server, address) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        io::Result::Ok((spawn_task!(serve(listener)), address))
    })?;

    let answered = runtime.block_on(crowd(address))?;
    println!("{CLIENTS} clients, {} of them rude; answered: {answered}", CLIENTS / 10);
    println!("  connections that ended in an error: ~{}", BROKEN.load(Ordering::Relaxed));
    assert_eq!(answered, CLIENTS * 9 / 10);

    let (before, came_back) = runtime.block_on(flood(address))?;
    println!("a client that did not read could send ~{} of {} KiB", before >> 10, FLOOD >> 10);
    println!("when it read, {} KiB came back", came_back >> 10);
    assert!(before < FLOOD, "somebody must say stop");
    assert_eq!(came_back, FLOOD as u64);

    println!("did anything of this end the server? {}", server.is_finished());
    assert!(!server.is_finished());
    runtime.shutdown(Duration::ZERO)?;
    Ok(())
}
