//! Exercise 3 of chapter 1, solved: measure it.

use std::thread;
use std::time::{Duration, Instant};

use waterwheel::{Task, block_on, spawn_task};

/// Starts `count` threads that do nothing, joins them all, and returns the time for one of them.
pub fn per_thread(count: u32) -> Duration {
    let begun = Instant::now();
    let threads: Vec<_> = (0..count).map(|_| thread::spawn(|| {})).collect();
    for thread in threads {
        thread.join().expect("a thread that does nothing does not panic");
    }
    begun.elapsed() / count
}

/// Spawns `count` tasks that do nothing, awaits them all, and returns the time for one of them.
pub fn per_task(count: u32) -> Duration {
    block_on(spawn_task!(async {})); // The first task of the process starts the runtime.
    let begun = Instant::now();
    let tasks: Vec<Task<()>> = (0..count).map(|_| spawn_task!(async {})).collect();
    block_on(async {
        for task in tasks {
            task.await;
        }
    });
    begun.elapsed() / count
}
