//! Runtimes that are built, loaded and ended, in every way there is to end one.
//!
//! What they run are the same actions; but here any of them may be cut short, so that only those invariants are
//! checked that hold nevertheless.
//!
//! Book: chapter 19

use super::actions::{self, Place};
use super::world::{World, check, fail};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use waterwheel::{Priority, Runtime, ShutdownError};

/// Ended threads leave their list a moment after their last poll, if the kernel lets them.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn start(world: Arc<World>, mut random: fastrand::Rng) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        while !world.stop.load(SeqCst) {
            let ticket = world.begin("a runtime that comes and goes");
            one(&world, &mut random);
            world.cycles.fetch_add(1, SeqCst);
            drop(ticket);
            thread::sleep(Duration::from_micros(random.u64(..20_000)));
        }
    })
}

fn build(random: &mut fastrand::Rng) -> Runtime {
    let (high, low) = (random.usize(..3), random.usize(..3));
    let low = if high == 0 { low.max(1) } else { low };
    let builder = Runtime::builder().with_high_num(high).with_low_num(low);
    let both = high > 0 && low > 0;
    builder
        .with_stealing(Priority::High, !both || random.bool())
        .with_stealing(Priority::Low, !both || random.bool())
        .thread_keep_alive(Duration::from_micros(random.u64(..10_000)))
        .poll_budget(random.u32(1..200))
        .seed(random.u64(..))
        .build()
        .unwrap_or_else(|error| fail(&format!("cannot build: {error}")))
}

fn one(world: &Arc<World>, random: &mut fastrand::Rng) {
    let runtime = build(random);
    let handle = runtime.handle().clone();
    *world.guest.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle.clone());
    let guard = handle.enter();
    for _ in 0..random.u32(..60) {
        actions::throw(world, Place::Guest, random);
    }
    drop(guard);
    if random.bool() {
        thread::sleep(Duration::from_micros(random.u64(..10_000)));
    }
    end(world, runtime, random);
    *world.guest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let begin = Instant::now();
    // A shutdown that gave up on a thread, and one that began inside, are followed by the rest in time.
    while handle.metrics().threads() > 0 || handle.metrics().tasks_live() > 0 {
        check(begin.elapsed() < PATIENCE, "an ended runtime has threads or tasks");
        thread::sleep(Duration::from_micros(200));
    }
    let metrics = handle.metrics();
    let queued = metrics.lane(Priority::High).queue_depth + metrics.lane(Priority::Low).queue_depth;
    check(queued == 0, "an ended runtime has tasks in its queues");
    check(metrics.timers() == 0, "an ended runtime has timers");
    check(metrics.blocking_queued() == 0, "an ended runtime has blocking calls in its queue");
}

fn end(world: &Arc<World>, runtime: Runtime, random: &mut fastrand::Rng) {
    let grace = Duration::from_micros(random.u64(..20_000));
    match random.u32(..5) {
        0 => drop(runtime),
        1 => {
            let handle = runtime.handle().clone();
            let inside = runtime.handle().spawn(async move { handle.shutdown(grace) });
            let outcome = waterwheel::block_on(inside.outcome());
            let refused = matches!(outcome, Ok(Err(ShutdownError::OnWorker)));
            check(refused, "a shutdown from the inside is refused");
            drop(runtime);
        }
        2 => {
            let both = thread::scope(|scope| {
                let other = scope.spawn(|| runtime.shutdown(grace).is_ok());
                (runtime.shutdown(grace).is_ok(), other.join())
            });
            check(matches!(both, (one, Ok(other)) if one == other), "two shutdowns disagree");
        }
        _ => {
            if let Err(error) = runtime.shutdown(grace) {
                world.late.fetch_add(1, SeqCst);
                println!("late: {error}");
            }
        }
    }
}
