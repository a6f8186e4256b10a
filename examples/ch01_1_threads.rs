//! Chapter 1, step 1: a thread each. Run: `cargo run --release --example ch01_1_threads`
//!
//! Threads for two kinds of work. Four threads that compute: each has something to do all the time.
//! Four threads that ask a slow server: each waits all the time. Both are done at once, and the
//! second kind is what this book is about, so the program then keeps 500 threads waiting and weighs
//! them. Runs alone, since it measures.
//!
//! Book: chapter 1.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

/// What the server lets a question of one unit wait.
const UNIT: Duration = Duration::from_millis(100);
/// How many threads are weighed: enough that what the process has anyway does not count.
const WEIGHED: usize = 500;

/// The slow way on purpose: it keeps a core busy. `None` if the number does not fit.
fn fibonacci(n: u32) -> Option<u64> {
    if n < 2 {
        return Some(u64::from(n));
    }
    fibonacci(n - 1)?.checked_add(fibonacci(n - 2)?)
}

fn compute_four(n: u32) -> Vec<Option<u64>> {
    let threads: Vec<_> = (0..4).map(|_| thread::spawn(move || fibonacci(n))).collect();
    // In the order in which they were started, whichever ends first.
    threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
}

/// Answers each connection after as many units as its one byte asks for; a thread each.
fn serve_slowly(listener: TcpListener) {
    thread::spawn(move || {
        for connection in listener.incoming() {
            thread::spawn(move || -> io::Result<()> {
                let mut connection = connection?;
                let mut units = [0];
                connection.read_exact(&mut units)?;
                thread::sleep(UNIT * u32::from(units[0]));
                write!(connection, "waited {}", units[0])
            });
        }
    });
}

/// Asks the server to answer after `units`, and waits for the answer.
fn ask(server: SocketAddr, units: u8) -> io::Result<String> {
    let mut connection = TcpStream::connect(server)?;
    connection.write_all(&[units])?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

fn ask_four(server: SocketAddr) -> io::Result<Vec<String>> {
    let threads: Vec<_> = (0..4).map(|_| thread::spawn(move || ask(server, 1))).collect();
    threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
}

/// The addresses this process has reserved, and the memory it really uses, both in bytes.
#[derive(Clone, Copy)]
struct Weight {
    reserved: u64,
    used: u64,
}

impl Weight {
    /// As Linux counts them; zero elsewhere.
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
            kib.unwrap_or(0) * 1024
        };
        Self { reserved: bytes("VmSize:"), used: bytes("VmRSS:") }
    }
}

/// What one waiting thread weighs, on average over [`WEIGHED`] of them.
fn weigh() -> io::Result<Weight> {
    let before = Weight::now();
    let gate = Arc::new(Barrier::new(WEIGHED + 1));
    let mut threads = Vec::new();
    for _ in 0..WEIGHED {
        let gate = gate.clone();
        threads.push(thread::Builder::new().spawn(move || {
            gate.wait();
            gate.wait();
        })?);
    }
    gate.wait(); // All have started, and go on to wait for the second time.
    let after = Weight::now();
    gate.wait();
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    let each = |before: u64, after: u64| after.saturating_sub(before) / WEIGHED as u64;
    Ok(Weight {
        reserved: each(before.reserved, after.reserved),
        used: each(before.used, after.used),
    })
}

fn main() -> io::Result<()> {
    let begun = Instant::now();
    let alone = fibonacci(30);
    let one = begun.elapsed().as_secs_f64() * 1e3;
    let begun = Instant::now();
    let computed = compute_four(30);
    let four = begun.elapsed().as_secs_f64() * 1e3;
    println!("four threads computed {computed:?}");
    println!("one alone took {one:.1} ms, the four together {four:.1} ms");

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = listener.local_addr()?;
    serve_slowly(listener);
    let begun = Instant::now();
    let answers = ask_four(server)?;
    let waited = begun.elapsed();
    println!("four threads were told {answers:?}");
    println!("together they took {:.1} ms", waited.as_secs_f64() * 1e3);

    let Weight { reserved, used } = weigh()?;
    println!("a waiting thread reserves ~{} KiB and uses ~{used} bytes", reserved / 1024);

    assert_eq!(computed, [alone; 4]);
    assert_eq!(answers, ["waited 1"; 4]);
    assert!(waited >= UNIT && waited < UNIT * 4, "the waits overlap");
    if cfg!(target_os = "linux") {
        assert!(used > 2_000 && reserved > 100_000, "a thread is not free");
    }
    Ok(())
}
