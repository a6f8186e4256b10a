//! Closing: a runtime that ends leaves nothing behind, however many end it and from where.
//!
//! Book: chapter 19.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::support::{Flag, Held, at_rest, build, end, explore, plain, runtime};
use crate::priority::Priority;
use crate::sync::internal::thread;
use crate::task::yield_now;

/// A shutdown finds tasks that are queued, polled, waiting and just woken: each future must be dropped,
/// by a worker on its way out or by the closer, and none by both.
#[test]
fn a_shutdown_drops_tasks_in_every_state() {
    explore(|| {
        let (runtime, held, flag) = (runtime(1, 1), Held::default(), Flag::default());
        for lane in Priority::ALL {
            let [waits, yields, woken] = [(); 3].map(|()| held.clone());
            let flag = flag.clone();
            let handle = runtime.handle();
            let waits = async move {
                let _waits = waits;
                pending::<()>().await;
            };
            handle.spawn_with(waits, lane).detach();
            let yields = async move {
                let _yields = yields;
                for _ in 0..20 {
                    yield_now().await;
                }
            };
            handle.spawn_with(yields, lane).detach();
            let woken = async move {
                let _woken = woken;
                flag.raised().await;
            };
            handle.spawn_with(woken, lane).detach();
        }
        let raise = move || flag.raise();
        let thread = thread::Builder::new().spawn(raise).expect("there are threads");
        runtime.handle().shutdown(Duration::ZERO).expect("nothing is stuck");
        held.stands_alone();
        thread.join().expect("it does not panic");
        end(&runtime, 6, 0);
    });
}

/// Two threads shut the runtime down while a task and a third thread spawn: a task is in the list that
/// the closer reads, or it is refused; and of the two one does it, and both wait for its result.
#[test]
fn two_shutdowns_meet_tasks_that_are_being_spawned() {
    explore(|| {
        let (sweepers, held) = (Arc::new(AtomicUsize::new(0)), Held::default());
        let counted = Arc::clone(&sweepers);
        let runtime = build(plain(1, 1).on_thread_start(move || {
            let name = thread::current().name().map(str::to_owned);
            let sweeps = name.is_some_and(|name| name.ends_with("closer"));
            counted.fetch_add(usize::from(sweeps), Ordering::Relaxed);
        }));
        let (handle, inside) = (runtime.handle().clone(), held.clone());
        let spawner = async move {
            for _ in 0..2 {
                let inside = inside.clone();
                let one = async move {
                    let _inside = inside;
                    yield_now().await;
                };
                handle.spawn_with(one, Priority::High).detach();
                yield_now().await;
            }
        };
        runtime.handle().spawn(spawner).detach();
        let (handle, outside) = (runtime.handle().clone(), held.clone());
        let spawn = move || {
            let one = async move {
                let _outside = outside;
                pending::<()>().await;
            };
            handle.spawn(one).detach();
        };
        let handle = runtime.handle().clone();
        let close = move || handle.shutdown(Duration::ZERO).expect("nothing is stuck");
        let threads = [
            thread::Builder::new().spawn(spawn).expect("there are threads"),
            thread::Builder::new().spawn(close).expect("there are threads"),
        ];
        runtime.handle().shutdown(Duration::ZERO).expect("nothing is stuck");
        for thread in threads {
            thread.join().expect("it does not panic");
        }
        held.stands_alone();
        at_rest(runtime.handle(), 0);
        assert_eq!(sweepers.load(Ordering::Relaxed), 1, "threads that close the runtime");
    });
}

/// A shutdown gives its tasks a grace, and the time stands still: every task must end by itself, though
/// each ends on another worker than that which has spawned it, and is counted in several places then.
/// One that is taken for two ends the grace too early; one that nobody tells of ends it never.
#[test]
fn a_grace_lasts_until_the_last_task_has_ended() {
    explore(|| {
        let runtime = runtime(1, 1);
        let [high, low] = Priority::ALL.map(|lane| {
            let handle = runtime.handle().clone();
            let parent = async move {
                let child = async {
                    yield_now().await;
                    yield_now().await;
                };
                let child = handle.spawn_with(child, lane.other());
                yield_now().await;
                child.outcome().await
            };
            runtime.handle().spawn_with(parent, lane)
        });
        runtime.block_on(yield_now());
        runtime.handle().shutdown(Duration::from_secs(1)).expect("nothing is stuck");
        for parent in [high, low] {
            let child = runtime.block_on(parent.outcome()).expect("it was given time");
            let was_refused = runtime.metrics().tasks_spawned() < 4;
            assert!(child.is_ok() || was_refused, "it was given time as well");
        }
        at_rest(runtime.handle(), 0);
    });
}

/// The last task of a runtime owns it, and drops it: a thread of its own has to close what that task
/// still runs on, while somebody outside shuts it down as well.
#[test]
fn a_runtime_is_dropped_by_one_of_its_own_tasks() {
    explore(|| {
        let (runtime, held) = (runtime(1, 1), Held::default());
        let (handle, inside) = (runtime.handle().clone(), held.clone());
        let waits = async move {
            let _inside = inside;
            pending::<()>().await;
        };
        handle.spawn_with(waits, Priority::High).detach();
        handle.spawn(async move { drop(runtime) }).detach();
        handle.shutdown(Duration::ZERO).expect("nothing is stuck");
        held.stands_alone();
        at_rest(&handle, 0);
    });
}
