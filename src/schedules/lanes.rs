//! Lanes: who runs a task whose own worker cannot.
//!
//! Book: chapter 19.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::support::{Gate, build, end, explore, plain, runtime};
use crate::priority::Priority;
use crate::runtime::WorkerRole;

/// In each lane a task blocks its worker until the next task of its lane has run: the other worker
/// must come for that, although it may be about to sleep, or in the other lane.
#[test]
fn each_lane_is_helped_by_the_workers_of_the_other() {
    explore(|| {
        let runtime = runtime(1, 1);
        for lane in Priority::ALL {
            let gate = Gate::default();
            let (blocks, opens) = (gate.clone(), gate);
            let blocked = runtime.handle().spawn_with(async move { blocks.pass() }, lane);
            let helper = runtime.handle().spawn_with(async move { opens.open() }, lane);
            runtime.block_on(async {
                blocked.await;
                helper.await;
            });
        }
        end(&runtime, 4, 0);
    });
}

/// Without stealing between the lanes, no worker polls a task of the other lane, whoever wakes it and
/// whoever has nothing else to do; and the two of each home still help each other.
#[test]
fn without_stealing_each_lane_keeps_to_its_workers() {
    explore(|| {
        let strays = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&strays);
        let builder = plain(1, 2).with_stealing(Priority::High, false);
        let builder = builder.with_stealing(Priority::Low, false).on_poll_start(move |poll| {
            let is_home = (poll.worker() == 0) == (poll.lane() == Priority::High);
            counted.fetch_add(usize::from(!is_home), Ordering::Relaxed);
        });
        let runtime = build(builder);
        let (gate, handle) = (Gate::default(), runtime.handle().clone());
        let (blocks, opens) = (gate.clone(), gate);
        let blocked = runtime.handle().spawn(async move { blocks.pass() });
        let high = async move { handle.spawn(async move { opens.open() }).await };
        let high = runtime.handle().spawn_with(high, Priority::High);
        runtime.block_on(async {
            blocked.await;
            high.await;
        });
        end(&runtime, 3, 0);
        assert_eq!(strays.load(Ordering::Relaxed), 0, "polls by a worker of the other lane");
    });
}

/// Two tasks of lane Low block both workers until a High task has run: only the reserve can, and it is
/// started by whoever finds everybody busy, which is a look at numbers that others change.
#[test]
fn the_reserve_runs_high_while_every_worker_is_busy() {
    explore(|| {
        let (runtime, gate, stuck) =
            (runtime(1, 1), Gate::default(), [(); 2].map(|()| Gate::default()));
        let blocked = stuck.clone().map(|begun| {
            let gate = gate.clone();
            runtime.handle().spawn(async move {
                begun.open();
                gate.pass();
            })
        });
        stuck.iter().for_each(Gate::pass);
        let high = runtime.handle().spawn_with(async move { gate.open() }, Priority::High);
        runtime.block_on(async {
            high.await;
            for task in blocked {
                task.await;
            }
        });
        end(&runtime, 3, 0);
        let metrics = runtime.metrics();
        let reserve = metrics.per_worker().iter().find(|worker| worker.role == WorkerRole::Reserve);
        assert_eq!(reserve.map(|worker| worker.lane(Priority::High).polls), Some(1));
    });
}

/// A task spawns another, into the LIFO slot of its worker, and blocks until that has run: nobody sees
/// it there but the watchdog, which takes it out of the slot while its owner may put in or take out.
#[test]
fn the_watchdog_takes_what_is_hidden_in_a_slot() {
    explore(|| {
        let pause = Duration::from_millis(10);
        let runtime = build(plain(1, 1).slow_poll_after(pause).replacement_workers(0));
        let (gate, done, handle) = (Gate::default(), Gate::default(), runtime.handle().clone());
        let ended = done.clone();
        let blocked = runtime.handle().spawn(async move {
            let opens = gate.clone();
            let hidden = handle.spawn(async move { opens.open() });
            gate.pass();
            hidden.await;
            ended.open();
        });
        done.pass_in_time(pause);
        runtime.block_on(blocked);
        end(&runtime, 2, 0);
    });
}
