//! Tasks: spawning, waking, cancelling, and what a handle tells about them.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::collections::HashSet;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};

use common::probes::{Counted, Dropped, StoreWaker};
use common::{LIMIT, eventually, occupy, panic_of, receive, runtime, unwatched, within};
use waterwheel::task::{self, AbortHandle};
use waterwheel::{Handle, Priority, Runtime, Task, TaskError, spawn_task, yield_now};

/// The textbook's future: pending twice, waking itself, then 3.
struct CountToThree {
    count: u32,
    log: Arc<Mutex<Vec<u32>>>,
}

impl Future for CountToThree {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        self.count += 1;
        self.log.lock().expect("nobody panics with it").push(self.count);
        if self.count == 3 {
            return Poll::Ready(3);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn handles_and_errors_are_send_sync_and_debug() {
    fn all<T: Send + Sync + std::fmt::Debug + 'static>() {}
    all::<Task<u8>>();
    all::<TaskError>();
    all::<AbortHandle>();
    all::<task::Builder>();
    all::<Runtime>();
    all::<waterwheel::Builder>();
    all::<Handle>();
    all::<waterwheel::BuildError>();
    all::<waterwheel::ShutdownError>();
    all::<waterwheel::Metrics>();
}

#[test]
fn an_async_function_does_nothing_until_it_is_polled() {
    async fn count(counter: &AtomicUsize) {
        counter.fetch_add(1, Ordering::SeqCst);
    }
    let counter = AtomicUsize::new(0);
    drop(count(&counter));
    let kept = count(&counter);
    assert_eq!(counter.load(Ordering::SeqCst), 0);
    waterwheel::block_on(kept);
    assert_eq!(counter.load(Ordering::SeqCst), 1);
}

#[test]
fn a_task_starts_at_once_and_block_on_gives_its_output() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (sender, started) = mpsc::channel();
        let task = runtime.handle().spawn(async move {
            sender.send(()).expect("the test listens");
            "output"
        });
        receive(&started); // Nobody has awaited the task yet.
        assert_eq!(waterwheel::block_on(task), "output");
    });
}

#[test]
fn the_macro_takes_blocks_functions_and_hand_written_futures_in_either_lane() {
    async fn function() -> u32 {
        2
    }
    struct ByHand;
    impl Future for ByHand {
        type Output = u32;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
            Poll::Ready(3)
        }
    }
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let _current = runtime.handle().enter();
        let block = spawn_task!(async { 1 });
        let with_comma = spawn_task!(function(),);
        let by_hand = spawn_task!(ByHand, Priority::High);
        let by_function = waterwheel::spawn_task(async { 4 }, Priority::High);
        assert_eq!(block.priority(), Priority::Low);
        assert_eq!(with_comma.priority(), Priority::Low);
        assert_eq!(by_hand.priority(), Priority::High);
        assert_eq!(by_function.priority(), Priority::High);
        let sum = async { block.await + with_comma.await + by_hand.await + by_function.await };
        assert_eq!(runtime.block_on(sum), 10);
    });
}

#[test]
fn a_counter_that_wakes_itself_is_polled_exactly_three_times() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let counted = Counted::new();
        let log = Arc::default();
        let task = runtime.handle().spawn(counted.of(CountToThree { count: 0, log }));
        assert_eq!(waterwheel::block_on(task), 3);
        assert_eq!((counted.polls(), counted.drops()), (3, 1));
    });
}

#[test]
fn two_counters_on_one_worker_take_turns() {
    within(LIMIT, || {
        let runtime = unwatched(0, 1);
        let log = Arc::new(Mutex::new(Vec::new()));
        let hold = occupy(runtime.handle(), 1);
        let counter = || CountToThree { count: 0, log: Arc::clone(&log) };
        let (one, two) = (runtime.handle().spawn(counter()), runtime.handle().spawn(counter()));
        drop(hold);
        assert_eq!(waterwheel::block_on(async { (one.await, two.await) }), (3, 3));
        assert_eq!(*log.lock().expect("nobody panics with it"), [1, 1, 2, 2, 3, 3]);
    });
}

#[test]
fn a_future_that_arranges_no_wake_up_is_polled_once() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let counted = Counted::new();
        let stuck = runtime.handle().spawn(counted.of(pending::<()>()));
        let others: Vec<_> = (0..1_000).map(|_| runtime.handle().spawn(yield_now())).collect();
        for other in others {
            waterwheel::block_on(other);
        }
        eventually("it is polled", || counted.polls() > 0);
        assert!(!stuck.is_finished());
        assert!(waterwheel::block_on(stuck.cancel()).is_none());
        assert_eq!((counted.polls(), counted.drops()), (1, 1));
    });
}

#[test]
fn a_wake_up_from_another_thread_polls_exactly_once_more() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (counted, store) = (Counted::new(), StoreWaker::new());
        let task = runtime.handle().spawn(counted.of(store.clone()));
        eventually("it waits", || store.waker().is_some());
        store.finish();
        waterwheel::block_on(task);
        assert_eq!(counted.polls(), 2);
    });
}

#[test]
fn what_is_ready_before_the_first_poll_is_polled_once() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (counted, store) = (Counted::new(), StoreWaker::new());
        store.finish();
        waterwheel::block_on(runtime.handle().spawn(counted.of(store)));
        assert_eq!(counted.polls(), 1);
    });
}

#[test]
fn a_task_woken_while_running_runs_once_more_and_no_more() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let counted = Counted::new();
        let mut polled = false;
        let task = runtime.handle().spawn(counted.of(poll_fn(move |cx| {
            if std::mem::replace(&mut polled, true) {
                return Poll::Ready(());
            }
            for _ in 0..1_000 {
                cx.waker().wake_by_ref();
            }
            let waker = cx.waker().clone();
            std::thread::spawn(move || waker.wake()).join().expect("a wake-up does not panic");
            Poll::Pending
        })));
        waterwheel::block_on(task);
        assert_eq!(counted.polls(), 2);
    });
}

#[test]
fn a_storm_of_wake_ups_queues_a_task_once() {
    within(LIMIT, || {
        let runtime = unwatched(0, 1);
        let (counted, store) = (Counted::new(), StoreWaker::new());
        let task = runtime.handle().spawn(counted.of(store.clone()));
        eventually("it waits", || store.waker().is_some());
        let hold = occupy(runtime.handle(), 1);
        let waker = store.waker().expect("it has been polled");
        (0..100_000).for_each(|_| waker.wake_by_ref());
        assert_eq!(runtime.metrics().lane(Priority::Low).queue_depth, 1);
        store.finish();
        drop(hold);
        waterwheel::block_on(task);
        assert_eq!(counted.polls(), 2);
    });
}

#[test]
fn wakers_of_a_finished_task_do_nothing() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (counted, store) = (Counted::new(), StoreWaker::new());
        let task = runtime.handle().spawn(counted.of(store.clone()));
        eventually("it waits", || store.waker().is_some());
        let waker = store.waker().expect("it has been polled");
        store.finish();
        waterwheel::block_on(task);
        assert_eq!(counted.drops(), 1);
        let clones: Vec<Waker> = (0..10_000).map(|_| waker.clone()).collect();
        std::thread::scope(|scope| {
            for some in clones.chunks(2_500) {
                scope.spawn(|| some.iter().for_each(Waker::wake_by_ref));
            }
        });
        drop((clones, waker));
        assert_eq!(counted.polls(), 2);
        assert_eq!(runtime.metrics().lane(Priority::Low).queue_depth, 0);
    });
}

#[test]
fn a_task_awaited_by_one_and_then_by_another_wakes_the_last() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (store, first) = (StoreWaker::new(), Counted::new());
        let task = Arc::new(Mutex::new(runtime.handle().spawn(store.clone())));
        let look = |task: &Arc<Mutex<Task<()>>>| {
            let task = Arc::clone(task);
            poll_fn(move |cx| Pin::new(&mut *task.lock().expect("nobody panics")).poll(cx))
        };
        let looker = runtime.handle().spawn(first.of(look(&task)));
        eventually("the first one waits", || first.polls() == 1);
        let second = runtime.handle().spawn(look(&task));
        // One worker: what is spawned now has its turn after the second one.
        waterwheel::block_on(runtime.handle().spawn(async {}));
        store.finish();
        waterwheel::block_on(second);
        assert_eq!(first.polls(), 1, "it was not woken again");
        drop(looker);
    });
}

#[test]
fn a_task_awaited_by_reference_loses_nothing_when_that_is_dropped() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let store = StoreWaker::new();
        let waits = store.clone();
        let mut task = runtime.handle().spawn(async move {
            waits.await;
            7
        });
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut &mut task).poll(&mut cx).is_pending());
        store.finish();
        assert_eq!(waterwheel::block_on(&mut task), 7);
    });
}

#[test]
fn dropping_a_task_cancels_it_and_drops_its_future() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (counted, store) = (Counted::new(), StoreWaker::new());
        let task = runtime.handle().spawn(counted.of(store.clone()));
        eventually("it waits", || store.waker().is_some());
        drop(task);
        eventually("its future is dropped", || counted.drops() == 1);
        store.finish();
        waterwheel::block_on(runtime.handle().spawn(async {}));
        assert_eq!(counted.polls(), 1, "it is not polled again");
    });
}

#[test]
fn a_task_dropped_before_its_first_poll_is_never_polled() {
    within(LIMIT, || {
        let runtime = unwatched(0, 1);
        let counted = Counted::new();
        let hold = occupy(runtime.handle(), 1);
        drop(runtime.handle().spawn(counted.of(async {})));
        drop(hold);
        eventually("its future is dropped", || counted.drops() == 1);
        assert_eq!(counted.polls(), 0);
    });
}

#[test]
fn a_detached_task_runs_to_its_end() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (sender, receiver) = mpsc::channel();
        let store = StoreWaker::new();
        let waits = store.clone();
        runtime
            .handle()
            .spawn(async move {
                waits.await;
                sender.send("the end")
            })
            .detach();
        eventually("it waits", || store.waker().is_some());
        store.finish();
        assert_eq!(receive(&receiver), "the end");
    });
}

#[test]
fn cancel_waits_for_the_drop_of_the_future() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let dropped = Dropped::default();
        let note = dropped.note();
        let task = runtime.handle().spawn(async move {
            let _note = note;
            pending::<()>().await;
        });
        assert_eq!(waterwheel::block_on(task.cancel()), None);
        assert_eq!(dropped.count(), 1);
    });
}

#[test]
fn cancel_gives_the_output_of_a_task_that_had_finished() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let task = runtime.handle().spawn(async { String::from("flour") });
        eventually("it has finished", || task.is_finished());
        assert_eq!(waterwheel::block_on(task.cancel()).as_deref(), Some("flour"));
    });
}

#[test]
fn a_task_that_cancels_another_waits_without_holding_the_only_worker() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let dropped = Dropped::default();
        let note = dropped.note();
        let victim = runtime.handle().spawn(async move {
            let _note = note;
            pending::<()>().await;
        });
        let killer = runtime.handle().spawn(victim.cancel());
        assert_eq!(waterwheel::block_on(killer), None);
        assert_eq!(dropped.count(), 1);
    });
}

#[test]
fn awaiting_a_cancelled_task_panics_with_a_payload_that_says_so() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let task = runtime.handle().spawn(pending::<()>());
        task.abort_handle().abort();
        let awaiter = runtime.handle().spawn(task);
        // The awaiter has no panic of its own: it says cancelled as well.
        let error = waterwheel::block_on(awaiter.outcome()).expect_err("there is no output");
        assert!(error.is_cancelled(), "{error}");
        assert_eq!(runtime.metrics().task_panics(), 0);

        let task = runtime.handle().spawn(pending::<()>());
        task.abort_handle().abort();
        let payload = panic_of(|| waterwheel::block_on(task));
        let error = payload.downcast_ref::<TaskError>().expect("it is the task's error");
        assert!(error.is_cancelled());
        assert_eq!(error.to_string(), "task was cancelled");
    });
}

#[test]
fn a_task_aborted_before_its_first_poll_is_never_polled() {
    within(LIMIT, || {
        let runtime = unwatched(0, 1);
        let counted = Counted::new();
        let hold = occupy(runtime.handle(), 1);
        let task = runtime.handle().spawn(counted.of(async {}));
        task.abort_handle().abort();
        drop(hold);
        let error = waterwheel::block_on(task.outcome()).expect_err("it never ran");
        assert!(error.is_cancelled());
        assert_eq!((counted.polls(), counted.drops()), (0, 1));
    });
}

#[test]
fn aborting_works_after_a_detach_and_any_number_of_times() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let counted = Counted::new();
        let task = runtime.handle().spawn(counted.of(pending::<()>()));
        let (abort, again) = (task.abort_handle(), task.abort_handle());
        assert_eq!(abort.id(), task.id());
        task.detach();
        (0..10).for_each(|_| abort.abort());
        eventually("its future is dropped", || counted.drops() == 1);
        again.abort();
        drop(runtime);
        again.abort();
        assert_eq!(counted.drops(), 1);
    });
}

#[test]
fn aborting_a_finished_task_leaves_its_output_and_its_successor_alone() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let task = runtime.handle().spawn(async { 5 });
        let abort = task.abort_handle();
        eventually("it has finished", || task.is_finished());
        // The next task is likely to be kept where the first one was.
        let successors: Vec<_> = (0..8).map(|_| StoreWaker::new()).collect();
        let tasks: Vec<_> =
            successors.iter().map(|store| runtime.handle().spawn(store.clone())).collect();
        abort.abort();
        successors.iter().for_each(StoreWaker::finish);
        for successor in tasks {
            waterwheel::block_on(successor);
        }
        assert_eq!(waterwheel::block_on(task), 5);
    });
}

#[test]
fn an_abort_that_races_the_task_has_exactly_one_outcome() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        for round in 0..2_000_u32 {
            let counted = Counted::new();
            let task = runtime.handle().spawn(counted.of(async move {
                yield_now().await;
                yield_now().await;
                round
            }));
            let abort = task.abort_handle();
            let racer = runtime.handle().spawn(async move { abort.abort() });
            match waterwheel::block_on(task.outcome()) {
                Ok(value) => assert_eq!((value, counted.polls()), (round, 3)),
                Err(error) => assert!(error.is_cancelled(), "{error}"),
            }
            waterwheel::block_on(racer);
            assert_eq!(counted.drops(), 1);
        }
    });
}

#[test]
fn an_abort_that_races_a_poll_is_never_lost() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        for round in 0..20_000 {
            // Whether the abort comes before the poll, into it or after it: the task ends.
            let task = runtime.handle().spawn(async move {
                if round % 2 == 0 {
                    yield_now().await;
                }
                pending::<()>().await;
            });
            let abort = task.abort_handle();
            // At a different moment each time.
            (0..round % 500).for_each(|_| std::hint::spin_loop());
            abort.abort();
            assert!(waterwheel::block_on(task.outcome()).is_err());
        }
    });
}

#[test]
fn is_finished_says_no_until_the_future_has_been_dropped() {
    within(LIMIT, || {
        struct SlowDrop(mpsc::Sender<()>, mpsc::Receiver<()>);
        impl Drop for SlowDrop {
            fn drop(&mut self) {
                self.0.send(()).expect("the test listens");
                self.1.recv().expect("the test goes on");
            }
        }
        let runtime = runtime(0, 1);
        let ((begun, begins), (go, goes)) = (mpsc::channel(), mpsc::channel());
        let slow = SlowDrop(begun, goes);
        let task = runtime.handle().spawn(async move {
            let _slow = slow;
            pending::<()>().await;
        });
        assert!(!task.is_finished());
        task.abort_handle().abort();
        receive(&begins);
        assert!(!task.is_finished(), "its destructor still runs");
        go.send(()).expect("the destructor listens");
        eventually("it has finished", || task.is_finished());
    });
}

#[test]
fn a_handle_tells_name_number_lane_and_place() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let _current = runtime.handle().enter();
        let named = task::Builder::new().name("miller").priority(Priority::High).spawn(async {});
        let site = (file!(), line!() - 1);
        assert_eq!(named.name(), Some("miller"));
        assert_eq!(named.priority(), Priority::High);
        assert_eq!((named.spawn_site().file(), named.spawn_site().line()), site);
        assert!(format!("{named:?}").contains("miller"), "{named:?}");

        let sites = [
            (spawn_task!(async {}).spawn_site(), line!()),
            (waterwheel::spawn_task(async {}, Priority::Low).spawn_site(), line!()),
            (runtime.handle().spawn(async {}).spawn_site(), line!()),
            (runtime.handle().spawn_with(async {}, Priority::High).spawn_site(), line!()),
            (task::Builder::new().spawn_on(runtime.handle(), async {}).spawn_site(), line!()),
            (waterwheel::spawn_blocking(|| ()).spawn_site(), line!()),
        ];
        for (site, line) in sites {
            assert_eq!((site.file(), site.line()), (file!(), line));
        }
        assert_eq!(spawn_task!(async {}).name(), None);
    });
}

#[test]
fn ids_of_tasks_are_unique_across_runtimes_and_threads() {
    within(LIMIT, || {
        let runtimes = [runtime(0, 1), runtime(1, 0)];
        let ids = Mutex::new(HashSet::new());
        std::thread::scope(|scope| {
            for runtime in &runtimes {
                for _ in 0..2 {
                    scope.spawn(|| {
                        for _ in 0..2_000 {
                            let id = runtime.handle().spawn(async {}).id();
                            assert!(ids.lock().expect("nobody fails").insert(id), "{id} again");
                        }
                    });
                }
            }
        });
    });
}

#[test]
fn a_parent_awaits_its_child_a_thousand_deep_on_one_worker() {
    fn nest(depth: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move { if depth == 0 { 0 } else { spawn_task!(nest(depth - 1)).await + 1 } })
    }
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        assert_eq!(waterwheel::block_on(runtime.handle().spawn(nest(1_000))), 1_000);
    });
}

#[test]
fn a_big_future_lives_on_the_heap_and_a_deep_chain_of_futures_ends() {
    fn chain(depth: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            match depth {
                0 => {
                    yield_now().await;
                    0
                }
                _ => chain(depth - 1).await + 1,
            }
        })
    }
    within(LIMIT, || {
        let builder = Runtime::builder().with_high_num(0).with_low_num(1);
        let runtime = builder.thread_stack_size(8 << 20).build().expect("8 MiB are there");
        // More of them than fit on any stack here.
        let tasks: Vec<_> = (0..64_u8)
            .map(|n| {
                runtime.handle().spawn(async move {
                    let block = [n; 128 * 1024];
                    yield_now().await;
                    block.iter().map(|b| usize::from(*b)).sum::<usize>()
                })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(waterwheel::block_on(task), n * 128 * 1024);
        }
        assert_eq!(waterwheel::block_on(runtime.handle().spawn(chain(2_000))), 2_000);
    });
}

#[test]
fn a_million_tasks_from_one_thread_all_complete() {
    const TASKS: usize = 1_000_000;
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..TASKS {
            let done = Arc::clone(&done);
            runtime.handle().spawn(async move { done.fetch_add(1, Ordering::Relaxed) }).detach();
        }
        eventually("all are done", || done.load(Ordering::Relaxed) == TASKS);
        eventually("none is live", || runtime.metrics().tasks_live() == 0);
        let metrics = runtime.metrics();
        assert_eq!(metrics.tasks_spawned(), TASKS as u64);
        assert_eq!(metrics.lane(Priority::Low).polls, TASKS as u64);
        assert_eq!(metrics.lane(Priority::Low).queue_depth, 0);
    });
}

#[test]
fn a_task_that_always_wakes_itself_lets_the_others_run() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let greedy = runtime.handle().spawn(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        for task in 0..100 {
            let other = runtime.handle().spawn(async move {
                yield_now().await;
                task
            });
            assert_eq!(waterwheel::block_on(other), task);
        }
        drop(greedy);
    });
}

#[test]
fn tasks_that_yield_take_turns() {
    within(LIMIT, || {
        let runtime = unwatched(0, 1);
        let log = Arc::new(Mutex::new(String::new()));
        let hold = occupy(runtime.handle(), 1);
        let tasks: Vec<_> = ['a', 'b', 'c']
            .map(|name| {
                let log = Arc::clone(&log);
                runtime.handle().spawn(async move {
                    for _ in 0..4 {
                        log.lock().expect("nobody panics with it").push(name);
                        yield_now().await;
                    }
                })
            })
            .into();
        drop(hold);
        for task in tasks {
            waterwheel::block_on(task);
        }
        assert_eq!(*log.lock().expect("nobody panics with it"), "abcabcabcabc");
    });
}

#[test]
fn an_executor_made_of_a_handle_runs_what_it_is_given_and_blocks_nobody() {
    /// What libraries ask for that bring their own futures.
    trait Execute<F> {
        fn execute(&self, future: F);
    }
    impl<F: Future<Output = ()> + Send + 'static> Execute<F> for Handle {
        fn execute(&self, future: F) {
            self.spawn(future).detach();
        }
    }
    within(LIMIT, || {
        let runtime = unwatched(0, 1);
        let (sender, receiver) = mpsc::channel();
        let hold = occupy(runtime.handle(), 1);
        runtime.handle().execute(async move { sender.send("ran").expect("the test listens") });
        drop(hold); // It came back although the only worker was busy.
        assert_eq!(receive(&receiver), "ran");
    });
}

#[test]
fn tasks_wake_each_other_across_runtimes() {
    within(LIMIT, || {
        let (here, there) = (runtime(0, 1), runtime(1, 0));
        let far = there.handle().clone();
        let near = here.handle().clone();
        let sum = here.handle().spawn(async move {
            let mut sum = 0;
            for number in 0..1_000 {
                let near = near.clone();
                let there = far.spawn_with(
                    async move { near.spawn(async move { number }).await },
                    Priority::High,
                );
                sum += there.await;
            }
            sum
        });
        assert_eq!(waterwheel::block_on(sum), 499_500);
    });
}
