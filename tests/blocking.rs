//! Blocking code: calls on threads of their own, blocking in place, and what happens when there is
//! no thread to be had.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::collections::HashSet;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use common::child::in_child;
use common::probes::Dropped;
use common::{LIMIT, eventually, occupy, panic_of, receive, runtime, within};
use waterwheel::{Handle, Runtime, block_in_place, block_on, spawn_blocking, spawn_task};

/// One worker, and so many threads for blocking calls.
fn with_blocking_threads(most: usize) -> Runtime {
    let builder = Runtime::builder().with_high_num(0).with_low_num(1).max_blocking_threads(most);
    builder.build().expect("it can be built")
}

fn name() -> String {
    std::thread::current().name().expect("the runtime names its threads").to_owned()
}

/// As [`with_blocking_threads`]; they retire at once, and that can be seen.
fn with_short_lived_threads(workers: usize, most: usize) -> Runtime {
    let builder = Runtime::builder().with_high_num(0).with_low_num(workers);
    let builder = builder.max_blocking_threads(most).thread_keep_alive(Duration::from_millis(1));
    let builder = builder.slow_poll_after(Duration::MAX); // No watchdog: the threads are counted.
    builder.build().expect("it can be built")
}

/// Waits until no thread for blocking calls is left.
fn all_retire(runtime: &Runtime) {
    eventually("all retire", || runtime.metrics().blocking_threads() == 0);
}

/// Blocks so many threads for blocking calls, each until its sender is dropped.
fn block(handle: &Handle, threads: usize) -> Vec<mpsc::Sender<()>> {
    let (begun, begins) = mpsc::channel();
    let releases = (0..threads)
        .map(|_| {
            let (release, released) = mpsc::channel::<()>();
            let begun = begun.clone();
            let call = move || {
                begun.send(()).expect("the test waits");
                released.recv().unwrap_or(());
            };
            handle.spawn_blocking(call).detach();
            release
        })
        .collect();
    (0..threads).for_each(|_| receive(&begins));
    releases
}

#[test]
fn a_blocking_call_runs_on_a_thread_of_its_own_and_holds_no_worker() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (release, released) = mpsc::channel();
        let call = runtime.handle().spawn_blocking(move || {
            receive(&released);
            name()
        });
        let worker = block_on(runtime.handle().spawn(async { name() }));
        release.send(()).expect("the call listens");
        assert_eq!(worker, "waterwheel-low-0");
        assert_eq!(block_on(call), "waterwheel-blocking");
    });
}

#[test]
fn a_blocking_call_may_wait_for_a_task_and_a_task_for_it_on_one_worker() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let sum = runtime.handle().spawn(async {
            let call = spawn_blocking(|| {
                let inner = spawn_task!(async { spawn_blocking(|| 1).await + 1 });
                block_on(inner) + 1
            });
            call.await + 1
        });
        assert_eq!(block_on(sum), 4);
    });
}

#[test]
fn no_more_threads_block_than_are_allowed_and_the_rest_wait_in_order() {
    const MOST: usize = 3;
    within(LIMIT, || {
        let runtime = with_blocking_threads(MOST);
        let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let hold = block(runtime.handle(), MOST);
        let order = Arc::new(Mutex::new(Vec::new()));
        let calls: Vec<_> = (0..200)
            .map(|n| {
                let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
                let order = Arc::clone(&order);
                runtime.handle().spawn_blocking(move || {
                    order.lock().expect("nobody panics with it").push(n);
                    peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    now.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        assert_eq!(runtime.metrics().blocking_threads(), MOST);
        assert_eq!(runtime.metrics().blocking_queued(), 200);
        // One thread alone takes them first in, first out.
        let mut hold = hold.into_iter();
        drop(hold.next());
        for call in calls {
            block_on(call);
        }
        assert_eq!(*order.lock().expect("nobody panics with it"), (0..200).collect::<Vec<_>>());
        assert_eq!(peak.load(Ordering::SeqCst), 1);
        drop(hold);
        let calls: Vec<_> = (0..200)
            .map(|_| {
                let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
                runtime.handle().spawn_blocking(move || {
                    peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    now.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        calls.into_iter().for_each(block_on);
        assert!(peak.load(Ordering::SeqCst) <= MOST);
    });
}

#[test]
fn calls_run_side_by_side_and_a_thread_without_work_is_used_again() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let meeting = Arc::new(Barrier::new(8));
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let meeting = Arc::clone(&meeting);
                runtime.handle().spawn_blocking(move || {
                    meeting.wait();
                    std::thread::current().id()
                })
            })
            .collect();
        let mut threads: HashSet<_> = calls.into_iter().map(block_on).collect();
        assert_eq!(threads.len(), 8);
        for _ in 0..100 {
            threads
                .insert(block_on(runtime.handle().spawn_blocking(|| std::thread::current().id())));
        }
        // A thread is free a moment after its call has given its result, so a few may be new.
        assert!(threads.len() < 50, "{} threads for 100 calls one by one", threads.len());
    });
}

#[test]
fn a_thread_retires_after_its_keep_alive_and_another_takes_the_next_call() {
    within(LIMIT, || {
        let (sender, stops) = mpsc::channel();
        let sender = Mutex::new(sender);
        let runtime = Runtime::builder()
            .with_high_num(0)
            .with_low_num(1)
            .max_blocking_threads(1)
            .thread_keep_alive(Duration::from_millis(1))
            .on_thread_stop(move || {
                // Nobody listens any more when the runtime itself ends.
                sender.lock().expect("nobody panics with it").send(name()).unwrap_or(());
            })
            .build()
            .expect("it can be built");
        for n in 0..10 {
            assert_eq!(block_on(runtime.handle().spawn_blocking(move || n)), n);
            assert_eq!(receive(&stops), "waterwheel-blocking");
            assert_eq!(runtime.metrics().blocking_threads(), 0);
        }
    });
}

#[test]
fn no_call_is_lost_to_a_thread_that_retires() {
    within(LIMIT, || {
        let runtime = Runtime::builder()
            .with_high_num(0)
            .with_low_num(1)
            .max_blocking_threads(2)
            .thread_keep_alive(Duration::from_micros(1))
            .build()
            .expect("it can be built");
        for n in 0..5_000_u32 {
            let call = runtime.handle().spawn_blocking(move || n);
            if n.is_multiple_of(3) {
                runtime.handle().spawn_blocking(|| ()).detach();
            }
            assert_eq!(block_on(call), n);
        }
    });
}

#[test]
fn dropping_a_waiting_call_cancels_it_and_dropping_a_running_one_lets_it_run() {
    within(LIMIT, || {
        let runtime = with_blocking_threads(1);
        let (release, released) = mpsc::channel();
        let (sender, receiver) = mpsc::channel();
        let (begun, begins) = mpsc::channel();
        let running = runtime.handle().spawn_blocking(move || {
            begun.send(()).expect("the test listens");
            receive(&released);
            sender.send("it ran on").expect("the test listens");
        });
        receive(&begins);
        let dropped = Dropped::default();
        let note = dropped.note();
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        let waiting = runtime.handle().spawn_blocking(move || {
            let _note = note;
            count.fetch_add(1, Ordering::SeqCst)
        });
        drop(running);
        drop(waiting);
        release.send(()).expect("the call listens");
        assert_eq!(receive(&receiver), "it ran on");
        block_on(runtime.handle().spawn_blocking(|| ()));
        eventually("the waiting one is dropped", || dropped.count() == 1);
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn aborting_a_waiting_call_cancels_it_and_aborting_a_running_one_changes_nothing() {
    within(LIMIT, || {
        let runtime = with_blocking_threads(1);
        let (release, released) = mpsc::channel();
        let (begun, begins) = mpsc::channel();
        let running = runtime.handle().spawn_blocking(move || {
            begun.send(()).expect("the test listens");
            receive(&released);
            1
        });
        receive(&begins);
        let waiting = runtime.handle().spawn_blocking(|| 2);
        running.abort_handle().abort();
        waiting.abort_handle().abort();
        release.send(()).expect("the call listens");
        assert_eq!(block_on(running), 1);
        assert!(block_on(waiting.outcome()).expect_err("it never ran").is_cancelled());
    });
}

#[test]
fn blocking_in_place_hands_the_only_worker_to_another_thread() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let handle = runtime.handle().clone();
        let task = runtime.handle().spawn(async move {
            block_in_place(|| {
                let (sender, receiver) = mpsc::channel();
                // Another task must run for this one to go on.
                handle.spawn(async move { sender.send(5) }).detach();
                receive(&receiver)
            })
        });
        assert_eq!(block_on(task), 5);
        assert_eq!(block_on(runtime.handle().spawn(ready(6))), 6);
    });
}

#[test]
fn blocking_in_place_elsewhere_only_calls() {
    let here = std::thread::current().id();
    assert_eq!(block_in_place(|| std::thread::current().id()), here);
    within(LIMIT, || {
        let runtime = with_blocking_threads(1);
        // On a thread that may block anyway: it takes no other.
        let nested = runtime.handle().spawn_blocking(|| block_in_place(|| block_in_place(|| 1)));
        assert_eq!(block_on(nested), 1);
        assert_eq!(runtime.block_on(async { block_in_place(|| 2) }), 2);
    });
}

#[test]
fn block_on_inside_a_task_works_with_one_worker_and_nested() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let task = runtime.handle().spawn(async {
            block_on(async {
                let one = spawn_task!(ready(1)).await;
                one + block_on(async { block_on(spawn_task!(ready(2))) })
            })
        });
        assert_eq!(block_on(task), 3);
        let outer = runtime.block_on(async { block_on(async { block_on(ready(4)) }) });
        assert_eq!(outer, 4);
    });
}

#[test]
fn a_wake_up_for_an_outer_block_on_does_not_end_in_an_inner_one() {
    within(LIMIT, || {
        let outer = common::probes::StoreWaker::new();
        let remote = outer.clone();
        block_on(async {
            let mut waiting = std::pin::pin!(outer.clone());
            let first = std::future::poll_fn(|cx| {
                std::task::Poll::Ready(waiting.as_mut().poll(cx).is_pending())
            });
            assert!(first.await);
            remote.finish(); // Wakes the outer one, which does not wait yet.
            block_on(waterwheel::yield_now());
            waiting.await;
        });
    });
}

#[test]
fn block_on_one_runtime_inside_a_task_of_another_works() {
    within(LIMIT, || {
        let (one, two) = (runtime(0, 1), runtime(0, 1));
        let far = two.handle().clone();
        let task = one.handle().spawn(async move {
            far.block_on(async {
                spawn_task!(async { name() }).await // On the one that is current now.
            })
        });
        assert_eq!(block_on(task), "waterwheel-low-0");
        assert_eq!(two.metrics().tasks_spawned(), 1);
        assert_eq!(one.metrics().tasks_spawned(), 1);
    });
}

#[test]
fn where_no_thread_can_take_over_blocking_panics_first_and_names_the_async_form() {
    within(LIMIT, || {
        let runtime = with_short_lived_threads(1, 1);
        let hold = block(runtime.handle(), 1);
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        let blocks = runtime.handle().spawn(async move {
            block_in_place(|| count.fetch_add(1, Ordering::SeqCst));
        });
        let payload = panic_of(|| block_on(blocks));
        let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
        let text = text.or(payload.downcast_ref::<String>().cloned()).expect("it is a message");
        assert!(text.contains("max_blocking_threads"), "{text}");
        assert!(text.contains("spawn_blocking(..)") && text.contains("join!(..)"), "{text}");
        assert_eq!(ran.load(Ordering::SeqCst), 0, "it had not begun");
        let nested = runtime.handle().spawn(async { block_on(ready(1)) });
        assert!(block_on(nested.outcome()).expect_err("it panics").is_panic());
        let joins = runtime.handle().spawn(async { waterwheel::blocking::join!(ready(1)) });
        assert!(block_on(joins.outcome()).expect_err("it panics").is_panic());
        // The worker is as good as before.
        assert_eq!(block_on(runtime.handle().spawn(ready(2))), 2);
        drop(hold);
        all_retire(&runtime);
        let blocks = runtime.handle().spawn(async { block_in_place(|| 3) });
        assert_eq!(block_on(blocks), 3);
    });
}

#[test]
fn a_worker_that_was_handed_on_takes_no_thread_from_the_blocking_calls() {
    within(LIMIT, || {
        let runtime = with_short_lived_threads(1, 1);
        for n in 0..20 {
            let task = runtime.handle().spawn(async move {
                let blocked = block_in_place(|| n);
                let nested = block_on(ready(1));
                blocked + nested
            });
            assert_eq!(block_on(task), n + 1);
            assert_eq!(block_on(runtime.handle().spawn_blocking(move || n)), n);
            all_retire(&runtime);
        }
        eventually("the worker's thread is the last", || runtime.metrics().threads() == 1);
    });
}

#[test]
fn all_workers_may_block_in_place_at_once_and_no_thread_is_lost() {
    within(LIMIT, || {
        let runtime = with_short_lived_threads(4, 4);
        for _ in 0..20 {
            let meeting = Arc::new(Barrier::new(4));
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let meeting = Arc::clone(&meeting);
                    let meet = async move { block_in_place(|| meeting.wait().is_leader()) };
                    runtime.handle().spawn(meet)
                })
                .collect();
            assert_eq!(tasks.into_iter().map(block_on).filter(|leader| *leader).count(), 1);
            all_retire(&runtime);
            eventually("the workers' threads are left", || runtime.metrics().threads() == 4);
        }
        runtime.shutdown(LIMIT).expect("nothing is stuck");
    });
}

#[test]
fn a_task_that_blocks_in_place_can_be_cancelled_afterwards() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let dropped = Dropped::default();
        let note = dropped.note();
        let (release, released) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        let task = runtime.handle().spawn(async move {
            let _note = note;
            block_in_place(|| {
                begun.send(()).expect("the test listens");
                released.recv().unwrap_or(());
            });
            std::future::pending::<()>().await;
        });
        receive(&begins);
        drop(task);
        assert_eq!(block_on(runtime.handle().spawn(ready(1))), 1);
        assert_eq!(dropped.count(), 0);
        drop(release);
        eventually("its future is dropped", || dropped.count() == 1);
    });
}

#[test]
fn an_exhausted_pool_holds_up_no_task_and_runs_everything_in_the_end() {
    const CALLS: usize = 20_000;
    within(LIMIT, || {
        let runtime = with_blocking_threads(2);
        let hold = block(runtime.handle(), 2);
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..CALLS {
            let done = Arc::clone(&done);
            let call = move || {
                done.fetch_add(1, Ordering::SeqCst);
            };
            runtime.handle().spawn_blocking(call).detach();
        }
        assert_eq!(runtime.metrics().blocking_queued(), CALLS);
        for n in 0..100 {
            assert_eq!(block_on(runtime.handle().spawn(ready(n))), n);
        }
        assert_eq!(done.load(Ordering::SeqCst), 0);
        drop(hold);
        eventually("all have run", || done.load(Ordering::SeqCst) == CALLS);
    });
}

#[test]
fn without_a_thread_to_be_had_a_blocking_call_is_cancelled_and_the_runtime_goes_on() {
    let name = "without_a_thread_to_be_had_a_blocking_call_is_cancelled_and_the_runtime_goes_on";
    // Room for one stack of 1.5 GiB, not for two.
    let child = in_child(name, Some("ulimit -v 3145728"), || {
        let builder = Runtime::builder().with_high_num(0).with_low_num(1);
        let builder = builder.slow_poll_after(Duration::MAX); // No watchdog: it needs a thread too.
        let runtime = builder.thread_stack_size(3 << 29).build().expect("one fits");
        let dropped = Dropped::default();
        for n in 0..3 {
            let note = dropped.note();
            let call = runtime.handle().spawn_blocking(move || drop(note));
            let error = block_on(call.outcome()).expect_err("no thread could be started");
            assert!(error.is_cancelled());
            assert_eq!(dropped.count(), n + 1);
            let blocks = runtime.handle().spawn(async { block_in_place(|| 1) });
            assert!(block_on(blocks.outcome()).expect_err("nobody takes over").is_panic());
            assert_eq!(block_on(runtime.handle().spawn(ready(n))), n);
        }
        assert_eq!(runtime.metrics().failed_threads(), 6);
        assert_eq!(runtime.metrics().blocking_queued(), 0);
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn a_busy_worker_does_not_keep_blocking_calls_from_starting() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let hold = occupy(runtime.handle(), 1);
        assert_eq!(block_on(runtime.handle().spawn_blocking(|| 1)), 1);
        drop(hold);
    });
}
