//! Runtimes come and go, and the process is as it was.
//!
//! Each runtime spawns on both lanes, sleeps, runs a blocking call and passes a byte through a socket; one half of them
//! is shut down by name, the other half is dropped.
//!
//! Book: chapter 18

use super::process::Holdings;
use super::{bound, distribution};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use std::io;
use std::time::{Duration, Instant};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{Priority, Runtime};

const SMALL: usize = 100;
const FULL: usize = 1_000;
/// Runtimes before the first look: the allocator's arenas and the process default's parts are then in place.
const WARM_UP: usize = 50;
/// What the allocator may keep, in KiB: less than a leaked task of 100 bytes in each runtime, ten times over.
const MEMORY: u64 = 1_024;
/// How long a runtime's tasks may end by themselves. One of them never does, so it is spent each time.
const GRACE: Duration = Duration::from_millis(1);

pub(super) fn run(full: bool) -> Result<(), String> {
    let count = if full { FULL } else { SMALL };
    for number in 0..WARM_UP {
        live_and_die(number)?;
    }
    let before = Holdings::now()?;
    let mut lives = Vec::with_capacity(count);
    for number in 0..count {
        let begin = Instant::now();
        live_and_die(number)?;
        lives.push(begin.elapsed().as_nanos() as u64);
    }
    let after = Holdings::settled(before)?;
    distribution("built, used and dropped", &mut lives, 0.5);
    println!("before  {before:?} KiB\nafter   {after:?} KiB");
    bound(after.threads == before.threads, "threads are left")?;
    bound(after.descriptors == before.descriptors, "descriptors are left")?;
    let grown = after.memory.saturating_sub(before.memory);
    bound(grown <= MEMORY, &format!("resident memory grew by {grown} KiB, more than {MEMORY}"))
}

fn live_and_die(number: usize) -> Result<(), String> {
    let runtime = Runtime::builder().build().map_err(|error| format!("cannot build: {error}"))?;
    runtime.block_on(live()).map_err(|error| format!("cannot use: {error}"))?;
    if number.is_multiple_of(2) {
        runtime.shutdown(GRACE).map_err(|error| format!("cannot shut down: {error}"))?;
    }
    Ok(())
}

async fn live() -> io::Result<()> {
    let high = waterwheel::spawn_task!(async { 1 }, Priority::High);
    let low = waterwheel::spawn_task!(async { 2 });
    let blocking = waterwheel::spawn_blocking(|| 3);
    waterwheel::time::sleep(Duration::from_micros(100)).await;
    assert_eq!(high.await + low.await + blocking.await, 6, "every task ran");
    // A task that never ends is dropped with its runtime.
    waterwheel::spawn_task!(std::future::pending::<()>()).detach();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut client = TcpStream::connect(listener.local_addr()?).await?;
    let (mut server, _) = listener.accept().await?;
    client.write_all(b"w").await?;
    let mut byte = [0];
    server.read_exact(&mut byte).await?;
    assert_eq!(&byte, b"w", "the byte arrived");
    Ok(())
}
