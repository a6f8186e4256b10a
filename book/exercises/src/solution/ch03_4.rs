//! Exercise 4 of chapter 3, solved: measure it.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::ch03_2::Lanes;

/// Starts one thread that takes from lanes of exercise 2, gives it `rounds` tasks, one at a time, each
/// when the one before has been answered, and returns the median time between `push_low` and the
/// moment the thread has the task.
pub fn median_wait(rounds: usize) -> Duration {
    let lanes = Arc::new(Lanes::new());
    let (answer, answers) = mpsc::channel();
    let theirs = lanes.clone();
    let worker = thread::spawn(move || {
        while let Some(pushed) = theirs.take() {
            let pushed: Instant = pushed;
            answer.send(pushed.elapsed()).expect("the measuring thread listens");
        }
    });
    let mut waits: Vec<Duration> = (0..rounds)
        .map(|_| {
            lanes.push_low(Instant::now());
            answers.recv().expect("the worker answers each task")
        })
        .collect();
    lanes.close();
    worker.join().expect("the worker does not panic");
    waits.sort();
    waits.get(rounds / 2).copied().unwrap_or_default()
}
