//! Shutdown: `Ok` leaves nothing behind, `Err` comes in time and names what would not return, and
//! nobody who asks waits for himself.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::future::{pending, poll_fn, ready};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::Poll;
use std::time::{Duration, Instant};

use common::child::in_child;
use common::probes::{Counted, Dropped, StoreWaker};
use common::{LIMIT, eventually, occupy, receive, runtime, within};
use waterwheel::{Handle, Priority, Runtime, ShutdownError, Task, spawn_task, task, yield_now};

/// What a shutdown may take beyond its grace, with room for a machine that is busy otherwise.
const BEYOND_GRACE: Duration = Duration::from_secs(10);

/// What is stuck, as the error names it.
#[track_caller]
fn stuck(result: Result<(), ShutdownError>) -> Vec<waterwheel::StuckTask> {
    match result.expect_err("something would not return") {
        ShutdownError::Stuck(stuck) => stuck,
        other => panic!("{other}"),
    }
}

#[test]
fn after_a_shutdown_every_future_is_dropped_and_every_thread_has_ended() {
    within(LIMIT, || {
        let stopped = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&stopped);
        let runtime = Runtime::builder()
            .with_high_num(2)
            .with_low_num(2)
            .on_thread_stop(move || {
                count.fetch_add(1, Ordering::SeqCst);
            })
            .build()
            .expect("it can be built");
        let dropped = Dropped::default();
        for n in 0..1_000 {
            let note = dropped.note();
            let lane = if n % 2 == 0 { Priority::High } else { Priority::Low };
            let wait = async move {
                let _note = note;
                yield_now().await;
                match n % 4 {
                    0 => pending().await,
                    1 => waterwheel::time::sleep(Duration::from_secs(10_000)).await,
                    2 => loop {
                        yield_now().await;
                    },
                    _ => {}
                }
            };
            runtime.handle().spawn_with(wait, lane).detach();
        }
        waterwheel::block_on(runtime.handle().spawn_blocking(|| ()));
        runtime.shutdown(Duration::ZERO).expect("everything can be cancelled");
        assert_eq!(dropped.count(), 1_000);
        assert!(stopped.load(Ordering::SeqCst) >= 5, "four workers and a blocking thread");
        assert_eq!(runtime.metrics().threads(), 0);
        assert_eq!(runtime.metrics().tasks_live(), 0);
    });
}

#[test]
fn within_the_grace_tasks_and_blocking_calls_end_by_themselves() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let stopping = runtime.handle().shutdown_token();
        let (sender, receiver) = mpsc::channel();
        let service = runtime.handle().spawn(async move {
            stopping.cancelled().await;
            for _ in 0..10 {
                yield_now().await; // It goes on being polled.
            }
            waterwheel::time::sleep(Duration::from_millis(1)).await; // So does the driver.
            sender.send(()).expect("the blocking call listens");
            "tidied up"
        });
        let call = runtime.handle().spawn_blocking(move || receive(&receiver));
        runtime.shutdown(LIMIT).expect("both end by themselves");
        assert_eq!(waterwheel::block_on(service), "tidied up");
        waterwheel::block_on(call);
    });
}

#[test]
fn a_shutdown_without_work_does_not_wait_for_its_grace() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        waterwheel::block_on(runtime.handle().spawn(ready(())));
        runtime.shutdown(Duration::MAX).expect("nothing runs");
    });
}

#[test]
fn a_second_shutdown_does_nothing_and_says_the_same() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        runtime.shutdown(LIMIT).expect("nothing runs");
        runtime.shutdown(Duration::ZERO).expect("it is the same result");
        runtime.handle().clone().shutdown(LIMIT).expect("it is the same result");
        drop(runtime);
    });
}

#[test]
fn eight_concurrent_shutdowns_get_the_same_result() {
    within(LIMIT, || {
        for is_stuck in [false, true] {
            let runtime = runtime(1, 1);
            let (release, released) = mpsc::channel::<()>();
            let hold = is_stuck.then(|| {
                let task = runtime.handle().spawn(async move { released.recv().unwrap_or(()) });
                let id = task.id();
                task.detach();
                eventually("it is polled", || runtime.metrics().lane(Priority::Low).polls > 0);
                id
            });
            let meeting = Barrier::new(8);
            let results: Vec<_> = std::thread::scope(|scope| {
                let callers: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            meeting.wait();
                            runtime.shutdown(Duration::ZERO)
                        })
                    })
                    .collect();
                callers.into_iter().map(|c| c.join().expect("it does not panic")).collect()
            });
            for result in results {
                match hold {
                    None => result.expect("nothing is stuck"),
                    Some(id) => {
                        let stuck = stuck(result);
                        assert_eq!(
                            stuck.iter().map(waterwheel::StuckTask::id).collect::<Vec<_>>(),
                            [id]
                        );
                    }
                }
            }
            drop(release);
        }
    });
}

#[test]
fn a_shutdown_from_one_of_its_own_threads_is_refused_and_changes_nothing() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let ask = |handle: &Handle| {
            let handle = handle.clone();
            move || matches!(handle.shutdown(LIMIT), Err(ShutdownError::OnWorker))
        };
        let from_task = ask(runtime.handle());
        assert!(waterwheel::block_on(runtime.handle().spawn(async move { from_task() })));
        let from_call = ask(runtime.handle());
        assert!(waterwheel::block_on(runtime.handle().spawn_blocking(from_call)));
        let in_place = ask(runtime.handle());
        let blocks = async move { waterwheel::block_in_place(in_place) };
        assert!(waterwheel::block_on(runtime.handle().spawn(blocks)));
        assert_eq!(waterwheel::block_on(runtime.handle().spawn(ready(1))), 1);
        let text = ShutdownError::OnWorker.to_string();
        assert!(text.contains("its own threads"), "{text}");
        runtime.shutdown(LIMIT).expect("from outside it is fine");
    });
}

#[test]
fn a_hook_that_shuts_its_own_runtime_down_is_refused() {
    within(LIMIT, || {
        let (hand, handed) = mpsc::channel::<Handle>();
        let handed = std::sync::Mutex::new(handed);
        let refusals = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&refusals);
        let runtime = Runtime::builder()
            .with_high_num(0)
            .with_low_num(1)
            .on_thread_stop(move || {
                let handle = receive(&handed.lock().expect("nobody panics with it"));
                if matches!(handle.shutdown(LIMIT), Err(ShutdownError::OnWorker)) {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            })
            .build()
            .expect("it can be built");
        hand.send(runtime.handle().clone()).expect("the hook has the receiver");
        runtime.shutdown(LIMIT).expect("the hook returns");
        assert_eq!(refusals.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_shutdown_from_a_task_of_another_runtime_works() {
    within(LIMIT, || {
        let (one, two) = (runtime(0, 1), runtime(0, 1));
        let counted = Counted::new();
        one.handle().spawn(counted.of(pending::<()>())).detach();
        let far = one.handle().clone();
        let result = two.handle().spawn(async move { far.shutdown(Duration::ZERO) });
        waterwheel::block_on(result).expect("it is not on one of its own threads");
        assert_eq!(counted.drops(), 1);
    });
}

#[test]
fn a_task_that_never_yields_is_named_and_everything_else_is_dropped() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let release = Arc::new(AtomicBool::new(false));
        let dropped = Dropped::default();
        let (note, go) = (dropped.note(), Arc::clone(&release));
        let (sender, begun) = mpsc::channel();
        let greedy = task::Builder::new().name("greedy").spawn_on(runtime.handle(), async move {
            let _note = note;
            sender.send(()).expect("the test listens");
            while !go.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            pending::<()>().await;
        });
        let (id, line) = (greedy.id(), greedy.spawn_site().line());
        greedy.detach();
        receive(&begun);
        let others = Counted::new();
        for _ in 0..100 {
            runtime.handle().spawn(others.of(pending::<()>())).detach();
        }
        let asked = Instant::now();
        let error = runtime.shutdown(Duration::ZERO).expect_err("it never yields");
        assert!(asked.elapsed() < BEYOND_GRACE);
        let text = error.to_string();
        assert!(text.contains("one call did not return: task \"greedy\""), "{text}");
        let stuck = stuck(Err(error));
        assert_eq!(stuck.len(), 1, "{stuck:?}");
        assert_eq!((stuck[0].id(), stuck[0].name()), (id, Some("greedy")));
        assert_eq!(stuck[0].spawn_site().line(), line);
        assert!(!stuck[0].is_blocking());
        assert_eq!(others.drops(), 100, "all else is dropped");
        assert_eq!(dropped.count(), 0);
        release.store(true, Ordering::SeqCst);
        eventually("it is dropped when the poll returns", || dropped.count() == 1);
    });
}

#[test]
fn a_blocking_call_that_sleeps_on_is_named_in_time_and_dropped_when_it_returns() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (release, released) = mpsc::channel::<()>();
        let (sender, begun) = mpsc::channel();
        let dropped = Dropped::default();
        let note = dropped.note();
        let call = runtime.handle().spawn_blocking(move || {
            let _note = note;
            sender.send(()).expect("the test listens");
            released.recv().unwrap_or(());
        });
        let id = call.id();
        receive(&begun);
        let asked = Instant::now();
        let stuck = stuck(runtime.shutdown(Duration::from_millis(10)));
        assert!(asked.elapsed() >= Duration::from_millis(10));
        assert!(asked.elapsed() < BEYOND_GRACE);
        assert_eq!((stuck.len(), stuck[0].id(), stuck[0].is_blocking()), (1, id, true));
        assert_eq!(stuck[0].spawn_site().file(), file!());
        drop(release);
        eventually("it is dropped when it returns", || dropped.count() == 1);
        drop(call);
    });
}

#[test]
fn a_shutdown_comes_back_within_the_grace_and_a_second() {
    // Three tries, since the machine may have other things to do for a while.
    let in_time = within(LIMIT, || {
        (0..3).any(|_| {
            let runtime = runtime(0, 1);
            let (_release, released) = mpsc::channel::<()>();
            let (sender, begun) = mpsc::channel();
            let hold = move || {
                sender.send(()).expect("the test listens");
                released.recv().unwrap_or(());
            };
            runtime.handle().spawn_blocking(hold).detach();
            receive(&begun);
            let asked = Instant::now();
            let grace = Duration::from_millis(100);
            assert_eq!(stuck(runtime.shutdown(grace)).len(), 1);
            asked.elapsed() < grace + Duration::from_secs(1)
        })
    });
    assert!(in_time);
}

#[test]
fn a_destructor_that_does_not_return_is_named_like_a_poll() {
    struct Stuck(mpsc::Receiver<()>);
    impl Drop for Stuck {
        fn drop(&mut self) {
            self.0.recv().unwrap_or(());
        }
    }
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (release, released) = mpsc::channel();
        let stuck_one = Stuck(released);
        let task = task::Builder::new().name("sticky").spawn_on(runtime.handle(), async move {
            let _stuck = stuck_one;
            pending::<()>().await;
        });
        task.detach();
        waterwheel::block_on(runtime.handle().spawn(ready(())));
        let asked = Instant::now();
        let named = stuck(runtime.shutdown(Duration::ZERO));
        assert!(asked.elapsed() < BEYOND_GRACE);
        assert_eq!(
            named.iter().map(waterwheel::StuckTask::name).collect::<Vec<_>>(),
            [Some("sticky")]
        );
        drop(release);
        eventually("nothing is left", || runtime.metrics().tasks_live() == 0);
    });
}

#[test]
fn blocking_calls_that_wait_for_a_thread_are_cancelled_and_never_run() {
    within(LIMIT, || {
        let builder = Runtime::builder().with_high_num(0).with_low_num(1).max_blocking_threads(1);
        let runtime = builder.build().expect("it can be built");
        let (release, released) = mpsc::channel::<()>();
        let (sender, begun) = mpsc::channel();
        let running = runtime.handle().spawn_blocking(move || {
            sender.send(()).expect("the test listens");
            released.recv().unwrap_or(());
            1
        });
        receive(&begun);
        let ran = Arc::new(AtomicUsize::new(0));
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let ran = Arc::clone(&ran);
                runtime.handle().spawn_blocking(move || ran.fetch_add(1, Ordering::SeqCst))
            })
            .collect();
        assert_eq!(runtime.metrics().blocking_queued(), 100);
        let handle = runtime.handle().clone();
        let closer = std::thread::spawn(move || handle.shutdown(Duration::ZERO));
        for call in waiting {
            let error = waterwheel::block_on(call.outcome()).expect_err("it never ran");
            assert!(error.is_cancelled());
        }
        drop(release);
        drop(closer.join().expect("it does not panic"));
        assert_eq!(waterwheel::block_on(running), 1, "what runs runs to its end");
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn what_is_spawned_after_a_shutdown_is_dropped_at_once_and_cancelled() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let handle = runtime.handle().clone();
        drop(runtime);
        let dropped = Dropped::default();
        let note = dropped.note();
        let task = handle.spawn(async move {
            let _note = note;
        });
        assert_eq!(dropped.count(), 1, "the spawner's thread has dropped it");
        assert!(task.is_finished());
        let error = waterwheel::block_on(task.outcome()).expect_err("it never ran");
        assert!(error.is_cancelled());
        let call = handle.spawn_blocking(|| 1);
        assert!(waterwheel::block_on(call.outcome()).expect_err("it never ran").is_cancelled());
        let named = task::Builder::new().name("late").spawn_on(&handle, async { 1 });
        assert_eq!(waterwheel::block_on(named.cancel()), None);
        handle.spawn(async {}).detach();
        assert_eq!(handle.block_on(ready(3)), 3);
    });
}

#[test]
fn of_ten_thousand_spawns_that_race_a_shutdown_each_is_finished_or_cancelled() {
    const ROUNDS: usize = 500;
    const SPAWNS: usize = 20;
    within(LIMIT, || {
        let (mut finished, mut cancelled) = (0, 0);
        for round in 0..ROUNDS {
            let runtime = runtime(1, 1);
            let dropped = Dropped::default();
            let handle = runtime.handle().clone();
            let meeting = Arc::new(Barrier::new(2));
            let spawner = std::thread::spawn({
                let (dropped, meeting) = (dropped.clone(), Arc::clone(&meeting));
                move || {
                    meeting.wait();
                    let spawn = |n: usize| -> Task<()> {
                        let note = dropped.note();
                        let lane = if n.is_multiple_of(2) { Priority::High } else { Priority::Low };
                        if n.is_multiple_of(5) {
                            return handle.spawn_blocking(move || drop(note));
                        }
                        let work = async move {
                            let _note = note;
                            yield_now().await;
                        };
                        handle.spawn_with(work, lane)
                    };
                    (0..SPAWNS).map(spawn).collect::<Vec<_>>()
                }
            });
            meeting.wait();
            if round % 2 == 0 {
                runtime.shutdown(Duration::ZERO).expect("nothing is stuck");
            } else {
                drop(runtime);
            }
            for task in spawner.join().expect("spawning does not panic") {
                match waterwheel::block_on(task.outcome()) {
                    Ok(()) => finished += 1,
                    Err(error) => {
                        assert!(error.is_cancelled(), "{error}");
                        cancelled += 1;
                    }
                }
            }
            assert_eq!(dropped.count(), SPAWNS);
        }
        assert_eq!(finished + cancelled, ROUNDS * SPAWNS);
    });
}

#[test]
fn tasks_whose_destructors_wake_each_other_are_dropped_once_each() {
    struct Waker(StoreWaker);
    impl Drop for Waker {
        fn drop(&mut self) {
            self.0.finish();
        }
    }
    within(LIMIT, || {
        for _ in 0..300 {
            let runtime = runtime(1, 1);
            let (one, two) = (StoreWaker::new(), StoreWaker::new());
            let dropped = Dropped::default();
            for (mine, other) in [(one.clone(), two.clone()), (two, one)] {
                let (note, wakes) = (dropped.note(), Waker(other));
                let wait = async move {
                    let _held = (note, wakes);
                    mine.await;
                    pending::<()>().await;
                };
                runtime.handle().spawn(wait).detach();
            }
            runtime.shutdown(Duration::ZERO).expect("nothing is stuck");
            assert_eq!(dropped.count(), 2);
        }
    });
}

#[test]
fn destructors_may_use_the_runtime_while_it_shuts_down() {
    struct Busy(Handle, mpsc::Sender<bool>);
    impl Drop for Busy {
        fn drop(&mut self) {
            let spawned = waterwheel::block_on(self.0.spawn(ready(1)).outcome());
            let called = waterwheel::block_on(self.0.spawn_blocking(|| 1).outcome());
            let macro_too = spawn_task!(ready(1)).is_finished();
            let refused = matches!(self.0.shutdown(LIMIT), Err(ShutdownError::OnWorker));
            let all_cancelled = spawned.is_err() && called.is_err() && macro_too;
            self.1.send(all_cancelled && refused).expect("the test listens");
        }
    }
    within(LIMIT, || {
        for by_drop in [false, true] {
            let runtime = runtime(0, 1);
            let (sender, receiver) = mpsc::channel();
            for n in 0..10 {
                let busy = Busy(runtime.handle().clone(), sender.clone());
                let wait = async move {
                    let _busy = busy;
                    if n % 2 == 0 {
                        pending::<()>().await;
                    } else {
                        poll_fn(|cx| {
                            cx.waker().wake_by_ref();
                            Poll::Pending::<()>
                        })
                        .await;
                    }
                };
                runtime.handle().spawn(wait).detach();
            }
            if by_drop {
                drop(runtime);
            } else {
                runtime.shutdown(Duration::ZERO).expect("nothing is stuck");
            }
            assert!((0..10).all(|_| receive(&receiver)));
        }
    });
}

#[test]
fn a_task_that_owns_its_own_runtime_can_be_shut_down() {
    within(LIMIT, || {
        for _ in 0..20 {
            let runtime = Arc::new(runtime(1, 1));
            let handle = runtime.handle().clone();
            let dropped = Dropped::default();
            let note = dropped.note();
            let own = Arc::clone(&runtime);
            let keep = async move {
                let _held = (own, note);
                pending::<()>().await;
            };
            handle.spawn(keep).detach();
            drop(runtime); // The task is its last owner.
            handle.shutdown(Duration::ZERO).expect("nothing is stuck");
            assert_eq!(dropped.count(), 1);
        }
    });
}

#[test]
fn one_runtime_is_shut_down_and_another_does_not_notice() {
    within(LIMIT, || {
        let (one, two) = (runtime(1, 1), runtime(1, 1));
        let store = StoreWaker::new();
        let far = one.handle().spawn(store.clone());
        let waits = two.handle().spawn(far.outcome());
        one.shutdown(Duration::ZERO).expect("nothing is stuck");
        let outcome = waterwheel::block_on(waits);
        assert!(outcome.expect_err("its runtime is gone").is_cancelled());
        assert_eq!(waterwheel::block_on(two.handle().spawn(ready(1))), 1);
        store.finish();
    });
}

#[test]
fn the_process_can_end_although_a_task_never_returns() {
    let child = in_child("the_process_can_end_although_a_task_never_returns", None, || {
        let runtime = runtime(1, 1);
        let _stuck = occupy(runtime.handle(), 2);
        assert_eq!(stuck(runtime.shutdown(Duration::ZERO)).len(), 2);
        std::process::exit(7);
    });
    if let Some(child) = child {
        child.exited_with(7);
    }
}

#[test]
fn a_runtime_dropped_in_a_task_after_a_shutdown_frees_what_was_stuck() {
    within(LIMIT, || {
        let (one, two) = (runtime(0, 1), runtime(0, 1));
        let dropped = Dropped::default();
        let note = dropped.note();
        let (release, released) = mpsc::channel::<()>();
        let (sender, begun) = mpsc::channel();
        let hold = async move {
            let _note = note;
            sender.send(()).expect("the test listens");
            released.recv().unwrap_or(());
            pending::<()>().await;
        };
        one.handle().spawn(hold).detach();
        receive(&begun);
        assert_eq!(stuck(one.shutdown(Duration::ZERO)).len(), 1);
        waterwheel::block_on(two.handle().spawn(async move { drop(one) }));
        drop(release);
        eventually("it is dropped when the poll returns", || dropped.count() == 1);
    });
}

#[test]
fn a_runtime_can_be_dropped_while_a_task_blocks_on_another_one() {
    within(LIMIT, || {
        let runtime = runtime(1, 0);
        let other = runtime.handle().spawn(pending::<()>());
        let (begins, begun) = mpsc::channel();
        let (ends, ended) = mpsc::channel();
        let blocks = async move {
            waterwheel::block_in_place(|| {
                begins.send(()).expect("the test waits");
                // Nobody but the end of the runtime ends the other task.
                let outcome = waterwheel::block_on(other.outcome());
                ends.send(outcome.is_err_and(|error| error.is_cancelled())).expect("it waits");
            });
        };
        runtime.handle().spawn(blocks).detach();
        receive(&begun);
        drop(runtime);
        assert!(receive(&ended), "the other task was cancelled");
    });
}
