//! A thread that has been promised to one call is not promised to the next.
//! Run: `cargo run --release --example bug_tokio_8056`
//!
//! tokio's issue 8056 (2026), retold: version 1.52.0 counted a blocking thread as idle although a call had already
//! been given to it, and did not start another one for the next call. That call then waited for the first one to end;
//! if the first one waited for the second, both did for ever.
//!
//! Here calls come in groups, and all calls of a group have to meet before any of them ends: so each needs a thread of
//! its own, at once. In the first rounds the threads of the group before are idle and are to be used again; in the
//! others a thread lives on for no time at all, so that calls arrive while idle threads are about to go.
//!
//! Book: chapter 17.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use waterwheel::{Runtime, Task};

/// Groups for each time that idle threads live.
const ROUNDS: u32 = 500;
/// No group takes a thousandth of it; one that does is stuck.
const LIMIT: Duration = Duration::from_secs(20);

/// Says that it is there, and waits until the next one of its group is; says whether that came.
fn meet(here: &Sender<()>, next: &Receiver<()>) -> bool {
    here.send(()).unwrap_or(()); // The one before has given up: then it says so itself.
    next.recv_timeout(LIMIT).is_ok()
}

/// Calls that stand in a ring: each waits for the next one, and the last for the first.
fn group(runtime: &Runtime, calls: usize) -> Vec<Task<bool>> {
    let (mut heres, nexts): (Vec<_>, Vec<_>) = (0..calls).map(|_| channel()).unzip();
    heres.rotate_right(1);
    let ring = heres.into_iter().zip(nexts);
    ring.map(|(here, next)| runtime.handle().spawn_blocking(move || meet(&here, &next))).collect()
}

fn rounds(keep_alive: Duration) {
    let builder = Runtime::builder().with_high_num(1).with_low_num(1).max_blocking_threads(8);
    let runtime = builder.thread_keep_alive(keep_alive).build().expect("two workers can start");
    let mut slowest = Duration::ZERO;
    for round in 0..ROUNDS {
        let begin = Instant::now();
        // A call on its own between the groups: one thread has just become idle when the group comes.
        runtime.block_on(runtime.handle().spawn_blocking(|| ()));
        for call in group(&runtime, 2 + round as usize % 5) {
            assert!(runtime.block_on(call), "round {round}: a call waits for one without a thread");
        }
        slowest = slowest.max(begin.elapsed());
    }
    let slowest = slowest.as_secs_f64() * 1e3;
    eprintln!("idle threads live for {keep_alive:?}: the slowest round took {slowest:.1} ms");
}

fn main() {
    rounds(Duration::from_secs(10));
    rounds(Duration::from_micros(1));
    println!("in each of {} rounds every call had a thread of its own", 2 * ROUNDS);
}

#[test]
fn blocking_calls_that_wait_for_each_other_all_get_a_thread() {
    main();
}
