//! From spawn to first poll on an idle runtime.
//!
//! The textbook's sleeping worker takes up to 100 ms; ours is unparked, so only the kernel's wake-up is left.
//!
//! Book: chapter 3

use super::{bound, distribution};
use std::thread;
use std::time::{Duration, Instant};
use waterwheel::{Priority, Runtime};

const SMALL: usize = 300;
const FULL: usize = 5_000;
/// Long enough for both workers to fall asleep.
const GAP: Duration = Duration::from_millis(1);
/// What 99 in 100 starts take at most, on a machine that does something else too, in ns.
const LIMIT: u64 = 5_000_000;

pub(super) fn run(full: bool) -> Result<(), String> {
    let runtime = Runtime::builder().build().map_err(|error| format!("cannot build: {error}"))?;
    for lane in [Priority::Low, Priority::High] {
        let mut waits: Vec<u64> = (0..if full { FULL } else { SMALL })
            .map(|_| {
                thread::sleep(GAP);
                let spawned = Instant::now();
                let first_poll = async move { spawned.elapsed().as_nanos() as u64 };
                runtime.block_on(runtime.handle().spawn_with(first_poll, lane))
            })
            .collect();
        let p99 = distribution(&format!("lane {lane:?}, spawn to first poll"), &mut waits, 0.99);
        bound(p99 <= LIMIT, &format!("p99 of lane {lane:?} is beyond {} ms", LIMIT / 1_000_000))?;
    }
    Ok(())
}
