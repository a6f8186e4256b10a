//! Everything at once, at random, until the time is over; and then nothing may be left.
//!
//! One runtime lives as long as the program. In *epochs* of a few seconds gardener tasks throw actions at it (see
//! [`actions`]), while a thread beside it builds, loads and ends other runtimes (see [`cycles`]). At the end of an epoch
//! no new action begins, those under way end by themselves, and everything that can be counted must be back to zero: tasks,
//! queues, timers, sources, blocking calls, descriptors, threads. At the end of all, the runtime is shut down, every future that
//! was made must have been dropped, and the memory must not have grown.
//!
//! The runtime parks without a time-out, so a lost wake-up is not late but never comes: the action that waits for it
//! grows old, and the watchdog names it and ends the program ([`watch`]).
//!
//! A run is repeated with its seed only as far as the kernel plays along: what is thrown is the same, not when it runs.
//!
//! Book: chapter 19

mod actions;
mod cycles;
mod sockets;
mod watch;
mod world;

use super::process::Holdings;
use super::{Scale, bound};
use actions::Place;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};
use waterwheel::{Handle, Metrics, Priority, Runtime};
use world::World;

const SMALL: Duration = Duration::from_secs(8);
const FULL: Duration = Duration::from_secs(30 * 60);
/// A full run has 180 epochs, a small one four.
const EPOCH: Duration = Duration::from_secs(10);
const SHORT_EPOCH: Duration = Duration::from_secs(2);
/// Tasks that throw actions, and how many actions may be under way.
const GARDENERS: usize = 4;
const UNDER_WAY: usize = 200;
/// The actions under way at the end of an epoch take a fraction of a second.
const SETTLE: Duration = Duration::from_secs(60);
/// Threads that help the workers and stay once they have been started.
const HELPERS: usize = 2;
/// From this many epochs on, the memory at the end is compared with that in the beginning.
const EPOCHS_TO_COMPARE: usize = 10;
/// KiB. The allocator keeps an arena for each of many threads that come and go, each a little different.
const MEMORY: u64 = 8 * 1_024;

pub(super) fn run(scale: Scale) -> Result<(), String> {
    let time = scale.time.unwrap_or(if scale.full { FULL } else { SMALL });
    let epoch = if time > SMALL { EPOCH } else { SHORT_EPOCH };
    let seed = scale.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}, {} s in epochs of {} s", time.as_secs(), epoch.as_secs());
    world::no_panic_goes_unseen();
    let mut random = fastrand::Rng::with_seed(seed);
    let world = World::new(random.u64(..));
    let _watch = watch::start(&world);
    let before = Holdings::now()?;
    let runtime = build(&mut random)?;
    *world.main.lock().expect("nobody panics with it") = Some(runtime.handle().clone());
    // The first short timer opens a descriptor that stays.
    runtime.block_on(async { waterwheel::time::sleep(Duration::from_millis(1)).await });
    let at_rest = Holdings::now()?;
    let (begin, mut memory) = (Instant::now(), Vec::new());
    while begin.elapsed() < time {
        let left = time.saturating_sub(begin.elapsed()).min(epoch);
        run_epoch(&world, runtime.handle(), &mut random, left)?;
        let metrics = runtime.metrics();
        // Those that serve lanes stay; one that steps in for all High-home workers starts when it is needed.
        let threads = before.threads + metrics.threads();
        let now = Holdings::settled(Holdings { threads, ..at_rest })?;
        check_at_rest(&metrics, now, Holdings { threads, ..at_rest })?;
        memory.push(now.memory);
    }
    let end = world.begin("the last shutdown");
    runtime.shutdown(SETTLE).map_err(|error| format!("the last shutdown: {error}"))?;
    drop(end);
    let metrics = runtime.metrics();
    drop(runtime);
    *world.main.lock().expect("nobody panics with it") = None;
    println!("{}", world.summary(&metrics));
    check_end(&world, &metrics, before)?;
    check_memory(&memory)
}

/// The runtime under test. One worker a lane or a few, and sometimes one that must steal what it gets.
fn build(random: &mut fastrand::Rng) -> Result<Runtime, String> {
    let (high, low) = random.choice([(1, 1), (1, 2), (2, 2), (0, 2), (2, 0)]).unwrap_or((1, 1));
    println!("{high} High-home and {low} Low-home workers");
    Runtime::builder()
        .with_high_num(high)
        .with_low_num(low)
        .max_blocking_threads(128)
        .thread_keep_alive(Duration::from_millis(50))
        .seed(random.u64(..))
        .build()
        .map_err(|error| format!("cannot build: {error}"))
}

/// Throws actions for `time`, beside runtimes that come and go, and waits until all of it has ended.
fn run_epoch(
    world: &Arc<World>,
    handle: &Handle,
    random: &mut fastrand::Rng,
    time: Duration,
) -> Result<(), String> {
    world.stop.store(false, SeqCst);
    let server = sockets::Server::start(world, handle)?;
    let lane = |random: &mut fastrand::Rng| actions::lane(random);
    let gardeners: Vec<_> = (0..GARDENERS)
        .map(|_| {
            let own = random.fork();
            handle.spawn_with(world.track(tend(world.clone(), own)), lane(random))
        })
        .collect();
    let cycles = cycles::start(world.clone(), random.fork());
    let begin = Instant::now();
    while begin.elapsed() < time {
        thread::sleep(Duration::from_millis(20));
        world.allow_connections();
    }
    world.stop.store(true, SeqCst);
    cycles.join().map_err(|_| "the thread that builds runtimes panicked")?;
    for gardener in gardeners {
        waterwheel::block_on(gardener.outcome()).map_err(|error| format!("a gardener: {error}"))?;
    }
    eventually("the actions under way end", || world.under_way() == 0)?;
    server.stop();
    eventually("no task is left", || handle.metrics().tasks_live() == 0)?;
    eventually("threads for blocking calls retire", || handle.metrics().blocking_threads() == 0)
}

/// Throws actions until the epoch is over: in bursts, with pauses in which the workers fall asleep.
async fn tend(world: Arc<World>, mut random: fastrand::Rng) {
    while !world.stop.load(SeqCst) {
        for _ in 0..random.u32(1..100) {
            if world.under_way() >= UNDER_WAY {
                break;
            }
            actions::throw(&world, Place::Main, &mut random);
        }
        let pause = if random.u32(..100) == 0 { 50_000 } else { random.u64(..3_000) };
        waterwheel::time::sleep(Duration::from_micros(pause)).await;
    }
}

/// Waits for something that reports no event.
fn eventually(what: &str, is_so: impl Fn() -> bool) -> Result<(), String> {
    let begin = Instant::now();
    while !is_so() {
        bound(begin.elapsed() < SETTLE, &format!("never: {what}"))?;
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Between two epochs everything is as it was before the first one.
fn check_at_rest(metrics: &Metrics, now: Holdings, at_rest: Holdings) -> Result<(), String> {
    let zero = |name: &str, count: u64| bound(count == 0, &format!("{count} {name} at rest"));
    for lane in [Priority::High, Priority::Low] {
        zero("queued tasks", metrics.lane(lane).queue_depth)?;
    }
    zero("tasks", metrics.tasks_live())?;
    zero("queued blocking calls", metrics.blocking_queued() as u64)?;
    zero("timers", metrics.timers() as u64)?;
    zero("sources", metrics.sources() as u64)?;
    zero("threads that could not be started", metrics.failed_threads())?;
    let (fds, threads) = (now.descriptors, now.threads);
    bound(fds == at_rest.descriptors, &format!("{fds} descriptors, not {}", at_rest.descriptors))?;
    bound(threads == at_rest.threads, &format!("{threads} threads, not {}", at_rest.threads))?;
    let workers = metrics.workers(Priority::High) + metrics.workers(Priority::Low);
    let threads = metrics.threads();
    bound(threads <= workers + HELPERS, &format!("{threads} threads for {workers} workers"))
}

/// After the shutdown nothing is left at all.
fn check_end(world: &World, metrics: &Metrics, before: Holdings) -> Result<(), String> {
    let after = Holdings::settled(before)?;
    println!("before  {before:?} KiB\nafter   {after:?} KiB");
    bound(after.threads == before.threads, "threads are left")?;
    bound(after.descriptors == before.descriptors, "descriptors are left")?;
    bound(metrics.threads() == 0 && metrics.tasks_live() == 0, "the runtime counts some still")?;
    let (made, dropped) = (world.made.load(SeqCst), world.dropped.load(SeqCst));
    bound(made == dropped, &format!("{made} futures were made, {dropped} dropped"))
}

/// Compares the medians of the second and the last fifth of the epochs.
fn check_memory(memory: &[u64]) -> Result<(), String> {
    if memory.len() < EPOCHS_TO_COMPARE {
        println!("too short to say anything about memory");
        return Ok(());
    }
    let fifth = memory.len() / 5;
    let median = |epochs: &[u64]| {
        let mut epochs = epochs.to_vec();
        epochs.sort_unstable();
        epochs[epochs.len() / 2]
    };
    let early = median(&memory[fifth..2 * fifth]);
    let late = median(&memory[memory.len() - fifth..]);
    println!("resident at rest, median: {early} KiB in the second fifth, {late} in the last");
    bound(late <= early + MEMORY, &format!("memory grew by {} KiB", late - early))
}
