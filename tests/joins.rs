//! Joins: concurrent on one task in async code, blocking and named so in synchronous code.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::future::{pending, ready};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use common::probes::{Counted, Dropped, StoreWaker};
use common::{LIMIT, occupy, panic_of, receive, runtime, within};
use waterwheel::time::{Instant, advance, now, sleep};
use waterwheel::{Runtime, TaskError, blocking, join, spawn_task, try_join, yield_now};

/// A clock that stands still until the test moves it, and one worker.
fn paused() -> Runtime {
    let builder = Runtime::builder().with_high_num(0).with_low_num(1).start_paused(true);
    builder.build().expect("it can be built")
}

/// What a kitchen does: it writes down what begins, and "works" by moving the clock by itself.
#[derive(Clone, Default)]
struct Kitchen(Arc<Mutex<Vec<&'static str>>>);

impl Kitchen {
    fn note(&self, what: &'static str) {
        self.0.lock().expect("nobody panics with it").push(what);
    }

    /// Work that holds the thread: nobody else has a turn meanwhile.
    fn work(&self, what: &'static str, units: u64) {
        self.note(what);
        advance(unit(units));
    }

    async fn mug(&self) {
        self.work("mug", 6);
    }

    async fn coffee(&self) {
        self.note("kettle");
        wait(10).await;
        self.work("pour", 3);
    }

    async fn toast(&self) {
        self.note("bread");
        wait(10).await;
        self.work("butter", 5);
    }

    fn notes(&self) -> Vec<&'static str> {
        self.0.lock().expect("nobody panics with it").clone()
    }
}

fn unit(units: u64) -> Duration {
    Duration::from_secs(units)
}

/// Waits for so many units on the paused clock, and moves it when nothing else can happen.
async fn wait(units: u64) {
    sleep(unit(units)).await;
}

/// Moves a paused clock to the next sleep whenever the joined work has nothing else to do.
async fn with_time<F: Future>(work: F) -> (F::Output, Duration) {
    let begun: Instant = now();
    let mut work = std::pin::pin!(work);
    let output = std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(output),
        std::task::Poll::Pending => {
            advance(unit(1));
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        }
    })
    .await;
    (output, now() - begun)
}

#[test]
fn waits_in_sequence_add_up_and_joined_waits_take_the_longest() {
    within(LIMIT, || {
        let runtime = paused();
        let (sequence, joined) = runtime.block_on(async {
            let sequence = with_time(async {
                for _ in 0..4 {
                    wait(10).await;
                }
            });
            let ((), sequence) = sequence.await;
            let (_, joined) =
                with_time(async { join!(wait(10), wait(10), wait(10), wait(10)) }).await;
            (sequence, joined)
        });
        assert!(sequence >= unit(40), "{sequence:?}");
        assert!(joined >= unit(10) && joined < unit(20), "{joined:?}");
    });
}

#[test]
fn a_join_polls_in_the_order_of_its_arguments() {
    within(LIMIT, || {
        let runtime = paused();
        let kitchen = Kitchen::default();
        runtime.block_on(with_time(async {
            join!(kitchen.mug(), kitchen.coffee(), kitchen.toast());
        }));
        assert_eq!(kitchen.notes(), ["mug", "kettle", "bread", "pour", "butter"]);

        let kitchen = Kitchen::default();
        let mug_later = async {
            wait(1).await;
            kitchen.mug().await;
        };
        runtime.block_on(with_time(async {
            join!(mug_later, kitchen.coffee(), kitchen.toast());
        }));
        assert_eq!(kitchen.notes(), ["kettle", "bread", "mug", "pour", "butter"]);
    });
}

#[test]
fn work_that_blocks_delays_what_is_joined_with_it_and_waiting_does_not() {
    within(LIMIT, || {
        let runtime = paused();
        let (in_order, wait_first) = runtime.block_on(async {
            let kitchen = Kitchen::default();
            let all = async { join!(kitchen.mug(), kitchen.coffee(), kitchen.toast()) };
            let (_, in_order) = with_time(all).await;
            let mug_later = async {
                wait(1).await;
                kitchen.mug().await;
            };
            let all = async { join!(mug_later, kitchen.coffee(), kitchen.toast()) };
            let (_, wait_first) = with_time(all).await;
            (in_order, wait_first)
        });
        // 6 of mug, 10 of waiting, 3 + 5 of work; with the waits begun first the mug's 6 are free.
        let slack = unit(2); // The clock is moved in steps of 1.
        assert!(in_order >= unit(24) && in_order <= unit(24) + slack, "{in_order:?}");
        assert!(wait_first >= unit(18) && wait_first <= unit(18) + slack, "{wait_first:?}");
    });
}

#[test]
fn a_join_gives_a_tuple_in_the_order_of_the_arguments_whatever_finishes_first() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let last = StoreWaker::new();
        let slow = last.clone();
        let (number, word, unit) = runtime.block_on(async {
            join!(
                async move {
                    slow.await;
                    1_u8
                },
                async move {
                    yield_now().await;
                    last.finish();
                    String::from("two")
                },
                ready(()),
            )
        });
        assert_eq!((number, word.as_str(), unit), (1, "two", ()));
    });
}

#[test]
fn joins_take_no_argument_one_and_a_dozen() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        runtime.block_on(async {
            let () = join!();
            let (one,) = join!(ready(1));
            assert_eq!(one, 1);
            let dozen = join!(
                ready(0),
                ready(1),
                ready(2),
                ready(3),
                ready(4),
                ready(5),
                ready(6),
                ready(7),
                ready(8),
                ready(9),
                ready(10),
                ready(11),
            );
            assert_eq!(dozen.11, 11);
            let nothing: Result<(), ()> = try_join!();
            assert_eq!(nothing, Ok(()));
        });
        let none: Vec<u8> = blocking::join!();
        assert!(none.is_empty());
    });
}

#[test]
fn a_join_polls_a_finished_argument_no_more_and_has_dropped_it() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (quick, slow) = (Counted::new(), Counted::new());
        runtime.block_on(async {
            join!(quick.of(ready(())), async {
                for _ in 0..5 {
                    slow.of(yield_now()).await;
                    assert_eq!((quick.polls(), quick.drops()), (1, 1));
                }
            });
        });
        assert_eq!(quick.polls(), 1);
    });
}

#[test]
fn a_join_inside_a_task_needs_only_one_worker() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let outer = runtime.handle().spawn(async {
            let inner = |n: u32| async move {
                let (one, two) = join!(spawn_task!(async move { n }), spawn_task!(ready(n)));
                one + two
            };
            join!(spawn_task!(inner(1)), spawn_task!(inner(2)), inner(3))
        });
        assert_eq!(waterwheel::block_on(outer), (2, 4, 6));
    });
}

#[test]
fn a_try_join_ends_with_the_first_error_and_drops_the_rest() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let rest = Dropped::default();
        let (note, other) = (rest.note(), rest.note());
        let result: Result<((), (), ()), &str> = runtime.block_on(async {
            let result = try_join!(
                async move {
                    let _note = note;
                    pending().await
                },
                async {
                    yield_now().await;
                    Err("no grain")
                },
                async move {
                    let _note = other;
                    pending().await
                },
            );
            assert_eq!(rest.count(), 2, "they are gone by the time the error is seen");
            result
        });
        assert_eq!(result, Err("no grain"));
    });
}

#[test]
fn a_try_join_gives_all_values_in_order() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let result: Result<_, TaskError> = runtime.block_on(async {
            try_join!(
                async {
                    yield_now().await;
                    Ok(1)
                },
                spawn_task!(ready("two")).outcome(),
            )
        });
        assert_eq!(result.expect("none fails"), (1, "two"));
    });
}

#[test]
fn dropping_a_join_drops_every_argument() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let all = Dropped::default();
        let (one, two) = (all.note(), all.note());
        let hold = async move {
            let first = async move {
                let _note = one;
                pending::<()>().await;
            };
            let second = async move {
                let _note = two;
                pending::<()>().await;
            };
            join!(first, second)
        };
        let task = runtime.handle().spawn(hold);
        assert!(waterwheel::block_on(task.cancel()).is_none());
        assert_eq!(all.count(), 2);
    });
}

#[test]
fn a_blocking_join_runs_plain_futures_concurrently() {
    within(LIMIT, || {
        // Each waits for the other: one after the other they would never end.
        let (here, there) = (StoreWaker::new(), StoreWaker::new());
        let (mine, yours) = (here.clone(), there.clone());
        let outputs = blocking::join!(
            Box::pin(async move {
                yours.finish();
                mine.await;
                1
            }) as std::pin::Pin<Box<dyn Future<Output = i32>>>,
            Box::pin(async move {
                there.await;
                here.finish();
                2
            }) as std::pin::Pin<Box<dyn Future<Output = i32>>>,
        );
        assert_eq!(outputs, [1, 2]);
    });
}

#[test]
fn a_blocking_join_gives_what_tasks_give_in_the_order_of_the_arguments() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let slow = StoreWaker::new();
        let waits = slow.clone();
        let first = runtime.handle().spawn(async move {
            waits.await;
            "first"
        });
        let second = runtime.handle().spawn(async move {
            slow.finish();
            "second"
        });
        assert_eq!(blocking::join!(first, second), ["first", "second"]);
    });
}

#[test]
fn a_blocking_join_inside_a_task_hands_the_only_worker_on() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let task = runtime
            .handle()
            .spawn(async { blocking::join!(spawn_task!(ready(1)), spawn_task!(ready(2))) });
        assert_eq!(waterwheel::block_on(task), [1, 2]);
    });
}

#[test]
fn a_blocking_try_join_gives_a_panic_its_own_place_and_disturbs_no_other() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let handle = runtime.handle();
        let good = handle.spawn(async { 1 });
        let bad = handle.spawn(async { panic!("the belt came off") });
        let cancelled = handle.spawn(pending());
        cancelled.abort_handle().abort();
        let late = handle.spawn(async {
            yield_now().await;
            4
        });
        let mut outcomes = blocking::try_join!(good, bad, cancelled, late);
        assert_eq!(outcomes.len(), 4);
        assert!(matches!(outcomes[3], Ok(4)));
        assert!(outcomes[2].as_ref().is_err_and(TaskError::is_cancelled));
        assert!(matches!(outcomes[0], Ok(1)));
        let error = outcomes.remove(1).expect_err("it panicked");
        let payload = error.into_panic().expect("it panicked");
        assert_eq!(payload.downcast_ref(), Some(&"the belt came off"));
    });
}

#[test]
fn a_panic_of_a_joined_task_resumes_in_the_joiner_with_its_payload() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let bad = runtime.handle().spawn(async { std::panic::panic_any(77_u64) });
        let payload = panic_of(|| runtime.block_on(async { join!(bad, ready(1)) }));
        assert_eq!(payload.downcast_ref(), Some(&77_u64));
        let bad = runtime.handle().spawn(async { std::panic::panic_any(78_u64) });
        let payload = panic_of(|| blocking::join!(bad));
        assert_eq!(payload.downcast_ref(), Some(&78_u64));
    });
}

#[test]
fn four_computations_joined_in_one_task_run_on_one_worker_and_spawned_ones_on_several() {
    within(LIMIT, || {
        let runtime = runtime(0, 2);
        let name = || std::thread::current().name().map(str::to_owned).expect("workers have names");
        // In one task: each sees the same thread, since nothing in them waits.
        let joined = runtime.handle().spawn(async move {
            join!(async { name() }, async { name() }, async { name() }, async { name() })
        });
        let (one, two, three, four) = waterwheel::block_on(joined);
        assert!([&two, &three, &four].into_iter().all(|other| *other == one));
        // As tasks: two can be under way at the same time.
        let hold = occupy(runtime.handle(), 2);
        drop(hold);
        let (sender, receiver) = mpsc::channel();
        let meeting = Arc::new(std::sync::Barrier::new(2));
        for _ in 0..2 {
            let (sender, meeting) = (sender.clone(), Arc::clone(&meeting));
            let meet = async move {
                meeting.wait();
                sender.send(name()).expect("the test listens");
            };
            runtime.handle().spawn(meet).detach();
        }
        assert_ne!(receive(&receiver), receive(&receiver));
    });
}

#[test]
fn macros_need_no_import_and_mind_no_function_of_the_same_name() {
    mod elsewhere {
        #[expect(dead_code, reason = "these are there to be in the way")]
        mod std {
            fn vec() {}
        }
        fn spawn_task() -> u32 {
            40
        }
        fn block_on() -> u32 {
            2
        }
        pub(super) fn sum() -> u32 {
            let task = waterwheel::spawn_task!(async { 1 }, waterwheel::Priority::High,);
            let joined = waterwheel::block_on(async {
                let (one, two) = waterwheel::join!(task, async { 2 },);
                let sum: Result<_, u32> = waterwheel::try_join!(async { Ok((one, two)) },);
                sum
            });
            let ((one, two),) = joined.expect("it is a value");
            let more: u32 = waterwheel::blocking::join!(async { 3 },).iter().sum();
            let last = waterwheel::blocking::try_join!(async { 4 },);
            let last = last[0].as_ref().expect("it does not panic");
            spawn_task() + block_on() + one + two + more + last
        }
    }
    assert_eq!(within(LIMIT, elsewhere::sum), 52);
}
