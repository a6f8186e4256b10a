//! Chapter 18, step 3: how to stop. Run: `cargo run --release --example ch18_3_shutdown`
//!
//! Four runtimes are shut down. In the first everybody listens; in the second a task is deaf, and is
//! dropped when the grace is over; in the third a task sits in a call that does not return, and is
//! named; the fourth is asked to stop by one of its own tasks.
//!
//! Book: chapter 18.

use std::future::pending;
use std::sync::mpsc;
use std::time::Duration;

use waterwheel::task::Builder;
use waterwheel::{Runtime, ShutdownError, TaskError};

/// More than anything here needs: a shutdown ends as soon as there is nothing to wait for.
const LONG: Duration = Duration::from_secs(5);
/// For those that will not listen anyhow.
const SHORT: Duration = Duration::from_millis(10);

fn runtime() -> Runtime {
    let builder = Runtime::builder().with_high_num(1).with_low_num(1);
    builder.build().expect("two workers can be started")
}

fn everybody_listens() {
    let runtime = runtime();
    let stop = runtime.handle().shutdown_token();
    let service = runtime.handle().spawn(async move {
        stop.cancelled().await;
        "closed its books"
    });
    let first = runtime.shutdown(LONG);
    let second = runtime.shutdown(LONG);
    let said = waterwheel::block_on(service);
    println!("a service that listens {said}: {first:?}, and again {second:?}");
    assert!(first.is_ok() && second.is_ok());

    let late = waterwheel::block_on(runtime.handle().spawn(async {}).outcome());
    println!("  a task spawned afterwards: {late:?}");
    assert!(late.is_err_and(|error| error.is_cancelled()));
}

fn somebody_is_deaf() {
    let runtime = runtime();
    let deaf = runtime.handle().spawn(pending::<()>());
    let result = runtime.shutdown(SHORT);
    let outcome = waterwheel::block_on(deaf.outcome());
    println!("a deaf task is dropped after the grace: {result:?}, and the task {outcome:?}");
    assert!(result.is_ok() && matches!(outcome, Err(TaskError::Cancelled)));
}

fn somebody_is_stuck() {
    let runtime = runtime();
    let (release, released) = mpsc::channel::<()>();
    let (begun, began) = mpsc::channel();
    let (gone, is_gone) = mpsc::channel::<()>();
    let guard = runtime.handle().enter();
    let stuck = Builder::new().name("ledger").spawn(async move {
        let _gone = gone; // Closes the channel when the future is dropped.
        begun.send(()).expect("main listens");
        released.recv().expect("main releases it");
    });
    stuck.detach();
    drop(guard);
    began.recv().expect("the task begins");
    match runtime.shutdown(SHORT) {
        Err(ShutdownError::Stuck(tasks)) => {
            println!("a task that does not return is named: {:?}", tasks[0].name());
            assert_eq!((tasks.len(), tasks[0].name()), (1, Some("ledger")));
        }
        other => panic!("expected a stuck task, not {other:?}"),
    }
    release.send(()).expect("the task still waits");
    let closed = is_gone.recv().is_err();
    println!("  once its call returns, its thread drops it: {closed}");
    assert!(closed);
}

fn from_the_inside() {
    let runtime = runtime();
    let handle = runtime.handle().clone();
    let task = runtime.handle().spawn(async move { handle.shutdown(LONG) });
    let result = runtime.block_on(task);
    println!("asked from the inside: {result:?}");
    assert!(matches!(result, Err(ShutdownError::OnWorker)));
    drop(runtime); // Joins all threads, as nothing is left to wait for.
}

fn main() {
    everybody_listens();
    somebody_is_deaf();
    somebody_is_stuck();
    from_the_inside();
}
