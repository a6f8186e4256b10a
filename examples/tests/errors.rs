//! Makes each error of appendix D, and looks for its message there.
//!
//! A message that is printed to a reader and cannot be found in the book helps nobody; so here the
//! two are compared. What belongs to a whole process, such as its default runtime or its limit of
//! open files, is made in a process of its own.
//!
//! Spaces and line breaks do not count, since the book breaks its lines where it likes.

#[path = "../../tests/common/mod.rs"]
#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::any::Any;
use std::error::Error;
use std::fs::File;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use common::child::in_child;
use common::{LIMIT, eventually, within};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{BuildError, Builder, Handle, Priority, Runtime, ShutdownError, TaskError, time};

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn appendix() -> String {
    joined(include_str!("../../book/src/appendix_d.md"))
}

/// Fails unless appendix D shows this message.
#[track_caller]
fn is_in_the_book(message: &impl ToString) {
    let message = joined(&message.to_string());
    assert!(appendix().contains(&message), "appendix D does not show\n\n    {message}\n");
}

/// Everything an error says, its causes included.
fn chain(error: &dyn Error) -> String {
    let cause = error.source().map_or(String::new(), |cause| format!(": {}", chain(cause)));
    format!("{error}{cause}")
}

fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).expect("the panic has a message")
}

/// The message of the panic of `f`.
#[track_caller]
fn panics(f: impl FnOnce()) -> String {
    said(&*catch_unwind(AssertUnwindSafe(f)).expect_err("it panics"))
}

#[track_caller]
fn refused(builder: Builder) -> BuildError {
    builder.build().expect_err("such a runtime cannot be built")
}

fn runtime() -> Runtime {
    Runtime::builder().with_high_num(0).with_low_num(1).build().expect("a thread can be started")
}

#[test]
fn settings_that_cannot_work_are_in_the_book() {
    let builder = Runtime::builder;
    is_in_the_book(&refused(builder().with_high_num(0).with_low_num(0)));
    let unserved = builder().with_high_num(0).with_low_num(1).with_stealing(Priority::High, false);
    is_in_the_book(&refused(unserved));
    is_in_the_book(&refused(builder().with_high_num(0).with_low_num(5_000)));
    is_in_the_book(&refused(builder().lane_share(2)));
    is_in_the_book(&refused(builder().max_blocking_threads(0)));
    is_in_the_book(&refused(builder().poll_budget(0)));
    is_in_the_book(&refused(builder().thread_name("mill\0")));
    let huge = builder().with_high_num(1).with_low_num(1).thread_stack_size(usize::MAX);
    is_in_the_book(&refused(huge));
}

#[test]
fn a_second_default_and_no_runtime_at_all_are_in_the_book() {
    let name = "a_second_default_and_no_runtime_at_all_are_in_the_book";
    let child = in_child(name, None, || {
        is_in_the_book(&panics(|| drop(Handle::current())));
        let workers = || Runtime::builder().with_high_num(0).with_low_num(1);
        workers().run().expect("it is the first");
        is_in_the_book(&workers().run().expect_err("it is the second"));
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn too_many_open_files_is_in_the_book() {
    let name = "too_many_open_files_is_in_the_book";
    let child = in_child(name, Some("ulimit -n 32"), || {
        let runtime = runtime();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut kept: Vec<File> = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            kept.push(file);
        }
        let refused = runtime.block_on(TcpStream::connect(address));
        is_in_the_book(&refused.expect_err("no descriptor is left"));
        let error = Runtime::builder().build().expect_err("no descriptor is left");
        assert!(matches!(error, BuildError::Driver(_)));
        is_in_the_book(&chain(&error));
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_bound_port_and_a_server_that_is_not_there_are_in_the_book() {
    let runtime = runtime();
    let taken = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    is_in_the_book(&runtime.block_on(TcpListener::bind(address)).expect_err("it is bound"));
    drop(taken);
    is_in_the_book(&runtime.block_on(TcpStream::connect(address)).expect_err("nobody listens"));
}

#[test]
fn what_the_compiler_says_about_a_task_is_in_the_book() {
    for (printed, lines) in [
        (
            include_str!("../../tests/ui/spawn_a_future_that_is_not_send.stderr"),
            &[
                "error: future cannot be sent between threads safely",
                "captured value is not `Send`",
            ][..],
        ),
        (
            include_str!("../../tests/ui/spawn_a_future_that_borrows.stderr"),
            &["async block may outlive the current function, but it borrows `name`"],
        ),
        (
            include_str!("../../tests/ui/task_that_is_dropped_at_once.stderr"),
            &[
                "unused `Task` that must be used",
                "dropping a Task cancels it: await it, keep it, or call detach()",
            ],
        ),
    ] {
        for line in lines {
            assert!(joined(printed).contains(line), "the compiler says something else: {printed}");
            is_in_the_book(&line);
        }
    }
}

#[test]
fn a_task_that_was_dropped_never_ran_and_awaiting_a_cancelled_one_is_in_the_book() {
    within(LIMIT, || {
        let runtime = runtime();
        let ran = Arc::new(AtomicU32::new(0));
        let theirs = ran.clone();
        // The gate holds the only worker, so the task cannot have begun when it is dropped.
        let gate = Arc::new(std::sync::Barrier::new(2));
        let other = gate.clone();
        let keeper = runtime.handle().spawn(async move {
            other.wait();
        });
        let dropped = runtime.handle().spawn(async move { theirs.fetch_add(1, Ordering::SeqCst) });
        drop(dropped);
        gate.wait();
        runtime.block_on(keeper);
        eventually("the future is gone", || Arc::strong_count(&ran) == 1);
        assert_eq!(ran.load(Ordering::SeqCst), 0);

        let waits = runtime.handle().spawn(pending::<()>());
        waits.abort_handle().abort();
        let awaited = catch_unwind(AssertUnwindSafe(|| runtime.block_on(waits)));
        let payload = awaited.expect_err("it was cancelled");
        is_in_the_book(&payload.downcast_ref::<TaskError>().expect("the payload says so"));
    });
}

#[test]
fn programs_that_hang_do_so_for_the_reasons_in_the_book() {
    within(LIMIT, || {
        // A future that leaves no waker.
        let polls = AtomicU32::new(0);
        let silent = poll_fn(|_| {
            polls.fetch_add(1, Ordering::SeqCst);
            Poll::<()>::Pending
        });
        let limited = async { time::timeout(Duration::from_millis(20), silent).await };
        let elapsed = waterwheel::block_on(limited).expect_err("nobody wakes it");
        is_in_the_book(&elapsed);

        // A receiver that keeps a sender of its own channel alive.
        let (sender, receiver) = flume::unbounded::<()>();
        let forever =
            async { time::timeout(Duration::from_millis(20), receiver.recv_async()).await };
        assert!(waterwheel::block_on(forever).is_err(), "the channel is still open");
        drop(sender);
        assert!(waterwheel::block_on(receiver.recv_async()).is_err(), "and now it is closed");

        // A paused clock that nobody moves.
        let paused = Runtime::builder().start_paused(true).build().expect("threads can be started");
        paused.block_on(async {
            let mut sleep = pin!(time::sleep(Duration::from_millis(1)));
            for _ in 0..100 {
                let polled = poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx).is_ready())).await;
                assert!(!polled, "no time passes");
                waterwheel::yield_now().await;
            }
            time::advance(Duration::from_millis(1));
            sleep.await;
        });
    });
}

#[test]
fn misuse_of_workers_and_clocks_is_in_the_book() {
    within(LIMIT, || {
        let runtime = Runtime::builder()
            .with_high_num(0)
            .with_low_num(1)
            .max_blocking_threads(1)
            .build()
            .expect("a thread can be started");
        is_in_the_book(
            &runtime.block_on(async { panics(|| time::advance(Duration::from_secs(1))) }),
        );
        is_in_the_book(
            &runtime.block_on(async { panics(|| drop(time::interval(Duration::ZERO))) }),
        );

        // The only spare thread is busy, so a worker cannot be replaced while it blocks.
        let (busy, begun) = std::sync::mpsc::channel();
        let (free, until) = std::sync::mpsc::channel::<()>();
        let blocking = runtime.handle().spawn_blocking(move || {
            busy.send(()).expect("the test waits for it");
            until.recv().expect_err("the test lets it go");
        });
        common::receive(&begun);
        let blocked = runtime.handle().spawn(async { waterwheel::block_on(async {}) });
        match runtime.block_on(blocked.outcome()) {
            Err(TaskError::Panicked(payload)) => is_in_the_book(&payload.message()),
            other => panic!("it blocked a worker: {other:?}"),
        }
        drop(free);
        runtime.block_on(blocking);
    });
}

#[test]
fn what_a_shutdown_says_is_in_the_book() {
    within(LIMIT, || {
        let runtime = runtime();
        let handle = runtime.handle().clone();
        let own = runtime.handle().spawn(async move { handle.shutdown(Duration::ZERO) });
        let own = runtime.block_on(own).expect_err("it would wait for itself");
        assert!(matches!(own, ShutdownError::OnWorker));
        is_in_the_book(&own);

        // A task that holds its worker until it is let go.
        let (busy, begun) = std::sync::mpsc::channel();
        let (free, until) = std::sync::mpsc::channel::<()>();
        let builder = waterwheel::task::Builder::new().name("miller");
        let stuck = builder.spawn_on(runtime.handle(), async move {
            busy.send(()).expect("the test waits for it");
            until.recv().expect_err("the test lets it go");
        });
        common::receive(&begun);
        let late = runtime.shutdown(Duration::ZERO).expect_err("it holds its worker");
        let text = late.to_string();
        let (before_place, _) = text.split_once(" spawned at ").expect("it says where");
        is_in_the_book(&before_place);
        drop(free);
        drop(stuck);

        let after = runtime.handle().spawn(async {});
        let outcome = thread::spawn(move || waterwheel::block_on(after.outcome()));
        let outcome = outcome.join().expect("`outcome` does not panic");
        assert!(matches!(outcome, Err(TaskError::Cancelled)), "spawned too late");
    });
}

#[test]
fn what_outlives_its_runtime_is_in_the_book() {
    within(LIMIT, || {
        let runtime = runtime();
        let (sleep, listener) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            (time::sleep(Duration::from_secs(3_600)), listener)
        });
        drop(runtime);
        let accepted = waterwheel::block_on(listener.accept());
        is_in_the_book(&accepted.expect_err("nobody watches the socket any more"));
        is_in_the_book(&panics(|| waterwheel::block_on(sleep)));
    });
}
