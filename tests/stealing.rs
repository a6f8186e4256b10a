//! Stealing: idle workers take work from others, from the first task on, both ways, unless told not
//! to, and no task is lost, doubled or moved to another lane by it.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::collections::BTreeSet;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use common::probes::StoreWaker;
use common::{LIMIT, eventually, occupy, receive, runtime, unwatched, within};
use waterwheel::{Priority, Runtime, Task, block_on, spawn_task, yield_now};

fn thread_name() -> String {
    std::thread::current().name().expect("the runtime names its threads").to_owned()
}

/// One worker for each lane; nobody takes from `lane` but its own.
fn without_stealing_from(lane: Priority) -> Runtime {
    let builder = Runtime::builder().with_high_num(1).with_low_num(1);
    let builder = builder.slow_poll_after(Duration::MAX); // No replacement for a busy worker.
    builder.with_stealing(lane, false).build().expect("both lanes are served")
}

/// Two tasks that wait for each other: two threads must serve their lane.
fn meet(runtime: &Runtime, lane: Priority) -> BTreeSet<String> {
    let meeting = Arc::new(Barrier::new(2));
    let tasks: Vec<Task<String>> = (0..2)
        .map(|_| {
            let meeting = Arc::clone(&meeting);
            let meet = async move {
                meeting.wait();
                thread_name()
            };
            runtime.handle().spawn_with(meet, lane)
        })
        .collect();
    tasks.into_iter().map(block_on).collect()
}

/// The threads on which many tasks of `lane` are polled, several times each.
fn threads_of(runtime: &Runtime, lane: Priority) -> BTreeSet<String> {
    let tasks: Vec<_> = (0..300)
        .map(|_| {
            let work = async {
                let mut names = BTreeSet::new();
                for _ in 0..5 {
                    names.insert(thread_name());
                    yield_now().await;
                }
                names
            };
            runtime.handle().spawn_with(work, lane)
        })
        .collect();
    tasks.into_iter().flat_map(block_on).collect()
}

#[test]
fn the_first_low_tasks_of_a_runtime_already_use_the_high_worker() {
    within(LIMIT, || {
        for _ in 0..50 {
            let both = ["waterwheel-high-0", "waterwheel-low-1"].map(str::to_owned);
            assert_eq!(meet(&runtime(1, 1), Priority::Low), BTreeSet::from(both));
        }
    });
}

#[test]
fn the_first_high_tasks_of_a_runtime_already_use_the_low_worker() {
    within(LIMIT, || {
        for _ in 0..50 {
            // Without stealing from Low there is no reserve to help instead.
            let runtime = without_stealing_from(Priority::Low);
            let both = ["waterwheel-high-0", "waterwheel-low-1"].map(str::to_owned);
            assert_eq!(meet(&runtime, Priority::High), BTreeSet::from(both));
        }
    });
}

#[test]
fn with_its_only_low_worker_blocked_ten_low_tasks_finish_on_the_high_one() {
    within(LIMIT, || {
        let runtime = unwatched(1, 1);
        let hold = occupy(runtime.handle(), 1);
        let tasks: Vec<_> = (0..10).map(|n| runtime.handle().spawn(ready(n))).collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(block_on(task), n);
        }
        drop(hold);
    });
}

#[test]
fn low_tasks_never_run_on_high_workers_where_that_is_off() {
    within(LIMIT, || {
        let runtime = without_stealing_from(Priority::Low);
        assert_eq!(
            threads_of(&runtime, Priority::Low),
            BTreeSet::from(["waterwheel-low-1".to_owned()])
        );
        // Not even when the only Low worker is busy and the High one has nothing to do.
        let hold = occupy(runtime.handle(), 1);
        let low = runtime.handle().spawn(async { thread_name() });
        for _ in 0..100 {
            block_on(runtime.handle().spawn_with(yield_now(), Priority::High));
        }
        assert!(!low.is_finished());
        drop(hold);
        assert_eq!(block_on(low), "waterwheel-low-1");
    });
}

#[test]
fn high_tasks_never_run_on_low_workers_where_that_is_off() {
    within(LIMIT, || {
        let runtime = without_stealing_from(Priority::High);
        let names = threads_of(&runtime, Priority::High);
        assert!(!names.contains("waterwheel-low-1"), "{names:?}");
        // Low tasks may still use both.
        assert_eq!(meet(&runtime, Priority::Low).len(), 2);
    });
}

#[test]
fn what_a_task_spawns_before_it_blocks_its_worker_is_run_by_the_others() {
    const CHILDREN: usize = 1_000;
    within(LIMIT, || {
        for (workers, lane) in
            [((0, 2), Priority::Low), ((2, 0), Priority::High), ((1, 1), Priority::Low)]
        {
            let runtime = runtime(workers.0, workers.1);
            let done = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&done);
            let (release, released) = mpsc::channel::<()>();
            let parent = async move {
                for _ in 0..CHILDREN {
                    let count = Arc::clone(&count);
                    spawn_task!(async move { count.fetch_add(1, Ordering::SeqCst) }, lane).detach();
                }
                released.recv().unwrap_or(());
            };
            let parent = runtime.handle().spawn_with(parent, lane);
            eventually("the others run all", || done.load(Ordering::SeqCst) == CHILDREN);
            let metrics = runtime.metrics();
            assert!(metrics.lane(lane).steals + metrics.lane(lane).injected > 0);
            drop(release);
            block_on(parent);
        }
    });
}

#[test]
fn a_high_worker_adopts_low_tasks_and_counts_it() {
    within(LIMIT, || {
        // Whoever runs the parent, somebody of the other home must take its children.
        let runtime = runtime(1, 1);
        let mut adopted = false;
        for _ in 0..200 {
            let (release, released) = mpsc::channel::<()>();
            let done = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&done);
            let parent = runtime.handle().spawn(async move {
                for _ in 0..20 {
                    let count = Arc::clone(&count);
                    spawn_task!(async move { count.fetch_add(1, Ordering::SeqCst) }).detach();
                }
                released.recv().unwrap_or(());
            });
            eventually("the other runs all", || done.load(Ordering::SeqCst) == 20);
            drop(release);
            block_on(parent);
            let metrics = runtime.metrics();
            let low = metrics.lane(Priority::Low);
            assert!(low.adoptions <= low.steals);
            adopted |= low.adoptions > 0;
            assert_eq!(metrics.lane(Priority::High).adoptions, 0);
            if adopted {
                break;
            }
        }
        assert!(adopted, "{:?}", runtime.metrics());
    });
}

#[test]
fn theft_changes_nobodys_lane() {
    const TASKS: usize = 2_000;
    within(LIMIT, || {
        let runtime = runtime(2, 2);
        let spawn = |n: usize| {
            let lane = if n.is_multiple_of(2) { Priority::High } else { Priority::Low };
            let task = runtime.handle().spawn_with(
                async move {
                    for _ in 0..4 {
                        yield_now().await;
                    }
                },
                lane,
            );
            (task, lane)
        };
        let tasks: Vec<_> = (0..TASKS).map(spawn).collect();
        for (task, lane) in tasks {
            assert_eq!(task.priority(), lane);
            block_on(task);
        }
        for lane in [Priority::High, Priority::Low] {
            assert_eq!(runtime.metrics().lane(lane).polls, (TASKS / 2 * 5) as u64);
        }
    });
}

#[test]
fn a_burst_of_tasks_wakes_as_many_workers_as_it_needs() {
    within(LIMIT, || {
        for (high, low) in [(2, 2), (4, 0), (0, 4)] {
            let runtime = runtime(high, low);
            for _ in 0..50 {
                let meeting = Arc::new(Barrier::new(4));
                let tasks: Vec<_> = (0..4)
                    .map(|_| {
                        let meeting = Arc::clone(&meeting);
                        runtime.handle().spawn(async move { meeting.wait().is_leader() })
                    })
                    .collect();
                assert_eq!(tasks.into_iter().map(block_on).filter(|leader| *leader).count(), 1);
            }
            // The same from inside: one worker queues them, the others must come.
            for _ in 0..50 {
                let meeting = Arc::new(Barrier::new(4));
                let parent = runtime.handle().spawn(async move {
                    let children: Vec<_> = (0..3)
                        .map(|_| {
                            let meeting = Arc::clone(&meeting);
                            spawn_task!(async move { meeting.wait().is_leader() })
                        })
                        .collect();
                    meeting.wait();
                    for child in children {
                        child.await;
                    }
                });
                block_on(parent);
            }
        }
    });
}

#[test]
fn a_hundred_thousand_tasks_woken_at_once_are_polled_once_each() {
    const TASKS: usize = 100_000;
    within(LIMIT, || {
        let runtime = runtime(1, 2);
        let stores: Vec<_> = (0..TASKS).map(|_| StoreWaker::new()).collect();
        let (sender, receiver) = mpsc::channel();
        for (n, store) in stores.iter().enumerate() {
            let (store, sender) = (store.clone(), sender.clone());
            let wait = async move {
                store.await;
                sender.send(n).expect("the test listens");
            };
            runtime.handle().spawn(wait).detach();
        }
        drop(sender);
        eventually("all wait", || runtime.metrics().lane(Priority::Low).polls == TASKS as u64);
        for store in &stores {
            store.finish();
        }
        let mut seen = vec![false; TASKS];
        for _ in 0..TASKS {
            let n: usize = receive(&receiver);
            assert!(!std::mem::replace(&mut seen[n], true), "{n} ran twice");
        }
        assert_eq!(runtime.metrics().lane(Priority::Low).polls, 2 * TASKS as u64);
    });
}
