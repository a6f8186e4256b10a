//! Chapter 1, step 4: joined. Run: `cargo run --release --example ch01_4_joined`
//!
//! The four questions of step 1 again, without a thread for each: one thread waits for all of them,
//! first one after the other, then joined. Then what joining cannot do: four computations on one
//! thread take as long as four computations, and only tasks of their own spread over workers. In the
//! end 100,000 waiting tasks are weighed, as the threads were. Runs alone, since it measures.
//!
//! Book: chapter 1.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Barrier};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{BuildError, Runtime, Task, join, spawn_task, time};

/// What the server lets a question of one unit wait.
const UNIT: Duration = Duration::from_millis(100);
/// How many tasks are weighed.
const WEIGHED: usize = 100_000;

/// Answers each connection after as many units as its one byte asks for; a task each.
async fn serve_slowly(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut connection, _) = listener.accept().await?;
        let answer = async move {
            let mut units = [0];
            connection.read_exact(&mut units).await?;
            time::sleep(UNIT * u32::from(units[0])).await;
            connection.write_all(format!("waited {}", units[0]).as_bytes()).await
        };
        spawn_task!(answer).detach();
    }
}

/// Asks the server to answer after `units`, and waits for the answer.
async fn ask(server: SocketAddr, units: u8) -> io::Result<String> {
    let mut connection = TcpStream::connect(server).await?;
    connection.write_all(&[units]).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn ask_four(server: SocketAddr) -> io::Result<Vec<String>> {
    let (a, b, c, d) = join!(ask(server, 1), ask(server, 1), ask(server, 1), ask(server, 1));
    [a, b, c, d].into_iter().collect()
}

async fn one_after_the_other(server: SocketAddr) -> io::Result<Vec<String>> {
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(ask(server, 1).await?);
    }
    Ok(answers)
}

/// A long answer and a short one, both asked for now: which is printed first?
async fn page_and_login(server: SocketAddr) -> io::Result<String> {
    let page = ask(server, 5);
    let login = async {
        let answer = ask(server, 3).await?;
        println!("last login: {answer}");
        io::Result::Ok(())
    };
    let (page, login) = join!(page, login);
    login.and(page)
}

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let output = run();
    let took = begun.elapsed();
    println!("{what}: {:.1} ms", took.as_secs_f64() * 1e3);
    (output, took)
}

/// Work that keeps a core busy; says which thread that was.
async fn compute() -> (u64, ThreadId) {
    let sum = (0..8_000_000_u64).fold(0, |sum: u64, n| sum.rotate_left(5) ^ n);
    (std::hint::black_box(sum), thread::current().id())
}

/// The computations as four tasks. The first two meet, which two threads at a time can do.
async fn compute_as_tasks() -> [(u64, ThreadId); 4] {
    let meeting = Arc::new(Barrier::new(2));
    let start = |meets: bool| -> Task<_> {
        let meeting = meeting.clone();
        spawn_task!(async move {
            if meets {
                meeting.wait();
            }
            compute().await
        })
    };
    let (a, b, c, d) = join!(start(true), start(true), start(false), start(false));
    [a, b, c, d]
}

fn threads(done: &[(u64, ThreadId)]) -> usize {
    done.iter().map(|(_, thread)| thread).collect::<HashSet<_>>().len()
}

/// The memory this process really uses, in bytes, as Linux counts; zero elsewhere.
fn used() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kib.unwrap_or(0) * 1024
}

/// What one waiting task weighs, its timer and its handle included.
fn weigh() -> Result<usize, BuildError> {
    let runtime = Runtime::builder().with_high_num(0).with_low_num(1).build()?;
    let hour = Duration::from_secs(3600);
    let mut tasks = Vec::with_capacity(WEIGHED);
    let before = used();
    let wait = || runtime.handle().spawn(async move { time::sleep(hour).await });
    tasks.extend((0..WEIGHED).map(|_| wait()));
    // One worker, first in, first out: when this one has run, all of them have been polled.
    runtime.block_on(runtime.handle().spawn(async {}));
    Ok(used().saturating_sub(before) / WEIGHED)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Without the stand-ins that chapter 17 gives to a worker that is stuck.
    let builder = Runtime::builder().replacement_workers(0);
    let runtime = builder.with_high_num(0).with_low_num(2).build()?;
    let _entered = runtime.handle().enter();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let server = listener.local_addr()?;
    let serving = spawn_task!(serve_slowly(listener));

    let (alone, apart) =
        timed("one after the other", || runtime.block_on(one_after_the_other(server)));
    let (answers, joined) = timed("joined", || runtime.block_on(ask_four(server)));
    let (page, both) = timed("a page and a login", || runtime.block_on(page_and_login(server)));
    let page = page?;
    println!("the page: {page}");

    let four = || async { <[_; 4]>::from(join!(compute(), compute(), compute(), compute())) };
    let (in_one, _) = timed("four computations joined", || runtime.block_on(four()));
    let (in_four, _) = timed("as four tasks", || runtime.block_on(compute_as_tasks()));
    println!("threads that computed: {} and {}", threads(&in_one), threads(&in_four));
    drop(serving);

    let bytes = weigh()?;
    println!("a waiting task uses ~{bytes} bytes");

    assert_eq!(
        (alone?, answers?),
        (vec!["waited 1".to_owned(); 4], vec!["waited 1".to_owned(); 4])
    );
    assert!(apart >= UNIT * 4 && joined >= UNIT && joined < apart);
    assert!(page == "waited 5" && both >= UNIT * 5 && both < UNIT * 8, "the longer of the two");
    assert_eq!((threads(&in_one), threads(&in_four)), (1, 2));
    assert!(bytes < 1_000, "a task is light");
    Ok(())
}
