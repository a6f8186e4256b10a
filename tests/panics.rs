//! Panics: each ends its task, never a worker, and reaches whoever awaits it. What the language
//! does not let anybody contain is shown too, in processes of its own.

#![expect(unsafe_code, reason = "a waker whose clone panics can only be made by hand")]

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::future::{Future, pending, poll_fn, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use common::child::in_child;
use common::probes::{Bomb, Dropped, StoreWaker, hostile};
use common::{LIMIT, eventually, occupy, panic_of, receive, runtime, within};
use waterwheel::{Priority, Runtime, TaskPanic, spawn_blocking, spawn_task, yield_now};

const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;

/// A runtime with one worker that still runs tasks on the very thread it began with.
struct Watched {
    runtime: Runtime,
    worker: std::thread::ThreadId,
    panics: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    fn new() -> Self {
        let panics = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&panics);
        let note = move |panic: &TaskPanic<'_>| {
            log.lock().expect("nobody panics with it").push(panic.message().to_owned());
        };
        let builder = Runtime::builder().with_high_num(0).with_low_num(1).on_task_panic(note);
        let builder = builder.replacement_workers(0); // One worker polls all tasks.
        let runtime = builder.build().expect("it can be built");
        let worker = waterwheel::block_on(runtime.handle().spawn(on_thread()));
        Self { runtime, worker, panics }
    }

    /// The worker lives and goes on; what was reported to the hook.
    #[track_caller]
    fn is_unharmed(&self) -> Vec<String> {
        let worker = waterwheel::block_on(self.runtime.handle().spawn(on_thread()));
        assert_eq!(worker, self.worker, "another thread has taken the worker's place");
        eventually("nothing is left", || self.runtime.metrics().tasks_live() == 0);
        self.panics.lock().expect("nobody panics with it").clone()
    }
}

async fn on_thread() -> std::thread::ThreadId {
    std::thread::current().id()
}

/// A future that does what it is told when it is polled and when it is dropped.
struct Actor<T> {
    poll: fn(&mut Context<'_>) -> Poll<T>,
    drop: fn(),
}

impl<T> Future for Actor<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        (self.poll)(cx)
    }
}

impl<T> Drop for Actor<T> {
    fn drop(&mut self) {
        (self.drop)();
    }
}

/// A value that panics when it is dropped.
struct Grenade(&'static str);

impl Drop for Grenade {
    fn drop(&mut self) {
        std::panic::panic_any(self.0);
    }
}

#[test]
fn a_panic_reaches_the_awaiter_with_its_payload() {
    within(LIMIT, || {
        let watched = Watched::new();
        let handle = watched.runtime.handle();
        let payload = panic_of(|| waterwheel::block_on(handle.spawn(async { panic!("plain") })));
        assert_eq!(payload.downcast_ref(), Some(&"plain"));
        let n = 7;
        let payload = panic_of(|| waterwheel::block_on(handle.spawn(async move { panic!("{n}") })));
        assert_eq!(payload.downcast_ref(), Some(&String::from("7")));
        let error = handle.spawn(async { std::panic::panic_any(vec![1, 2]) }).outcome();
        let error = waterwheel::block_on(error).expect_err("it panicked");
        assert!(error.is_panic() && !error.is_cancelled());
        let payload = error.into_panic().expect("it is a panic");
        assert_eq!(payload.downcast_ref(), Some(&vec![1, 2]));
        assert_eq!(watched.is_unharmed().len(), 3);
        assert_eq!(watched.runtime.metrics().task_panics(), 3);
    });
}

#[test]
fn a_panic_travels_through_a_chain_of_awaiting_tasks() {
    within(LIMIT, || {
        let watched = Watched::new();
        let outer = watched.runtime.handle().spawn(async {
            spawn_task!(async { spawn_task!(async { std::panic::panic_any(3_u8) }).await }).await
        });
        let payload = panic_of(|| waterwheel::block_on(outer));
        assert_eq!(payload.downcast_ref(), Some(&3_u8));
        watched.is_unharmed();
    });
}

#[test]
fn a_hundred_panics_do_not_keep_a_hundred_tasks_from_running() {
    within(LIMIT, || {
        let watched = Watched::new();
        let handle = watched.runtime.handle();
        let bad: Vec<_> = (0..100).map(|_| handle.spawn(async { panic!("bad") })).collect();
        let good: Vec<_> = (0..100).map(|n| handle.spawn(async move { n })).collect();
        for (n, task) in good.into_iter().enumerate() {
            assert_eq!(waterwheel::block_on(task), n);
        }
        for task in bad {
            assert!(waterwheel::block_on(task.outcome()).is_err());
        }
        assert_eq!(watched.is_unharmed().len(), 100);
    });
}

#[test]
fn a_panic_that_nobody_awaits_reaches_the_hook() {
    within(LIMIT, || {
        let (sender, receiver) = mpsc::channel();
        let sender = Mutex::new(sender);
        let hook = move |panic: &TaskPanic<'_>| {
            let seen = (
                panic.id(),
                panic.name().map(str::to_owned),
                panic.message().to_owned(),
                panic.spawn_site().line(),
                panic.payload().is::<&str>(),
            );
            sender.lock().expect("nobody panics with it").send(seen).expect("the test listens");
        };
        let builder = Runtime::builder().with_high_num(0).with_low_num(1).on_task_panic(hook);
        let runtime = builder.build().expect("it can be built");
        let _current = runtime.handle().enter();
        let task =
            waterwheel::task::Builder::new().name("stone").spawn(async { panic!("cracked") });
        let (id, line) = (task.id(), line!() - 1);
        task.detach();
        let seen = receive(&receiver);
        assert_eq!(seen, (id, Some("stone".to_owned()), "cracked".to_owned(), line, true));
    });
}

#[test]
fn a_future_that_panics_when_it_is_cancelled_hurts_nobody() {
    within(LIMIT, || {
        let watched = Watched::new();
        let cancelled = || Actor::<()> { poll: |_| Poll::Pending, drop: || panic!("in drop") };
        let polled = watched.runtime.handle().spawn(cancelled());
        waterwheel::block_on(watched.runtime.handle().spawn(ready(())));
        drop(polled);
        assert_eq!(watched.is_unharmed(), ["in drop"]);
        let awaited = watched.runtime.handle().spawn(cancelled());
        waterwheel::block_on(awaited.cancel());
        assert_eq!(watched.is_unharmed().len(), 2);
        let aborted = watched.runtime.handle().spawn(cancelled());
        aborted.abort_handle().abort();
        assert!(waterwheel::block_on(aborted.outcome()).is_err());
        assert_eq!(watched.is_unharmed().len(), 3);
    });
}

#[test]
fn a_future_that_panics_when_it_is_dropped_unpolled_hurts_nobody() {
    within(LIMIT, || {
        let watched = Watched::new();
        let hold = occupy(watched.runtime.handle(), 1);
        let never_polled = Actor::<()> { poll: |_| unreachable!(), drop: || panic!("unpolled") };
        drop(watched.runtime.handle().spawn(never_polled));
        drop(hold);
        assert_eq!(watched.is_unharmed(), ["unpolled"]);
    });
}

#[test]
fn a_future_that_panics_in_drop_after_it_finished_has_no_value() {
    within(LIMIT, || {
        let watched = Watched::new();
        let finished = || Actor { poll: |_| Poll::Ready(1), drop: || panic!("after all") };
        let task = watched.runtime.handle().spawn(finished());
        let payload = panic_of(|| waterwheel::block_on(task));
        assert_eq!(payload.downcast_ref(), Some(&"after all"));
        watched.runtime.handle().spawn(finished()).detach();
        assert_eq!(watched.is_unharmed(), ["after all", "after all"]);
    });
}

#[test]
fn of_a_panic_in_poll_and_one_in_drop_the_first_counts() {
    within(LIMIT, || {
        let watched = Watched::new();
        let both = Actor::<()> { poll: |_| panic!("first"), drop: || panic!("second") };
        let task = watched.runtime.handle().spawn(both);
        let payload = panic_of(|| waterwheel::block_on(task));
        assert_eq!(payload.downcast_ref(), Some(&"first"));
        assert_eq!(watched.is_unharmed(), ["first"]);
    });
}

#[test]
fn an_output_that_panics_in_drop_hurts_nobody() {
    within(LIMIT, || {
        let watched = Watched::new();
        let handle = watched.runtime.handle();
        // Detached: the worker drops it.
        handle.spawn(async { Grenade("detached") }).detach();
        // Finished, and nobody wants it: whoever drops the handle drops it.
        let task = handle.spawn(async { Grenade("unwanted") });
        eventually("it has finished", || task.is_finished());
        drop(task);
        // Replaced by the panic of its future.
        let replaced =
            Actor { poll: |_| Poll::Ready(Grenade("replaced")), drop: || panic!("in drop") };
        let outcome = waterwheel::block_on(handle.spawn(replaced).outcome());
        assert!(outcome.map(std::mem::forget).is_err());
        // Dropped while it is produced.
        for _ in 0..200 {
            drop(handle.spawn(async {
                yield_now().await;
                Grenade("raced")
            }));
        }
        watched.is_unharmed();
    });
}

#[test]
fn a_payload_that_panics_in_drop_three_deep_hurts_nobody() {
    within(LIMIT, || {
        let watched = Watched::new();
        let handle = watched.runtime.handle();
        let throw = || std::panic::resume_unwind(Box::new(Bomb(3)));
        handle.spawn(async move { throw() }).detach();
        let task = handle.spawn(async move { throw() });
        eventually("it has finished", || task.is_finished());
        drop(task);
        drop(waterwheel::block_on(handle.spawn(async move { throw() }).outcome()));
        handle.spawn_blocking(throw).detach();
        assert_eq!(watched.is_unharmed().len(), 4);
    });
}

#[test]
fn a_payload_that_never_stops_panicking_is_given_up() {
    within(LIMIT, || {
        let watched = Watched::new();
        let throw = async { std::panic::resume_unwind(Box::new(Bomb(u32::MAX))) };
        watched.runtime.handle().spawn(throw).detach();
        watched.is_unharmed();
    });
}

#[test]
fn an_awaiter_of_another_executor_may_panic_when_it_is_woken_or_dropped() {
    within(LIMIT, || {
        let watched = Watched::new();
        let store = StoreWaker::new();
        let mut task = watched.runtime.handle().spawn(store.clone());
        let (waker, wakes) = hostile();
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut task).poll(&mut cx).is_pending());
        // Only the task holds it from here on; it is the worker that wakes and drops it.
        std::mem::forget(waker);
        store.finish();
        eventually("it has finished", || task.is_finished());
        eventually("its waker was called", || wakes.load(Ordering::SeqCst) == 1);
        watched.is_unharmed();
        assert!(Pin::new(&mut task).poll(&mut Context::from_waker(Waker::noop())).is_ready());
        std::mem::forget(task); // It keeps a hostile waker for comparison.
    });
}

#[test]
fn an_awaiter_of_another_executor_may_panic_when_it_is_cloned() {
    const HOSTILE: RawWakerVTable = RawWakerVTable::new(
        |_| panic!("a hostile waker is cloned"),
        |_| panic!("a hostile waker is woken"),
        |_| panic!("a hostile waker is woken"),
        |_| {},
    );
    within(LIMIT, || {
        let watched = Watched::new();
        let store = StoreWaker::new();
        let mut task = watched.runtime.handle().spawn(store.clone());
        // SAFETY: the functions of the table use no data and keep to the contract by not returning.
        let waker = unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &HOSTILE)) };
        let payload = panic_of(|| {
            let _ = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
        });
        assert_eq!(payload.downcast_ref(), Some(&"a hostile waker is cloned"));
        // The task is as good as before.
        store.finish();
        waterwheel::block_on(task);
        watched.is_unharmed();
    });
}

#[test]
fn a_waker_that_panics_does_not_keep_the_others_from_being_woken() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let token = runtime.handle().shutdown_token();
        let (waker, wakes) = hostile();
        let mut first = Box::pin(token.cancelled());
        assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let second = runtime.handle().spawn({
            let token = token.clone();
            async move { token.cancelled().await }
        });
        let waits = Arc::new(AtomicUsize::new(0));
        let third = std::thread::spawn({
            let waits = Arc::clone(&waits);
            move || {
                waterwheel::block_on(async {
                    let mut cancelled = std::pin::pin!(token.cancelled());
                    poll_fn(|cx| {
                        waits.fetch_add(1, Ordering::SeqCst);
                        cancelled.as_mut().poll(cx)
                    })
                    .await;
                });
            }
        });
        eventually("the thread waits", || waits.load(Ordering::SeqCst) == 1);
        runtime.shutdown(LIMIT).expect("the waiting task is woken and ends");
        waterwheel::block_on(second);
        third.join().expect("it is woken");
        assert_eq!(wakes.load(Ordering::SeqCst), 1);
        std::mem::forget((waker, first));
    });
}

#[test]
fn a_timer_whose_waker_panics_hurts_no_worker() {
    within(LIMIT, || {
        let watched = Watched::new();
        let _current = watched.runtime.handle().enter();
        let (waker, wakes) = hostile();
        let mut sleep = Box::pin(waterwheel::time::sleep(std::time::Duration::from_millis(1)));
        assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        std::mem::forget(waker);
        eventually("it is woken", || wakes.load(Ordering::SeqCst) == 1);
        let other = waterwheel::time::sleep(std::time::Duration::from_millis(1));
        waterwheel::block_on(watched.runtime.handle().spawn(other));
        watched.is_unharmed();
    });
}

#[test]
fn every_hook_may_panic() {
    within(LIMIT, || {
        let calls = Arc::new(AtomicUsize::new(0));
        let hook = || {
            let calls = Arc::clone(&calls);
            move || {
                calls.fetch_add(1, Ordering::SeqCst);
                panic!("a hook panics");
            }
        };
        let seen = hook();
        let runtime = Runtime::builder()
            .with_high_num(1)
            .with_low_num(1)
            .on_thread_start(hook())
            .on_thread_stop(hook())
            .on_thread_park(hook())
            .on_thread_unpark(hook())
            .on_task_panic(move |_| seen())
            .build()
            .expect("panics in hooks do not fail a build");
        for n in 0..10 {
            let task = runtime.handle().spawn(async move { n });
            assert_eq!(waterwheel::block_on(task), n);
            let bad = runtime.handle().spawn_with(async { panic!("bad") }, Priority::High);
            assert!(waterwheel::block_on(bad.outcome()).is_err());
        }
        assert_eq!(waterwheel::block_on(runtime.handle().spawn_blocking(|| 5)), 5);
        runtime.shutdown(LIMIT).expect("panics in hooks do not fail a shutdown");
        assert!(calls.load(Ordering::SeqCst) >= 10 + 2 * 3);
    });
}

#[test]
fn a_blocking_call_that_panics_reports_it_and_its_thread_goes_on() {
    within(LIMIT, || {
        let builder = Runtime::builder().with_high_num(0).with_low_num(1).max_blocking_threads(1);
        let runtime = builder.build().expect("it can be built");
        let thread = || std::thread::current().id();
        let before = waterwheel::block_on(runtime.handle().spawn_blocking(thread));
        for n in 0..1_000 {
            let call = runtime.handle().spawn_blocking(move || std::panic::panic_any(n));
            let error = waterwheel::block_on(call.outcome()).expect_err("it panics");
            let payload = error.into_panic().expect("it panics");
            assert_eq!(payload.downcast_ref(), Some(&n));
        }
        let after = waterwheel::block_on(runtime.handle().spawn_blocking(thread));
        assert_eq!(before, after);
        assert_eq!(runtime.metrics().task_panics(), 1_000);
    });
}

#[test]
fn a_panic_in_block_on_or_block_in_place_passes_through_and_harms_nothing() {
    within(LIMIT, || {
        let watched = Watched::new();
        for _ in 0..3 {
            let payload = panic_of(|| watched.runtime.block_on(async { panic!("root") }));
            assert_eq!(payload.downcast_ref(), Some(&"root"));
            assert_eq!(watched.runtime.block_on(ready(1)), 1);
        }
        watched.is_unharmed();
        let blocks = watched.runtime.handle().spawn(async {
            waterwheel::block_in_place(|| std::panic::panic_any("in place"));
        });
        let payload = panic_of(|| waterwheel::block_on(blocks));
        assert_eq!(payload.downcast_ref(), Some(&"in place"));
        let nested =
            watched.runtime.handle().spawn(async { waterwheel::block_on(async { panic!("in") }) });
        assert!(waterwheel::block_on(nested.outcome()).is_err());
        assert_eq!(waterwheel::block_on(watched.runtime.handle().spawn(ready(1))), 1);
    });
}

#[test]
fn destructors_may_spawn_block_and_panic_while_a_task_is_cancelled() {
    struct Busy(mpsc::Sender<u32>);
    impl Drop for Busy {
        fn drop(&mut self) {
            let sum = waterwheel::block_on(async {
                spawn_task!(ready(1)).await + spawn_blocking(|| 2).await
            });
            self.0.send(sum).expect("the test listens");
            panic!("and on top");
        }
    }
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (sender, receiver) = mpsc::channel();
        let busy = Busy(sender);
        let task = runtime.handle().spawn(async move {
            let _busy = busy;
            pending::<()>().await;
        });
        waterwheel::block_on(task.cancel());
        assert_eq!(receive(&receiver), 3);
        assert_eq!(waterwheel::block_on(runtime.handle().spawn(ready(1))), 1);
    });
}

#[test]
fn tasks_that_own_each_other_and_panic_in_drop_are_freed_by_a_shutdown() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let dropped = Dropped::default();
        for _ in 0..100 {
            let (sender, receiver) = mpsc::channel::<Box<dyn Send>>();
            let (note, other) = (dropped.note(), dropped.note());
            let one = runtime.handle().spawn(async move {
                let _held = (receiver, note, Grenade("one"));
                pending::<()>().await;
            });
            let two = runtime.handle().spawn(async move {
                let _held = (one, other);
                pending::<()>().await;
            });
            sender.send(Box::new(two)).expect("the other task has the receiver");
        }
        drop(runtime);
        assert_eq!(dropped.count(), 200);
    });
}

#[test]
fn no_misbehaviour_of_a_task_takes_the_process_down() {
    let child = in_child("no_misbehaviour_of_a_task_takes_the_process_down", None, || {
        let runtime = runtime(1, 2);
        let store = StoreWaker::new();
        let mut kept = Vec::new();
        for round in 0..2_000 {
            let handle = runtime.handle();
            let lane = if round % 2 == 0 { Priority::High } else { Priority::Low };
            let drop: fn() = if round % 3 == 0 { || panic!("in drop") } else { || {} };
            let poll: fn(&mut Context<'_>) -> Poll<Grenade> = match round % 4 {
                0 => |_| Poll::Pending,
                1 => |_| panic!("in poll"),
                2 => |_| Poll::Ready(Grenade("output")),
                _ => |_| std::panic::resume_unwind(Box::new(Bomb(2))),
            };
            let task = handle.spawn_with(Actor { poll, drop }, lane);
            match round % 5 {
                0 => task.detach(),
                1 => task.abort_handle().abort(),
                2 => kept.push(task),
                3 => {
                    let mut waiting = handle.spawn(store.clone());
                    let (waker, _) = hostile();
                    let _ = Pin::new(&mut waiting).poll(&mut Context::from_waker(&waker));
                    std::mem::forget((waker, waiting));
                }
                _ => {}
            }
        }
        store.finish();
        // What is in them goes with the runtime.
        std::mem::drop(kept);
        std::mem::drop(runtime);
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn a_second_panic_while_the_first_unwinds_ends_the_process() {
    let child = in_child("a_second_panic_while_the_first_unwinds_ends_the_process", None, || {
        let runtime = runtime(0, 1);
        let task = runtime.handle().spawn(async {
            let _grenade = Grenade("second");
            panic!("first");
        });
        waterwheel::block_on(task);
    });
    if let Some(child) = child {
        child.was_killed_by(SIGABRT);
        assert!(child.stderr().contains("first"), "{}", child.stderr());
    }
}

#[test]
fn in_a_program_that_aborts_on_panic_the_first_one_ends_it() {
    const PROGRAM: &str = r#"
        fn main() {
            let task = waterwheel::spawn_task!(async { panic!("the wheel stops") });
            let outcome = waterwheel::block_on(task.outcome());
            println!("never printed: {outcome:?}");
        }
    "#;
    let here = std::env::current_exe().expect("a test knows its own file");
    let libraries = here.parent().expect("it is in a folder");
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join("aborts.rs"), folder.join("aborts"));
    std::fs::write(&source, PROGRAM).expect("the folder is for tests to write in");
    // The library as it was built for this test, the newest one there is.
    let library = std::fs::read_dir(libraries)
        .expect("the folder can be read")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rlib"))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("libwaterwheel-"))
        })
        .max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok())
        .expect("the library was built for this test");
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let built = std::process::Command::new("rustc")
        .args(["--edition", "2024", "-C", "panic=abort"])
        .args(flags.split_whitespace())
        .arg("--extern")
        .arg(format!("waterwheel={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", libraries.display()))
        .arg("-o")
        .args([&program, &source])
        .output()
        .expect("the compiler runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let output = std::process::Command::new(program).output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(output.status.signal(), Some(SIGABRT), "{stderr}");
    }
    assert!(stderr.contains("the wheel stops"), "{stderr}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_task_that_overflows_its_stack_ends_the_process_and_is_named_by_its_thread() {
    #[expect(unconditional_recursion, reason = "this is the fault")]
    fn fall(deep: &[u8; 4096]) -> u64 {
        let deeper = std::hint::black_box([deep[0]; 4096]);
        fall(&deeper) + u64::from(deeper[1])
    }
    let name = "a_task_that_overflows_its_stack_ends_the_process_and_is_named_by_its_thread";
    let child = in_child(name, None, || {
        let builder = Runtime::builder().with_high_num(0).with_low_num(1).thread_name("deep");
        let runtime = builder.build().expect("it can be built");
        waterwheel::block_on(runtime.handle().spawn(async { fall(&[1; 4096]) }));
    });
    if let Some(child) = child {
        // The standard library catches the fault in the guard page, says so, and aborts.
        use std::os::unix::process::ExitStatusExt;
        let signal = child.output.status.signal();
        assert!(matches!(signal, Some(SIGABRT | SIGSEGV)), "{}", child.stderr());
        assert!(child.stderr().contains("deep-low-0"), "{}", child.stderr());
    }
}
