//! One bad task stops nobody else. Run: `cargo run --release --example bug_tokio_4730`
//!
//! tokio's issue 4730 (2022), retold: the worker that waits for the operating system is woken by a timer and goes on
//! with the task behind it. If that task then keeps its worker, nobody waits for the operating system any more, and
//! every timer and every socket of the process stands still, however many workers sleep with nothing to do.
//!
//! Here a bad task sleeps for a moment and then blocks its worker until the others have shown that they live: until a
//! timer has rung and a message has gone to a socket and come back. Were they stuck behind it, neither would come.
//! With every second round the bad task burns its worker's time instead of sleeping on it.
//!
//! Book: chapter 13.

use std::io;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{Priority, Runtime, Task, spawn_task, time};

const ROUNDS: u32 = 20;
/// Nothing here takes a thousandth of it; a round that does is stuck.
const LIMIT: Duration = Duration::from_secs(20);

/// Sends back what comes in.
async fn echo(listener: TcpListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept().await?;
    let mut byte = [0];
    while stream.read(&mut byte).await? > 0 {
        stream.write_all(&byte).await?;
    }
    Ok(())
}

/// Holds its worker until `signs` have come twice; says whether they did.
fn hold(signs: &Receiver<()>, burning: bool) -> bool {
    let begin = Instant::now();
    let mut missing = 2;
    while missing > 0 && begin.elapsed() < LIMIT {
        let sign = if burning {
            signs.try_recv()
        } else {
            signs.recv_timeout(LIMIT).map_err(|_| TryRecvError::Disconnected)
        };
        match sign {
            Ok(()) => missing -= 1,
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
            Err(TryRecvError::Disconnected) => break,
        }
    }
    missing == 0
}

/// One bad task beside a timer and a connection; says whether these went on.
async fn round(number: u32, client: &mut TcpStream) -> io::Result<bool> {
    let (sign, signs) = channel();
    let (begins, has_begun) = flume::bounded(1);
    let lane = if number.is_multiple_of(4) { Priority::High } else { Priority::Low };
    let burning = number.is_multiple_of(2);
    let bad: Task<bool> = spawn_task!(
        async move {
            time::sleep(Duration::from_millis(1)).await;
            begins.send(()).expect("the round waits for it");
            hold(&signs, burning)
        },
        lane
    );
    // The timer is set before the bad task begins, and rings while it holds its worker.
    let theirs = sign.clone();
    let good = spawn_task!(async move {
        has_begun.recv_async().await.expect("the bad task begins");
        time::sleep(Duration::from_millis(2)).await;
        theirs.send(()).unwrap_or(()); // It has given up: then it says so itself.
    });
    client.write_all(b"w").await?;
    good.await;
    client.write_all(b"w").await?;
    client.read_exact(&mut [0; 2]).await?;
    sign.send(()).unwrap_or(());
    Ok(bad.await)
}

fn main() -> io::Result<()> {
    let builder = Runtime::builder().with_high_num(1).with_low_num(1);
    let runtime = builder.build().map_err(io::Error::other)?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut client = TcpStream::connect(listener.local_addr()?).await?;
        let server = spawn_task!(echo(listener));
        for number in 0..ROUNDS {
            let begin = Instant::now();
            assert!(round(number, &mut client).await?, "round {number}: nobody else went on");
            eprintln!("round {number}: {:.1} ms", begin.elapsed().as_secs_f64() * 1e3);
        }
        drop(client);
        server.await
    })?;
    println!(
        "in each of {ROUNDS} rounds a timer and a socket went on beside a task that held its worker"
    );
    Ok(())
}

#[test]
fn a_task_that_holds_its_worker_stops_neither_timers_nor_sockets() {
    main().expect("loopback works");
}
