//! A million wake-ups aimed at the moment in which a worker falls asleep.
//!
//! Two sides ring each other's bell in turn; a random short spin before each ring spreads it over the other side's way
//! into the kernel. Three kinds of race: a thread outside wakes a task, the only worker of one lane wakes a task of the
//! other one (stealing off, so each wake-up must reach one particular worker), and a thread outside spawns a task.
//!
//! The runtime parks without a time-out, so a lost wake-up is not late: it never comes, the turn stands still, and the
//! watchdog ends the process with the number of the turn.
//!
//! Book: chapter 13

use super::distribution;
use std::future::poll_fn;
use std::hint::spin_loop;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};
use waterwheel::{Priority, Runtime};

/// Wake-ups of all kinds together.
const SMALL: u64 = 30_000;
const FULL: u64 = 1_000_000;
/// No single wake-up takes a thousandth of this.
const STUCK: Duration = Duration::from_secs(10);
/// Turns of the spin before a ring, at most: some 10 us, about as long as a worker takes to fall asleep.
const SPIN: u32 = 800;

/// Counts rings and wakes who waits for the next one.
#[derive(Debug, Default)]
struct Bell {
    rings: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

impl Bell {
    fn ring(&self) {
        self.rings.fetch_add(1, SeqCst);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits until it has rung `count` times in all.
    async fn rung(&self, count: u64) {
        poll_fn(|cx| {
            *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            if self.rings.load(SeqCst) >= count { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// The two bells, and how far the turns have come.
#[derive(Debug)]
struct Duel {
    there: Bell,
    back: Bell,
    turns: Arc<AtomicU64>,
}

pub(super) fn run(full: bool) -> Result<(), String> {
    let all = if full { FULL } else { SMALL };
    let turns = Arc::new(AtomicU64::new(0));
    let watched = turns.clone();
    thread::spawn(move || watchdog(&watched));
    // A turn of the first two kinds is two wake-ups, there and back.
    from_outside(all / 5, &turns)?;
    between_lanes(all / 5, &turns)?;
    spawns(all / 5, &turns)?;
    println!("{all} wake-ups, none lost");
    Ok(())
}

fn watchdog(turns: &AtomicU64) {
    let (mut seen, mut since) = (0, Instant::now());
    loop {
        thread::sleep(Duration::from_millis(500));
        let now = turns.load(SeqCst);
        if now != seen {
            (seen, since) = (now, Instant::now());
        } else if since.elapsed() > STUCK {
            println!(
                "\nBROKEN: turn {now} stands still for {} s: a wake-up was lost",
                STUCK.as_secs()
            );
            process::exit(1);
        }
    }
}

fn runtime(stealing: bool) -> Result<Runtime, String> {
    Runtime::builder()
        .with_high_num(1)
        .with_low_num(1)
        .with_stealing(Priority::High, stealing)
        .with_stealing(Priority::Low, stealing)
        .build()
        .map_err(|error| format!("cannot build: {error}"))
}

/// Answers each ring until `count` have come.
async fn answer(duel: Arc<Duel>, count: u64, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    for turn in 1..=count {
        duel.there.rung(turn).await;
        linger(&mut rng);
        duel.back.ring();
    }
}

/// Rings and waits for the answer, `count` times; gives how long each took, in ns.
async fn challenge(duel: Arc<Duel>, count: u64, seed: u64) -> Vec<u64> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut nanos = Vec::with_capacity(count as usize);
    for turn in 1..=count {
        linger(&mut rng);
        let rung = Instant::now();
        duel.there.ring();
        duel.back.rung(turn).await;
        nanos.push(rung.elapsed().as_nanos() as u64);
        duel.turns.fetch_add(1, SeqCst);
    }
    nanos
}

fn linger(rng: &mut fastrand::Rng) {
    for _ in 0..rng.u32(..SPIN) {
        spin_loop();
    }
}

/// How long the turns took, and how often a worker fell asleep in them: a race without sleepers shows nothing.
fn report(kind: &str, runtime: &Runtime, nanos: &mut [u64]) {
    distribution(kind, nanos, 0.5);
    println!("  {} times a worker parked", runtime.metrics().parks());
}

fn duel(turns: &Arc<AtomicU64>) -> Arc<Duel> {
    Arc::new(Duel { there: Bell::default(), back: Bell::default(), turns: turns.clone() })
}

fn from_outside(count: u64, turns: &Arc<AtomicU64>) -> Result<(), String> {
    let runtime = runtime(true)?;
    let duel = duel(turns);
    let task = runtime.handle().spawn(answer(duel.clone(), count, 1));
    let mut nanos = futures_lite::future::block_on(challenge(duel, count, 2));
    futures_lite::future::block_on(task);
    report("a thread and a task, there and back", &runtime, &mut nanos);
    Ok(())
}

fn between_lanes(count: u64, turns: &Arc<AtomicU64>) -> Result<(), String> {
    let runtime = runtime(false)?;
    let duel = duel(turns);
    let low = runtime.handle().spawn(answer(duel.clone(), count, 3));
    let high = runtime.handle().spawn_with(challenge(duel, count, 4), Priority::High);
    let mut nanos = futures_lite::future::block_on(high);
    futures_lite::future::block_on(low);
    report("two workers of two lanes, there and back", &runtime, &mut nanos);
    Ok(())
}

fn spawns(count: u64, turns: &AtomicU64) -> Result<(), String> {
    let runtime = runtime(true)?;
    let mut rng = fastrand::Rng::with_seed(5);
    let mut nanos = Vec::with_capacity(count as usize);
    for _ in 0..count {
        linger(&mut rng);
        let spawned = Instant::now();
        let first_poll = async move { spawned.elapsed().as_nanos() as u64 };
        nanos.push(futures_lite::future::block_on(runtime.handle().spawn(first_poll)));
        turns.fetch_add(1, SeqCst);
    }
    report("spawn to first poll", &runtime, &mut nanos);
    Ok(())
}
