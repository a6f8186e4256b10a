//! Exercise 3 of chapter 20, solved: how much does nothing differ?

use std::time::Instant;

use waterwheel::{Runtime, Task};

/// How many tasks one piece of work has.
const TASKS: u32 = 1_000;

fn work(runtime: &Runtime) -> f64 {
    let begun = Instant::now();
    let handle = runtime.handle();
    let tasks: Vec<Task<u32>> = (0..TASKS).map(|n| handle.spawn(async move { n })).collect();
    runtime.block_on(async {
        for task in tasks {
            task.await;
        }
    });
    begun.elapsed().as_secs_f64()
}

/// `rounds` ratios of the work to the same work right after it.
#[must_use]
pub fn a_over_a(rounds: usize) -> Vec<f64> {
    let builder = Runtime::builder().with_high_num(0).with_low_num(1);
    let runtime = builder.build().expect("one worker can be started");
    work(&runtime); // The first time is special: memory is taken, code is loaded.
    let round = |number: usize| {
        let (first, second) = (work(&runtime), work(&runtime));
        if number.is_multiple_of(2) { first / second } else { second / first }
    };
    (0..rounds).map(round).collect()
}
