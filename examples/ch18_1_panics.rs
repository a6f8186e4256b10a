//! Chapter 18, step 1: panics. Run: `cargo run --release --example ch18_1_panics`
//!
//! User code can panic in places that one thinks of late: in a poll, in the drop of a future, in the
//! drop of a result, in the drop of the very value that a panic carries, in the waker of whoever
//! waits, in a hook. First a naive worker meets one of them, in a process of its own, which does not
//! survive. Then all of them happen on one runtime with two workers, which go on.
//!
//! Book: chapter 18.

use std::future::pending;
use std::panic::{self, resume_unwind};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_task::Runnable;
use waterwheel::sync::CancellationToken;
use waterwheel::{Runtime, TaskError};

/// Panics when it is dropped, with its text as the payload.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new(self.0));
    }
}

/// A future that is ready at once, and panics when it is dropped.
struct Holding {
    _bomb: Bomb,
}

impl Future for Holding {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// A waker that tells us that it was woken, and then panics.
struct Siren(mpsc::Sender<()>);

impl Wake for Siren {
    fn wake(self: Arc<Self>) {
        self.0.send(()).expect("main listens");
        resume_unwind(Box::new("in a waker"));
    }
}

/// The worker of chapter 3: it catches whatever comes out of `run`. Is that enough?
fn naive() {
    let (queue, inbox) = flume::unbounded::<Runnable>();
    let schedule = move |runnable| queue.send(runnable).expect("the worker outlives its tasks");
    let (runnable, task) = async_task::spawn(Holding { _bomb: Bomb("in a drop") }, schedule);
    runnable.schedule();
    task.detach();
    while let Ok(runnable) = inbox.recv() {
        let _ = panic::catch_unwind(|| runnable.run());
    }
    println!("the naive worker lives");
}

/// Runs this program once more, with the naive worker, and waits for its end.
fn naive_in_a_child() {
    let program = std::env::current_exe().expect("a running program has a path");
    let child = Command::new(program).arg("naive").stderr(Stdio::null()).output();
    let child = child.expect("a program that runs can be started");
    let lived = child.status.success();
    println!("the naive worker, and a future that panics in its drop: did it live? {lived}");
    assert!(!lived && child.stdout.is_empty(), "the process is aborted");
}

fn main() {
    panic::set_hook(Box::new(|_| {})); // This program panics a lot, and says so itself.
    if std::env::args().nth(1).as_deref() == Some("naive") {
        return naive();
    }
    naive_in_a_child();
    let reports = Arc::new(AtomicUsize::new(0));
    let count = reports.clone();
    let runtime = Runtime::builder().with_high_num(1).with_low_num(1).on_task_panic(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        resume_unwind(Box::new("in the hook itself"));
    });
    let runtime = runtime.build().expect("two workers can be started");
    let handle = runtime.handle();

    let task = handle.spawn(async { panic!("in a poll") });
    say("poll", runtime.block_on(task.outcome()));

    let task = handle.spawn(Holding { _bomb: Bomb("in the drop of a future") });
    say("drop of a future", runtime.block_on(task.outcome()));

    let task = handle.spawn(async { panic::panic_any(Bomb("in the drop of a payload")) });
    say("a payload that panics in drop", runtime.block_on(task.outcome()));

    let task = handle.spawn(async { Bomb("in the drop of a result") });
    while !task.is_finished() {
        std::thread::yield_now();
    }
    drop(task);
    println!("drop of a result that nobody took: contained");

    let bomb = Bomb("in the drop of a cancelled future");
    let task = handle.spawn(async move {
        let _held = bomb; // Held from the start, whether or not the task is ever polled.
        pending::<()>().await;
    });
    println!("drop of a cancelled future: {:?}", runtime.block_on(task.cancel()));

    let (woken, hear) = mpsc::channel();
    let (siren, gate) = (Waker::from(Arc::new(Siren(woken))), CancellationToken::new());
    let opened = gate.clone();
    let mut task = handle.spawn(async move { opened.cancelled().await });
    assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&siren)).is_pending());
    gate.cancel();
    hear.recv().expect("the siren is woken when the task ends");
    println!("a waker that panics: contained");

    let alive = runtime.block_on(handle.spawn(async { 42 }));
    println!("the same two workers go on: {alive}");
    println!("the hook was told {} times, and panicked each time", reports.load(Ordering::Relaxed));
    assert_eq!(alive, 42);
    runtime.shutdown(Duration::from_secs(1)).expect("nothing is left running");
}

fn say(place: &str, outcome: Result<(), TaskError>) {
    match outcome {
        Ok(()) => println!("{place}: no panic"),
        Err(error) => println!("{place}: {error}"),
    }
}
