//! Chapter 17, step 1: a poll that does not return. Run: `cargo run --release --example ch17_1_stuck`
//!
//! One worker, and a task that computes for as long as it is told to, without a single `.await`. A
//! second task is ready all the time and needs a microsecond. Nobody watches: what happens?
//!
//! Book: chapter 17.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use waterwheel::Runtime;

/// What the mill and the one who stops it share.
#[derive(Default)]
struct Mill {
    stop: AtomicBool,
    turns: AtomicU64,
}

impl Mill {
    fn turn(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    fn is_running(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

async fn grind(mill: Arc<Mill>) {
    while mill.is_running() {
        mill.turn();
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Runtime::builder().with_high_num(0).with_low_num(1);
    let runtime = builder.slow_poll_after(Duration::MAX).build()?; // Nobody watches.
    let mill = Arc::new(Mill::default());
    let grinding = runtime.handle().spawn(grind(Arc::clone(&mill)));
    while mill.turns.load(Ordering::Relaxed) == 0 {
        std::hint::spin_loop();
    }

    let (served, service) = mpsc::channel();
    let customer = runtime.handle().spawn(async move { served.send(()).is_ok() });
    let in_time = service.recv_timeout(Duration::from_millis(100)).is_ok();
    println!("while the mill ground, was the customer served? {in_time}");
    mill.stop.store(true, Ordering::Relaxed);
    runtime.block_on(grinding);
    println!("and when it stood still? {}", runtime.block_on(customer));
    assert!(!in_time, "there is one worker, and it grinds");
    Ok(())
}
