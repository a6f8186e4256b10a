//! Chapter 18, step 2: what is dropped when. Run: `cargo run --release --example ch18_2_drop_order`
//!
//! A task ends in one of three ways: it finishes, it is cancelled, or its runtime is shut down. In
//! each, what the future held is gone before whoever waits hears of the end.
//!
//! Book: chapter 18.

use std::future::pending;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use waterwheel::Runtime;

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, what: impl Into<String>) {
        self.0.lock().expect("nobody panics while logging").push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics while logging"))
    }
}

/// Logs that it is dropped.
struct Held(&'static str, Log);

impl Drop for Held {
    fn drop(&mut self) {
        self.1.add(format!("{} dropped", self.0));
    }
}

fn runtime() -> Runtime {
    let builder = Runtime::builder().with_high_num(1).with_low_num(1);
    builder.build().expect("two workers can be started")
}

/// A task that holds two values and never ends; `begun` hears when it has been polled.
async fn endless(log: Log, begun: mpsc::Sender<()>) {
    let _first = Held("first value", log.clone());
    let _second = Held("second value", log);
    begun.send(()).expect("main listens");
    pending::<()>().await;
}

fn show(title: &str, log: &Log, expected: [&str; 3]) {
    let happened = log.take();
    println!("{title}");
    for (number, line) in happened.iter().enumerate() {
        println!("  {} {line}", number + 1);
    }
    assert_eq!(happened, expected);
}

fn main() {
    let log = Log::default();
    let (begun, began) = mpsc::channel();
    let owner = runtime();

    let held = Held("captured value", log.clone());
    let inside = Held("local value", log.clone());
    let finishes = owner.handle().spawn(async move {
        let _captured = &held;
        let _local = inside;
        "result"
    });
    let result = owner.block_on(finishes);
    log.add(format!("the awaiter has the {result}"));
    let finished = ["local value dropped", "captured value dropped", "the awaiter has the result"];
    show("finished", &log, finished);

    let task = owner.handle().spawn(endless(log.clone(), begun.clone()));
    began.recv().expect("the task begins");
    let cancelled = owner.block_on(task.cancel());
    log.add(format!("cancel() gave {cancelled:?}"));
    show("cancelled", &log, ["second value dropped", "first value dropped", "cancel() gave None"]);

    owner.handle().spawn(endless(log.clone(), begun)).detach();
    began.recv().expect("the task begins");
    owner.shutdown(Duration::ZERO).expect("a pending task can always be dropped");
    log.add("shutdown() returned");
    show("shut down", &log, ["second value dropped", "first value dropped", "shutdown() returned"]);
}
