//! An idle runtime does nothing: no polling, no tick, no look-round.
//!
//! A second process opens the connections and holds them; here each has a task that waits for its first byte, and as many
//! tasks sleep for an hour. Then nothing happens for some seconds, and the kernel says how often our threads were switched
//! to and how much processor time the process took.
//!
//! Book: chapter 13

use super::bound;
use super::process::context_switches;
use crate::load::{Holder, allow_descriptors};
use crate::machine::cpu_time;
use futures_lite::AsyncReadExt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};
use waterwheel::Runtime;
use waterwheel::net::{TcpListener, TcpStream};

/// Connections, and timers.
const MANY: usize = 1_000;
const SMALL: Duration = Duration::from_secs(2);
const FULL: Duration = Duration::from_secs(10);
/// Not reached.
const FAR: Duration = Duration::from_secs(3_600);
/// What the workers get to fall asleep once all is set up.
const SETTLE: Duration = Duration::from_millis(300);
/// How long the set-up may take.
const WATCHDOG: Duration = Duration::from_secs(30);
/// A handful: context switches of all our threads together.
const SWITCHES: u64 = 10;
/// 0.1 % of one processor.
const SHARE: f64 = 0.001;

pub(super) fn run(full: bool) -> Result<(), String> {
    allow_descriptors(MANY);
    let runtime = Runtime::builder().build().map_err(|error| format!("cannot build: {error}"))?;
    let waiting = Arc::new(AtomicUsize::new(0));
    let listener =
        runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(|error| text(&error))?;
    let address = listener.local_addr().map_err(|error| text(&error))?;
    runtime.handle().spawn(accept(listener, waiting.clone())).detach();
    for _ in 0..MANY {
        runtime.handle().spawn(sleep(waiting.clone())).detach();
    }
    let _holder = Holder::start(address, MANY)?;
    watch(&waiting, full)
}

fn watch(waiting: &AtomicUsize, full: bool) -> Result<(), String> {
    let begin = Instant::now();
    while waiting.load(SeqCst) < 2 * MANY {
        bound(begin.elapsed() < WATCHDOG, "connections and timers were not set up in 30 s")?;
        thread::yield_now();
    }
    thread::sleep(SETTLE);
    let period = if full { FULL } else { SMALL };
    let switches_before = context_switches()?;
    let cpu_before = cpu_time();
    thread::sleep(period);
    let cpu = cpu_time() - cpu_before;
    let switches_after = context_switches()?;
    let share = cpu.as_secs_f64() / period.as_secs_f64();
    println!("{MANY} connections and {MANY} timers, {} s without an event", period.as_secs());
    let mut all = 0;
    for ((name, before), (_, after)) in switches_before.iter().zip(&switches_after) {
        println!("  context switches of {name:16} {}", after - before);
        all += after - before;
    }
    println!("  processor time {} us, {:.5} % of one processor", cpu.as_micros(), share * 100.0);
    bound(switches_before.len() == switches_after.len(), "threads came or went")?;
    bound(all <= SWITCHES, &format!("{all} context switches, more than {SWITCHES}"))?;
    bound(share < SHARE, "more than 0.1 % of a processor")
}

async fn accept(listener: TcpListener, waiting: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        waterwheel::spawn_task!(first_byte(stream, waiting.clone())).detach();
    }
}

async fn first_byte(mut stream: TcpStream, waiting: Arc<AtomicUsize>) {
    waiting.fetch_add(1, SeqCst);
    // The holder sends nothing: this ends when it closes.
    let end = stream.read(&mut [0]).await;
    drop(end);
}

async fn sleep(waiting: Arc<AtomicUsize>) {
    waiting.fetch_add(1, SeqCst);
    waterwheel::time::sleep(FAR).await;
}

fn text(error: &io::Error) -> String {
    error.to_string()
}
