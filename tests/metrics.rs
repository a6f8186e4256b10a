//! Metrics: what a runtime counts is what has happened.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::future::{pending, ready};
use std::time::Duration;

use common::probes::StoreWaker;
use common::{LIMIT, eventually, occupy, runtime, unwatched, within};
use waterwheel::net::TcpListener;
use waterwheel::time::sleep;
use waterwheel::{
    Handle, LaneMetrics, Metrics, Priority, Runtime, WorkerRole, block_on, spawn_task, yield_now,
};

#[test]
fn a_new_runtime_has_counted_nothing_but_its_workers() {
    within(LIMIT, || {
        let runtime = runtime(2, 1);
        let metrics = runtime.metrics();
        assert_eq!(metrics.workers(Priority::High), 2);
        assert_eq!(metrics.workers(Priority::Low), 1);
        assert_eq!(metrics.threads(), 3);
        assert_eq!(
            (metrics.tasks_spawned(), metrics.tasks_live(), metrics.task_panics()),
            (0, 0, 0)
        );
        assert_eq!((metrics.blocking_threads(), metrics.blocking_queued()), (0, 0));
        assert_eq!(metrics.failed_threads(), 0);
        for lane in [Priority::High, Priority::Low] {
            let lane = metrics.lane(lane);
            assert_eq!((lane.polls, lane.steals, lane.adoptions, lane.queue_depth), (0, 0, 0, 0));
            assert_eq!(lane.wake_to_poll.count(), 0);
            assert_eq!(lane.wake_to_poll.quantile(0.5), None);
        }
        assert_eq!(Metrics::default().tasks_spawned(), 0);
    });
}

#[test]
fn tasks_are_counted_when_spawned_while_they_live_and_when_they_panic() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let waiting: Vec<_> = (0..10).map(|_| runtime.handle().spawn(pending::<()>())).collect();
        for n in 0..5 {
            block_on(runtime.handle().spawn_with(ready(n), Priority::High));
        }
        for _ in 0..3 {
            let bad = runtime.handle().spawn(async { panic!("counted") });
            assert!(block_on(bad.outcome()).is_err());
        }
        block_on(runtime.handle().spawn_blocking(|| ()));
        eventually("the finished ones are gone", || runtime.metrics().tasks_live() == 10);
        assert_eq!(runtime.metrics().tasks_spawned(), 19);
        assert_eq!(runtime.metrics().spawned(Priority::High), 5);
        assert_eq!(runtime.metrics().spawned(Priority::Low), 13);
        assert_eq!(runtime.metrics().task_panics(), 3);
        for task in waiting {
            assert!(block_on(task.cancel()).is_none());
        }
        assert_eq!(runtime.metrics().tasks_live(), 0);
        assert_eq!(runtime.metrics().task_panics(), 3, "to be cancelled is no panic");
    });
}

#[test]
fn polls_are_counted_exactly() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        for (lane, yields) in [(Priority::High, 7), (Priority::Low, 11)] {
            let task = runtime.handle().spawn_with(
                async move {
                    for _ in 0..yields {
                        yield_now().await;
                    }
                },
                lane,
            );
            block_on(task);
            assert_eq!(runtime.metrics().lane(lane).polls, yields + 1);
        }
    });
}

#[test]
fn the_depth_of_a_queue_is_what_waits_in_it() {
    within(LIMIT, || {
        let runtime = unwatched(0, 1);
        let hold = occupy(runtime.handle(), 1);
        let tasks: Vec<_> = (0..100).map(|_| runtime.handle().spawn(ready(()))).collect();
        assert_eq!(runtime.metrics().lane(Priority::Low).queue_depth, 100);
        assert_eq!(runtime.metrics().lane(Priority::High).queue_depth, 0);
        drop(hold);
        tasks.into_iter().for_each(block_on);
        assert_eq!(runtime.metrics().lane(Priority::Low).queue_depth, 0);
        assert!(runtime.metrics().lane(Priority::Low).injected > 0);
    });
}

/// What one Low-home worker has counted when so many tasks have ended that there are samples.
fn after_many_wake_ups() -> Metrics {
    let runtime = runtime(0, 1);
    let work = async {
        for _ in 0..10_000 {
            spawn_task!(yield_now()).await;
        }
    };
    block_on(runtime.handle().spawn(work));
    runtime.metrics()
}

#[test]
fn the_time_from_wake_up_to_poll_is_sampled() {
    within(LIMIT, || {
        let metrics = after_many_wake_ups();
        let waits = &metrics.lane(Priority::Low).wake_to_poll;
        assert!(waits.count() >= 50, "{} samples", waits.count());
        let (half, most) = (waits.quantile(0.5), waits.quantile(1.0));
        assert!(half > Some(Duration::ZERO) && half <= most, "{half:?} {most:?}");
        assert_eq!(metrics.lane(Priority::High).wake_to_poll.count(), 0);
    });
}

#[test]
fn the_poll_whose_wait_was_timed_is_timed_as_well() {
    within(LIMIT, || {
        let metrics = after_many_wake_ups();
        let low = metrics.lane(Priority::Low);
        assert!(low.poll_time.count() >= 50, "{} samples", low.poll_time.count());
        // The last poll may be counted and not over yet.
        assert!(low.wake_to_poll.count() - low.poll_time.count() <= 1);
        assert!(low.poll_time.quantile(1.0) >= low.poll_time.quantile(0.5));
        assert_eq!(metrics.lane(Priority::High).poll_time.count(), 0);
    });
}

#[test]
fn what_the_workers_have_counted_adds_up_to_what_the_runtime_has() {
    within(LIMIT, || {
        let runtime = runtime(2, 1);
        let tasks: Vec<_> = (0..400)
            .map(|n| {
                let lane = Priority::ALL[n % 2];
                let work = async {
                    for _ in 0..50 {
                        yield_now().await;
                    }
                };
                runtime.handle().spawn_with(work, lane)
            })
            .collect();
        tasks.into_iter().for_each(block_on);
        let metrics = runtime.metrics();
        let workers = metrics.per_worker();
        for lane in Priority::ALL {
            let sum = |of: fn(&LaneMetrics) -> u64| -> u64 {
                workers.iter().map(|worker| of(worker.lane(lane))).sum()
            };
            let all = metrics.lane(lane);
            assert_eq!((all.polls, sum(|lane| lane.polls)), (200 * 51, 200 * 51));
            assert_eq!(all.steals, sum(|lane| lane.steals));
            assert_eq!(all.adoptions, sum(|lane| lane.adoptions));
            assert_eq!(all.lifo_hits, sum(|lane| lane.lifo_hits));
            assert_eq!(all.wake_to_poll.count(), sum(|lane| lane.wake_to_poll.count()));
        }
        assert_eq!(metrics.parks(), workers.iter().map(|worker| worker.parks).sum());
        assert_eq!(metrics.unparks(), workers.iter().map(|worker| worker.unparks).sum());
    });
}

#[test]
fn every_worker_is_listed_with_its_number_and_what_it_is_there_for() {
    within(LIMIT, || {
        let metrics = runtime(2, 1).metrics();
        let (high, low) = (WorkerRole::Home(Priority::High), WorkerRole::Home(Priority::Low));
        let roles: Vec<_> = metrics.per_worker().iter().map(|worker| worker.role).collect();
        assert_eq!(roles[..3], [high, high, low]);
        let (reserve, replacements) = roles[3..].split_last().expect("there is a reserve");
        assert_eq!(*reserve, WorkerRole::Reserve);
        assert!(replacements.iter().all(|role| *role == WorkerRole::Replacement));
        let numbers: Vec<_> = metrics.per_worker().iter().map(|worker| worker.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        assert_eq!(numbers[..3], [0, 1, 2]);
        assert_eq!(format!("{:<6}|{}", high, WorkerRole::Reserve), "high  |reserve");
    });
}

#[test]
fn the_reserve_counts_how_often_it_was_woken_and_what_it_polled() {
    within(LIMIT, || {
        let runtime = unwatched(1, 1);
        assert_eq!(runtime.metrics().reserve_wakeups(), 0);
        let hold = occupy(runtime.handle(), 2);
        block_on(runtime.handle().spawn_with(ready(()), Priority::High));
        let metrics = runtime.metrics();
        let reserve = metrics.per_worker().last().expect("it is the last one");
        assert_eq!(reserve.role, WorkerRole::Reserve);
        assert_eq!(reserve.lane(Priority::High).polls, 1);
        assert_eq!(reserve.lane(Priority::Low).polls, 0);
        eventually("it sleeps", || {
            runtime.metrics().per_worker().last().is_some_and(|reserve| reserve.parks > 0)
        });
        block_on(runtime.handle().spawn_with(ready(()), Priority::High));
        assert!(runtime.metrics().reserve_wakeups() >= 1);
        drop(hold);
    });
}

#[test]
fn a_sleep_that_a_timer_ends_is_no_unpark() {
    within(LIMIT, || {
        let runtime = unwatched(0, 1);
        let nap = async { sleep(Duration::from_millis(1)).await };
        block_on(runtime.handle().spawn(nap));
        // The nap, and the sleep after it.
        eventually("two sleeps were not ended by a thread", || {
            let metrics = runtime.metrics();
            metrics.parks() >= metrics.unparks() + 2
        });
    });
}

#[test]
fn workers_that_sleep_are_counted_and_so_are_turns_of_the_driver() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        eventually("the worker sleeps", || runtime.metrics().parks() > 0);
        let before = runtime.metrics();
        for _ in 0..10 {
            let store = StoreWaker::new();
            let task = runtime.handle().spawn(store.clone());
            eventually("it waits", || store.waker().is_some());
            store.finish();
            block_on(task);
        }
        let sleep = async { waterwheel::time::sleep(Duration::from_millis(1)).await };
        block_on(runtime.handle().spawn(sleep));
        assert!(runtime.metrics().parks() > before.parks());
        eventually("a spawn ends a sleep", || {
            block_on(runtime.handle().spawn(ready(())));
            runtime.metrics().unparks() > before.unparks()
        });
        assert!(runtime.metrics().driver_turns() > before.driver_turns());
    });
}

#[test]
fn a_snapshot_does_not_change_and_can_be_compared() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let before = runtime.metrics();
        let copy = before.clone();
        block_on(runtime.handle().spawn(ready(())));
        assert_eq!(before, copy);
        assert_ne!(before, runtime.metrics());
        let from_handle = |handle: &Handle| handle.metrics().tasks_spawned();
        assert_eq!(from_handle(runtime.handle()), runtime.metrics().tasks_spawned());
        assert!(format!("{before:?}").contains("tasks_live"));
    });
}

#[test]
fn metrics_can_be_read_while_everything_runs_and_after_it_has_ended() {
    within(LIMIT, || {
        let builder = Runtime::builder().with_high_num(1).with_low_num(2);
        let runtime = builder.build().expect("it can be built");
        let handle = runtime.handle().clone();
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                runtime.handle().spawn(async {
                    for _ in 0..50 {
                        yield_now().await;
                    }
                })
            })
            .collect();
        let (mut polls, mut spawned) = (0, 0);
        while handle.metrics().tasks_live() > 0 {
            let metrics = handle.metrics();
            assert!(metrics.lane(Priority::Low).polls >= polls, "a counter went back");
            assert!(metrics.tasks_spawned() >= spawned, "a counter went back");
            polls = metrics.lane(Priority::Low).polls;
            spawned = metrics.tasks_spawned();
        }
        tasks.into_iter().for_each(block_on);
        drop(runtime);
        let metrics = handle.metrics();
        assert_eq!(metrics.lane(Priority::Low).polls, 200 * 51);
        assert_eq!((metrics.tasks_spawned(), metrics.threads()), (200, 0));
    });
}

#[test]
fn sources_and_timers_are_counted_while_they_are_there() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let held = || (runtime.metrics().sources(), runtime.metrics().timers());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        assert_eq!(held(), (1, 0));
        let sleeping = runtime.handle().spawn(async { sleep(Duration::from_secs(3_600)).await });
        eventually("its timer is set", || held() == (1, 1));
        block_on(sleeping.cancel());
        drop(listener);
        assert_eq!(held(), (0, 0));
    });
}
