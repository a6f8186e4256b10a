//! The four scenarios, each as generic as the runtimes allow.
//!
//! Who blocks does so on a channel and goes on when the others have shown that they live, or when the patience is over:
//! nothing here lasts a chosen time, and a runtime that does well is done at once. No scenario helps: while a task
//! blocks, nothing is spawned from outside, since that would wake a worker, which a bug like these hides behind.
//!
//! Book: chapters 13, 14, 17

use crate::peer::{Connection, Layout, Ours, Peer, Serves, Sleeps, Smol, Tokio};
use async_executor::Executor;
use futures_lite::future;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Two workers: one can be lost.
const LAYOUT: Layout = Layout { high: 1, low: 1 };
const FEW: u32 = 50;
const MANY: u32 = 1_000;
/// Calls in the largest group.
const GROUP: usize = 6;
/// Tasks that one thread spawns.
const TASKS: usize = 20;

/// How long a round may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) patience: Duration,
}

/// What was seen: `Err` if the runtime fails.
type Seen = Result<String, String>;

/// The rounds done so far, and the longest wait among them.
#[derive(Debug, Default)]
struct Waits {
    rounds: u32,
    longest: Duration,
}

impl Waits {
    /// A round that began at `begin` has ended; `what` is missing if it did not end well.
    fn round(&mut self, begin: Instant, well: bool, what: &str) -> Result<(), String> {
        self.rounds += 1;
        let took = begin.elapsed();
        self.longest = self.longest.max(took);
        if well {
            return Ok(());
        }
        Err(format!("round {}: {what} within {:.1} s", self.rounds, took.as_secs_f64()))
    }

    fn passed(&self) -> String {
        let longest = self.longest.as_secs_f64() * 1e3;
        format!("{} rounds, the longest took {longest:.1} ms", self.rounds)
    }
}

fn unknown(contestant: &str) -> String {
    format!("no contestant `{contestant}` in this scenario")
}

/// tokio's issue 4730.
pub(super) fn bad_task(contestant: &str, limits: Limits) -> Result<Seen, String> {
    Ok(match contestant {
        "ours" => bad_task_on(Ours::start(LAYOUT), limits),
        "tokio" => bad_task_on(Tokio::start(LAYOUT), limits),
        "smol" => bad_task_on(Smol::start(LAYOUT), limits),
        other => return Err(unknown(other)),
    })
}

fn bad_task_on<P: Serves + Sleeps>(peer: P, limits: Limits) -> Seen {
    let (mut client, ticks) = echo_and_ticks(peer, limits).map_err(|error| error.to_string())?;
    let mut waits = Waits::default();
    for _ in 0..FEW {
        let (begins, has_begun) = channel();
        let (release, released) = channel::<()>();
        let patience = limits.patience;
        P::detach(peer.spawn(async move {
            peer.sleep(Duration::from_millis(1)).await;
            begins.send(()).expect("the main thread waits");
            // Blocks its worker until the main thread is content, or gives up.
            released.recv_timeout(2 * patience).unwrap_or(());
        }));
        let begun = has_begun.recv_timeout(patience).is_ok();
        let (begin, before) = (Instant::now(), ticks.load(SeqCst));
        let echoed = client.write_all(b"w").and_then(|()| client.read_exact(&mut [0])).is_ok();
        while ticks.load(SeqCst) < before + 2 && begin.elapsed() < patience {
            thread::sleep(Duration::from_millis(1));
        }
        let ticked = ticks.load(SeqCst) >= before + 2;
        waits.round(begin, begun, "the task's own timer did not ring")?;
        waits.round(begin, echoed, "no answer from the socket")?;
        waits.round(begin, ticked, "no other timer rang")?;
        waits.rounds -= 2;
        drop(release);
    }
    Ok(waits.passed())
}

/// A connection to an echo server, and the count of a task that sleeps for 3 ms at a time.
fn echo_and_ticks<P: Serves + Sleeps>(
    peer: P,
    limits: Limits,
) -> std::io::Result<(TcpStream, Arc<AtomicU64>)> {
    let ticks = Arc::new(AtomicU64::new(0));
    let count = ticks.clone();
    let (mut listener, address) = peer.block_on(peer.listen())?;
    P::detach(peer.spawn(async move {
        let Ok(mut stream) = P::accept(&mut listener).await else { return };
        let mut byte = [0];
        while let Ok(1) = stream.read(&mut byte).await {
            stream.write_all(&byte).await.unwrap_or(()); // The client sees that there is no answer.
        }
    }));
    P::detach(peer.spawn(async move {
        loop {
            peer.sleep(Duration::from_millis(3)).await;
            count.fetch_add(1, SeqCst);
        }
    }));
    let client = TcpStream::connect(address)?;
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(limits.patience))?;
    Ok((client, ticks))
}

/// tokio's issue 4941.
pub(super) fn last_child(contestant: &str, limits: Limits) -> Result<Seen, String> {
    Ok(match contestant {
        "ours" => last_child_on(Ours::start(LAYOUT), limits),
        "tokio" => last_child_on(Tokio::start(LAYOUT), limits),
        "smol" => last_child_on(Smol::start(LAYOUT), limits),
        other => return Err(unknown(other)),
    })
}

fn last_child_on<P: Peer>(peer: P, limits: Limits) -> Seen {
    let mut waits = Waits::default();
    for _ in 0..FEW {
        let begin = Instant::now();
        let parent = peer.spawn(async move {
            let (begins, begun) = channel();
            P::detach(peer.spawn(async move { begins.send(()).unwrap_or(()) }));
            begun.recv_timeout(limits.patience).is_ok()
        });
        let child_began = peer.block_on(parent);
        waits.round(begin, child_began, "the child did not begin beside its parent")?;
    }
    Ok(waits.passed())
}

/// tokio's issue 8056.
pub(super) fn groups_of_calls(contestant: &str, limits: Limits) -> Result<Seen, String> {
    let mut seen = String::new();
    for keep_alive in [Duration::from_secs(10), Duration::from_micros(1)] {
        let outcome = match contestant {
            "ours" => {
                let builder = waterwheel::Runtime::builder().thread_keep_alive(keep_alive);
                let runtime = builder.build().map_err(|error| error.to_string())?;
                groups_on(|call| runtime.handle().spawn_blocking(call).detach(), limits)
            }
            "tokio" => {
                let mut builder = tokio::runtime::Builder::new_multi_thread();
                let builder = builder.worker_threads(2).thread_keep_alive(keep_alive);
                let runtime = builder.build().map_err(|error| error.to_string())?;
                groups_on(|call| drop(runtime.spawn_blocking(call)), limits)
            }
            other => return Err(unknown(other)),
        };
        match outcome {
            Ok(passed) => seen = passed,
            Err(failed) => return Ok(Err(format!("threads live {keep_alive:?}: {failed}"))),
        }
    }
    Ok(Ok(format!("twice {seen}")))
}

type Call = Box<dyn FnOnce() + Send>;

fn groups_on(spawn_blocking: impl Fn(Call), limits: Limits) -> Seen {
    let mut waits = Waits::default();
    for round in 0..MANY {
        let begin = Instant::now();
        let (done, ended) = channel();
        // One call by itself: its thread has just become idle, or is about to, when the group comes.
        spawn_blocking(Box::new(move || done.send(true).unwrap_or(())));
        let mut well = ended.recv_timeout(limits.patience).unwrap_or(false);
        let (done, ended) = channel();
        let calls = 2 + round as usize % (GROUP - 1);
        for (here, next) in ring(calls) {
            let done = done.clone();
            spawn_blocking(Box::new(move || {
                here.send(()).unwrap_or(()); // The one before has given up, and says so.
                done.send(next.recv_timeout(limits.patience).is_ok()).unwrap_or(());
            }));
        }
        for _ in 0..calls {
            well &= ended.recv_timeout(2 * limits.patience).unwrap_or(false);
        }
        waits.round(begin, well, "a call got no thread")?;
    }
    Ok(waits.passed())
}

/// For each call: how it tells the one before that it is there, and how it hears of the next.
fn ring(calls: usize) -> impl Iterator<Item = (Sender<()>, Receiver<()>)> {
    let (mut heres, nexts): (Vec<_>, Vec<_>) = (0..calls).map(|_| channel()).unzip();
    heres.rotate_right(1);
    heres.into_iter().zip(nexts)
}

/// async-executor's pull request 104.
pub(super) fn serves_no_longer(contestant: &str, limits: Limits) -> Result<Seen, String> {
    Ok(match contestant {
        "ours" => {
            let peer = Ours::start(LAYOUT);
            let serve = || peer.block_on(future::yield_now());
            spawned_afterwards(serve, |task| peer.spawn(task).detach(), limits)
        }
        "smol" => {
            let executor: &'static Executor<'static> = Box::leak(Box::new(Executor::new()));
            // Polls one task at a time and never runs the executor as a whole.
            thread::spawn(move || future::block_on(async { while serve_one(executor).await {} }));
            let serve = || future::block_on(executor.run(future::yield_now()));
            spawned_afterwards(serve, |task| executor.spawn(task).detach(), limits)
        }
        other => return Err(unknown(other)),
    })
}

async fn serve_one(executor: &Executor<'_>) -> bool {
    executor.tick().await;
    true
}

type BoxedTask = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// This thread serves for a moment, spawns tasks when it does no longer, and waits for them.
fn spawned_afterwards(serve: impl Fn(), spawn: impl Fn(BoxedTask), limits: Limits) -> Seen {
    let mut waits = Waits::default();
    for _ in 0..MANY {
        serve();
        let begin = Instant::now();
        let (ran, all) = channel();
        for _ in 0..TASKS {
            let ran = ran.clone();
            spawn(Box::pin(async move {
                future::yield_now().await;
                ran.send(()).unwrap_or(()); // The main thread has given up, and says so.
            }));
        }
        let served = (0..TASKS).all(|_| all.recv_timeout(limits.patience).is_ok());
        waits.round(begin, served, "a task was not served")?;
    }
    Ok(waits.passed())
}
