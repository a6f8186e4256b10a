//! The thread that says how far it came every 10 s, and ends a program in which something stands still.
//!
//! Book: chapter 19

use super::super::process::Holdings;
use super::world::World;
use std::fs;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use waterwheel::{Metrics, Priority};

const PROGRESS: Duration = Duration::from_secs(10);
/// No action takes a tenth of this, on the busiest machine.
const STUCK: Duration = Duration::from_secs(30);
/// Of those under way, so many are named.
const NAMED: usize = 20;

/// Ends the thread when it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            thread.join().expect("the watchdog does not panic");
        }
    }
}

pub(super) fn start(world: &Arc<World>) -> Watch {
    let (world, stop) = (world.clone(), Arc::new(AtomicBool::new(false)));
    let stopped = stop.clone();
    let thread = thread::spawn(move || {
        let mut said = Instant::now();
        while !stopped.load(SeqCst) {
            thread::park_timeout(Duration::from_millis(500));
            if world.oldest().first().is_some_and(|(_, begun)| begun.elapsed() > STUCK) {
                stands_still(&world);
            }
            if said.elapsed() > PROGRESS {
                said = Instant::now();
                say(&world);
            }
        }
    });
    Watch { stop, thread: Some(thread) }
}

fn say(world: &World) {
    let main = world.main.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(main) = main else { return };
    let holdings = Holdings::now();
    let held = holdings.map_or_else(
        |_| String::new(),
        |h| format!("; {} threads, {} descriptors, {} KiB", h.threads, h.descriptors, h.memory),
    );
    println!("{}{held}", world.summary(&main.metrics()));
}

/// What a runtime counts, without the histograms.
fn numbers(metrics: &Metrics) -> String {
    let lanes = [Priority::High, Priority::Low].map(|lane| {
        let of = metrics.lane(lane);
        format!(
            "  {lane}: {} workers, {} spawned, {} polls, {} steals, {} adopted, {} injected, {} queued\n",
            metrics.workers(lane),
            metrics.spawned(lane),
            of.polls,
            of.steals,
            of.adoptions,
            of.injected,
            of.queue_depth
        )
    });
    format!(
        "{}  {} tasks, {} timers, {} sources, {} threads of which {} block, {} blocking calls queued, {} parks, \
         {} driver turns",
        lanes.concat(),
        metrics.tasks_live(),
        metrics.timers(),
        metrics.sources(),
        metrics.threads(),
        metrics.blocking_threads(),
        metrics.blocking_queued(),
        metrics.parks(),
        metrics.driver_turns()
    )
}

/// Tells all there is to know, and ends the program.
fn stands_still(world: &World) -> ! {
    println!("\nBROKEN: nothing has moved for {} s", STUCK.as_secs());
    for (name, begun) in world.oldest().into_iter().take(NAMED) {
        println!("  under way for {:.1} s: {name}", begun.elapsed().as_secs_f64());
    }
    for (name, handle) in [("main", &world.main), ("guest", &world.guest)] {
        let handle = handle.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(handle) = handle {
            println!("{name}:\n{}", numbers(&handle.metrics()));
        }
    }
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        println!("  thread {} waits in `{}`", read("comm").trim(), read("wchan"));
    }
    process::exit(1)
}
