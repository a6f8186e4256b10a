//! Chapter 17, step 2: three ways to let the others in. Run: `cargo run --release --example ch17_2_blocking`
//!
//! The same mill, the same worker, and still nobody watches. Whoever knows that a task will hold its
//! worker can say so: yield now and then, run it on a thread for such calls, or give the worker's part
//! to another thread before it begins.
//!
//! Book: chapter 17.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use waterwheel::{Runtime, Task, block_in_place, spawn_blocking, yield_now};

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
        yield_now().await;
    }
}

/// The whole loop on a thread of its own; this task waits for it like for a socket.
async fn grind_elsewhere(mill: Arc<Mill>) {
    let call = move || {
        while mill.is_running() {
            mill.turn();
        }
    };
    spawn_blocking(call).await;
}

/// The loop stays where it is, and the worker goes on on another thread.
async fn grind_in_place(mill: Arc<Mill>) {
    block_in_place(|| {
        while mill.is_running() {
            mill.turn();
        }
    });
}

/// Starts the mill, and asks for service while it grinds.
fn try_out(how: &str, runtime: &Runtime, start: impl FnOnce(Arc<Mill>) -> Task<()>) {
    let mill = Arc::new(Mill::default());
    let grinding = start(Arc::clone(&mill));
    while mill.turns.load(Ordering::Relaxed) == 0 {
        std::hint::spin_loop();
    }
    let (served, service) = mpsc::channel();
    runtime.handle().spawn(async move { served.send(()).is_ok() }).detach();
    let in_time = service.recv_timeout(Duration::from_secs(10)).is_ok();
    println!("{how}: was the customer served? {in_time}");
    mill.stop.store(true, Ordering::Relaxed);
    runtime.block_on(grinding);
    assert!(in_time, "the worker is free in between, or altogether");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Runtime::builder().with_high_num(0).with_low_num(1);
    let runtime = builder.slow_poll_after(Duration::MAX).build()?; // Nobody watches.
    let handle = runtime.handle();
    try_out("the mill yields", &runtime, |mill| handle.spawn(grind(mill)));
    try_out("a thread of its own", &runtime, |mill| handle.spawn(grind_elsewhere(mill)));
    try_out("in place", &runtime, |mill| handle.spawn(grind_in_place(mill)));
    Ok(())
}
