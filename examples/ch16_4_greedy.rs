//! Chapter 16, step 4: greedy polls, and the reserve. Run: `cargo run --release --example ch16_4_greedy`
//!
//! Low tasks that do not yield sit on every worker. Who answers a High task? And if one task alone keeps
//! its worker for a while: how long must the others wait at most?
//!
//! Book: chapter 16.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use waterwheel::{BuildError, Builder, Priority, Runtime};

/// How long nothing may happen before we say that nothing happens.
const PATIENCE: Duration = Duration::from_millis(200);

/// Puts two tasks of lane Low that do not yield on as many workers as they get. They go on until the
/// sender is dropped.
fn two_greedy_tasks(runtime: &Runtime, workers: usize) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let (begin, begun) = mpsc::channel();
    for _ in 0..2 {
        let (released, begin) = (released.clone(), begin.clone());
        let greedy = async move {
            begin.send(()).unwrap_or(());
            // Both sit here: one on the channel, the other on the lock.
            let _ = released.lock().expect("nobody panics with it held").recv();
        };
        runtime.handle().spawn(greedy).detach();
    }
    for _ in 0..workers {
        begun.recv().expect("each worker takes one");
    }
    release
}

/// Which thread answers a High task while greedy Low tasks are on `workers` of the workers; `None` if
/// nobody does before they end.
fn who_answers(builder: Builder, workers: usize) -> Result<Option<String>, BuildError> {
    // What a replacement could do for High here is chapter 17.
    let runtime = builder.thread_name("mill").replacement_workers(0).build()?;
    let greedy = two_greedy_tasks(&runtime, workers);
    let (answer, answered) = mpsc::channel();
    let urgent = async move {
        let name = std::thread::current().name().unwrap_or("?").to_owned();
        answer.send(name).expect("main listens");
    };
    runtime.handle().spawn_with(urgent, Priority::High).detach();
    let name = match answered.recv_timeout(PATIENCE) {
        Ok(name) => Some(name),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => unreachable!("it answers before it ends"),
    };
    drop(greedy);
    if name.is_none() {
        answered.recv().expect("it is answered when a greedy poll ends");
    }
    Ok(name)
}

fn main() -> Result<(), BuildError> {
    let layout = |high, low| Runtime::builder().with_high_num(high).with_low_num(low);
    let cases = [
        ("1 + 1, stealing both ways: both workers are taken", layout(1, 1), 2),
        (
            "1 + 1, nobody steals from Low: one of them is not",
            layout(1, 1).with_stealing(Priority::Low, false),
            1,
        ),
        ("0 + 2: no home worker for High, both are taken", layout(0, 2), 2),
    ];
    let mut names = Vec::new();
    for (case, builder, workers) in cases {
        let name = who_answers(builder, workers)?;
        println!("{case}");
        match &name {
            Some(name) => println!("  a High task is answered by {name}"),
            None => println!("  a High task waits until a greedy poll ends"),
        }
        names.push(name);
    }
    assert_eq!(names[0].as_deref(), Some("mill-reserve"));
    assert_eq!(names[1].as_deref(), Some("mill-high-0"));
    assert_eq!(names[2], None);
    Ok(())
}
