//! Joins: concurrent on one task in async code, blocking and named so in synchronous code.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::future::{pending, ready};
use std::sync::{Arc, Mutex, mpsc};

use common::probes::{Counted, Dropped, StoreWaker};
use common::{LIMIT, occupy, panic_of, receive, runtime, unwatched, within};
use waterwheel::{TaskError, blocking, join, spawn_task, try_join, yield_now};

/// A kitchen with a clock of its own. Waiting lets others work; work holds the only worker, so it
/// moves the clock by itself. When nobody can do anything the clock goes to the next end of a wait.
#[derive(Clone, Default)]
struct Kitchen(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    now: u64,
    waiting: Vec<(u64, StoreWaker)>,
    notes: Vec<&'static str>,
    /// What has been done, to see that nothing was.
    steps: u64,
}

impl Kitchen {
    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.lock().expect("nobody panics with it"))
    }

    fn note(&self, what: &'static str) {
        self.with(|state| {
            state.steps += 1;
            state.notes.push(what);
        });
    }

    fn work(&self, what: &'static str, units: u64) {
        self.note(what);
        self.with(|state| state.now += units);
    }

    async fn wait(&self, units: u64) {
        let end = StoreWaker::new();
        self.with(|state| {
            state.steps += 1;
            let at = state.now + units;
            state.waiting.push((at, end.clone()));
        });
        end.await;
        self.with(|state| state.steps += 1);
    }

    async fn mug(&self) {
        self.work("mug", 6);
    }

    async fn mug_later(&self) {
        self.wait(0).await;
        self.mug().await;
    }

    async fn coffee(&self) {
        self.note("kettle");
        self.wait(10).await;
        self.work("pour", 3);
    }

    async fn toast(&self) {
        self.note("bread");
        self.wait(10).await;
        self.work("butter", 5);
    }

    /// Runs `cooks` on one worker until all are done: what was begun, in order, and how long it took.
    fn cook(
        self,
        cooks: Vec<impl Future<Output = ()> + Send + 'static>,
    ) -> (Vec<&'static str>, u64) {
        let runtime = unwatched(0, 1);
        let hold = occupy(runtime.handle(), 1);
        let tasks: Vec<_> = cooks.into_iter().map(|cook| runtime.handle().spawn(cook)).collect();
        let clock = self.clone();
        // The last in the only queue: between two of its polls everybody else has had a turn.
        let keeper = runtime.handle().spawn(async move {
            loop {
                let before = clock.with(|state| state.steps);
                yield_now().await;
                if clock.with(|state| state.steps) == before {
                    clock.next();
                }
            }
        });
        drop(hold);
        for task in tasks {
            waterwheel::block_on(task);
        }
        drop(keeper);
        self.with(|state| (std::mem::take(&mut state.notes), state.now))
    }

    /// Ends the waits that end next.
    fn next(&self) {
        let ended = self.with(|state| {
            let Some(first) = state.waiting.iter().map(|(at, _)| *at).min() else {
                return Vec::new();
            };
            state.now = state.now.max(first);
            let now = state.now;
            let (ended, waiting) =
                std::mem::take(&mut state.waiting).into_iter().partition(|(at, _)| *at <= now);
            state.waiting = waiting;
            ended
        });
        ended.into_iter().for_each(|(_, end)| end.finish());
    }
}

#[test]
fn waits_in_sequence_add_up_and_joined_waits_take_the_longest() {
    within(LIMIT, || {
        let kitchen = Kitchen::default();
        let waits = kitchen.clone();
        let sequence = async move {
            for _ in 0..4 {
                waits.wait(10).await;
            }
        };
        assert_eq!(kitchen.cook(vec![sequence]).1, 40);
        let kitchen = Kitchen::default();
        let waits = kitchen.clone();
        let joined = async move {
            join!(waits.wait(10), waits.wait(10), waits.wait(10), waits.wait(10));
        };
        assert_eq!(kitchen.cook(vec![joined]).1, 10);
    });
}

#[test]
fn a_join_begins_in_the_order_of_its_arguments_and_work_that_blocks_delays_the_rest() {
    within(LIMIT, || {
        let kitchen = Kitchen::default();
        let cook = kitchen.clone();
        let breakfast = async move {
            join!(cook.mug(), cook.coffee(), cook.toast());
        };
        let (notes, time) = kitchen.cook(vec![breakfast]);
        assert_eq!(notes, ["mug", "kettle", "bread", "pour", "butter"]);
        assert_eq!(time, 24);
        // With a moment's wait at its start the mug is washed while the water heats.
        let kitchen = Kitchen::default();
        let cook = kitchen.clone();
        let breakfast = async move {
            join!(cook.mug_later(), cook.coffee(), cook.toast());
        };
        let (notes, time) = kitchen.cook(vec![breakfast]);
        assert_eq!(notes, ["kettle", "bread", "mug", "pour", "butter"]);
        assert_eq!(time, 18);
    });
}

#[test]
fn on_one_worker_joined_steps_cost_their_work_and_steps_in_sequence_their_waits_too() {
    within(LIMIT, || {
        let breakfasts = |people: usize| {
            let kitchen = Kitchen::default();
            let cook = |_| {
                let cook = kitchen.clone();
                async move {
                    join!(cook.mug_later(), cook.coffee(), cook.toast());
                }
            };
            let cooks = (0..people).map(cook).collect();
            kitchen.clone().cook(cooks).1
        };
        // 14 of work each. All waits are begun before the first work ends.
        assert_eq!((breakfasts(1), breakfasts(2), breakfasts(3)), (18, 28, 42));

        let kitchen = Kitchen::default();
        let cook = |_| {
            let cook = kitchen.clone();
            async move {
                cook.mug().await;
                cook.coffee().await;
                cook.toast().await;
            }
        };
        // The mugs, 12; then each waits 10 twice while the other may work.
        let (_, time) = kitchen.clone().cook((0..2).map(cook).collect());
        assert_eq!(time, 12 + 10 + 3 + 10 + 5);
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
        let runtime = unwatched(0, 2);
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
