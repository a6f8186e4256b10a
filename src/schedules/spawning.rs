//! Spawning: a task that is spawned runs, wherever it is spawned, and whoever waits for it is told.
//!
//! Book: chapter 19.

use super::support::{Held, end, explore, runtime};
use crate::priority::Priority;
use crate::task::yield_now;

/// Two tasks, one in each lane, are spawned by a thread that is no worker, while the workers are about
/// to fall asleep: the push and the last look before the sleep may miss each other.
#[test]
fn tasks_spawned_from_outside_are_run_and_joined() {
    explore(|| {
        let runtime = runtime(1, 1);
        let low = runtime.handle().spawn(async { 1 });
        let high = runtime.handle().spawn_with(async { 2 }, Priority::High);
        assert_eq!(runtime.block_on(async { low.await + high.await }), 3);
        end(&runtime, 2, 0);
    });
}

/// A task spawns three and waits for them: they go to its worker's own queue, from where the others
/// steal while it pops, and each end wakes the one task that waits.
#[test]
fn what_a_task_spawns_is_shared_and_joined() {
    explore(|| {
        let runtime = runtime(1, 2);
        let handle = runtime.handle().clone();
        let parent = runtime.handle().spawn(async move {
            let children = [1, 2, 3].map(|n| {
                handle.spawn(async move {
                    yield_now().await;
                    n
                })
            });
            let mut sum = 0;
            for child in children {
                sum += child.await;
            }
            sum
        });
        assert_eq!(runtime.block_on(parent), 6);
        end(&runtime, 4, 0);
    });
}

/// Tasks of both lanes that do nothing but yield: each is always queued, in the hands of a worker, or
/// between two queues, where nobody sees it.
#[test]
fn a_storm_of_yields_comes_to_its_end() {
    explore(|| {
        let (runtime, held) = (runtime(1, 1), Held::default());
        let tasks = [Priority::Low, Priority::High, Priority::Low, Priority::High].map(|lane| {
            let held = held.clone();
            let yields = async move {
                for _ in 0..5 {
                    yield_now().await;
                }
                drop(held);
            };
            runtime.handle().spawn_with(yields, lane)
        });
        runtime.block_on(async {
            for task in tasks {
                task.await;
            }
        });
        end(&runtime, 4, 0);
        held.stands_alone();
    });
}
