//! Exercise 3 of chapter 4, solved: what does a wake cost?

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use waterwheel::Runtime;

/// How long `count` round trips take, first between two threads, then between two tasks.
///
/// # Errors
///
/// Whatever the sockets say.
pub fn round_trips(count: u32) -> io::Result<(Duration, Duration)> {
    Ok((between_threads(count)?, between_tasks(count)?))
}

fn between_threads(count: u32) -> io::Result<Duration> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let mut client = std::net::TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let echo = std::thread::spawn(move || {
        let mut byte = [0];
        while server.read(&mut byte)? == 1 {
            server.write_all(&byte)?;
        }
        io::Result::Ok(())
    });
    let mut byte = [7];
    let begun = Instant::now();
    for _ in 0..count {
        client.write_all(&byte)?;
        client.read_exact(&mut byte)?;
    }
    let took = begun.elapsed();
    drop(client);
    echo.join().expect("the echo does not panic")?;
    Ok(took)
}

fn between_tasks(count: u32) -> io::Result<Duration> {
    use waterwheel::net::{TcpListener, TcpStream};
    let builder = Runtime::builder().with_high_num(0).with_low_num(1);
    let runtime = builder.build().map_err(io::Error::other)?;
    runtime.block_on(runtime.handle().spawn(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut client = TcpStream::connect(listener.local_addr()?).await?;
        let (mut server, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let echo = waterwheel::spawn_task!(async move {
            let mut byte = [0];
            while server.read(&mut byte).await? == 1 {
                server.write_all(&byte).await?;
            }
            io::Result::Ok(())
        });
        let mut byte = [7];
        let begun = Instant::now();
        for _ in 0..count {
            client.write_all(&byte).await?;
            client.read_exact(&mut byte).await?;
        }
        let took = begun.elapsed();
        drop(client);
        echo.await?;
        Ok(took)
    }))
}
