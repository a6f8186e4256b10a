//! Ending: whatever ends a task, its future is dropped once, and whoever waits is told how it ended.
//!
//! Book: chapter 19.

use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use super::support::{Flag, Held, end, explore, runtime};
use crate::priority::Priority;
use crate::sync::internal::thread;
use crate::task::{AbortHandle, Task, yield_now};

/// A thread aborts three tasks, one that is queued, one that yields, and one that waits: each has ended
/// by itself or was cancelled, and its future is gone before its awaiter hears of it.
#[test]
fn tasks_are_aborted_wherever_they_are() {
    explore(|| {
        let (runtime, held) = (runtime(1, 1), Held::default());
        let [queued, yields, waits] = [(); 3].map(|()| held.clone());
        let queued = runtime.handle().spawn(async move { drop(queued) });
        let yields = runtime.handle().spawn(async move {
            yield_now().await;
            drop(yields);
        });
        let waits = runtime.handle().spawn_with(
            async move {
                let _waits = waits;
                pending::<()>().await;
            },
            Priority::High,
        );
        let tasks = [queued, yields, waits];
        let aborts = tasks.each_ref().map(Task::abort_handle);
        let abort = move || aborts.iter().for_each(AbortHandle::abort);
        let thread = thread::Builder::new().spawn(abort).expect("there are threads");
        let [queued, yields, waits] = tasks.map(Task::outcome);
        runtime.block_on(async {
            for ended in [queued.await, yields.await] {
                assert!(ended.is_ok() || ended.is_err_and(|error| error.is_cancelled()));
            }
            assert!(waits.await.is_err_and(|error| error.is_cancelled()));
        });
        held.stands_alone();
        thread.join().expect("it does not panic");
        end(&runtime, 3, 0);
    });
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new("in a drop"));
    }
}

/// Panics when it is called.
struct Siren;

impl Wake for Siren {
    fn wake(self: Arc<Self>) {
        resume_unwind(Box::new("in a waker"));
    }
}

/// One task panics in its poll, one in the drop of its output, and one wakes a waker that panics: each
/// unwinds through a worker in the middle of its bookkeeping, and none may take anything with it.
#[test]
fn panics_in_polls_drops_and_wakers_stay_where_they_are() {
    explore(|| {
        let runtime = runtime(1, 1);
        let in_poll = async {
            yield_now().await;
            resume_unwind(Box::new("in a poll"))
        };
        let in_poll = runtime.handle().spawn_with(in_poll, Priority::High);
        runtime.handle().spawn(async { Bomb }).detach();
        let watched = runtime.handle().spawn(yield_now());
        {
            let siren = Waker::from(Arc::new(Siren));
            let mut outcome = pin!(watched.outcome());
            let _ = outcome.as_mut().poll(&mut Context::from_waker(&siren));
        }
        let outcome: Result<(), _> = runtime.block_on(in_poll.outcome());
        assert!(outcome.is_err_and(|error| error.is_panic()));
        assert_eq!(runtime.block_on(runtime.handle().spawn(async { 7 })), 7);
        end(&runtime, 4, 1);
    });
}

/// Detached tasks of both lanes run to their end, while a thread takes snapshots: none counts more live
/// tasks than were spawned, and when all have ended there is none.
#[test]
fn the_numbers_add_up_while_detached_tasks_end() {
    explore(|| {
        let runtime = runtime(1, 1);
        let flags = [(); 3].map(|()| Flag::default());
        for (n, flag) in flags.iter().enumerate() {
            let (flag, lane) = (flag.clone(), Priority::ALL[n % 2]);
            let work = async move {
                yield_now().await;
                flag.raise();
            };
            runtime.handle().spawn_with(work, lane).detach();
        }
        let handle = runtime.handle().clone();
        let look = move || {
            let metrics = handle.metrics();
            assert!(metrics.tasks_live() <= metrics.tasks_spawned());
            assert!(
                metrics.lane(Priority::Low).polls <= 2 && metrics.lane(Priority::High).polls <= 4
            );
        };
        let thread = thread::Builder::new().spawn(look).expect("there are threads");
        runtime.block_on(async {
            for flag in &flags {
                flag.raised().await;
            }
        });
        thread.join().expect("it does not panic");
        end(&runtime, 3, 0);
        let metrics = runtime.metrics();
        let polls = Priority::ALL.map(|lane| metrics.lane(lane).polls);
        let spawned = Priority::ALL.map(|lane| metrics.spawned(lane));
        assert_eq!(polls, spawned.map(|tasks| 2 * tasks));
    });
}
