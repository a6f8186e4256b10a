//! Timers: a sleep ends when its time has come, whoever sets the timer, and whoever drops it.
//!
//! Book: chapter 19.

use std::time::Duration;

use super::support::{Gate, build, end, explore, plain, runtime};
use super::time;
use crate::priority::Priority;
use crate::sync::internal::thread;
use crate::time::{advance, sleep};

/// The clock moves on while tasks set their timers: one that is due already, or that is earlier than
/// what the driver sleeps until, must wake it.
#[test]
fn timers_are_set_while_the_clock_moves_on() {
    explore(|| {
        let runtime = build(plain(1, 1).start_paused(true));
        let second = Duration::from_secs(1);
        let sleepers = [(2, Priority::Low), (1, Priority::High)].map(|(seconds, lane)| {
            runtime.handle().spawn_with(async move { sleep(seconds * second).await }, lane)
        });
        let handle = runtime.handle().clone();
        let moves = move || {
            let _entered = handle.enter();
            // A sleep begins when it is polled first, which may be after some of these.
            while handle.metrics().tasks_live() > 0 {
                advance(second);
                thread::yield_now();
            }
        };
        let thread = thread::Builder::new().spawn(moves).expect("there are threads");
        runtime.block_on(async {
            for sleeper in sleepers {
                sleeper.await;
            }
        });
        thread.join().expect("it does not panic");
        end(&runtime, 2, 0);
    });
}

/// A task sets a timer and is aborted by another thread while the time comes: the timer fires and is
/// taken out at once, by two threads, and a second sleep must not be taken for it.
#[test]
fn a_timer_is_dropped_elsewhere_while_it_fires() {
    explore(|| {
        let runtime = runtime(1, 1);
        let second = Duration::from_secs(1);
        let dropped = runtime.handle().spawn(async move { sleep(second).await });
        let sleeper = runtime.handle().spawn_with(
            async move {
                sleep(second).await;
                sleep(second).await;
            },
            Priority::High,
        );
        let abort = dropped.abort_handle();
        let aborts = move || abort.abort();
        let thread = thread::Builder::new().spawn(aborts).expect("there are threads");
        while !sleeper.is_finished() {
            time::pass(second);
            thread::yield_now();
        }
        thread.join().expect("it does not panic");
        runtime.block_on(async {
            sleeper.await;
            drop(dropped.outcome().await);
        });
        end(&runtime, 2, 0);
    });
}

/// Two tasks, one a lane, block their workers until a timer has fired, one after the other: whichever
/// worker waits in the driver goes to work, and the other one must be sent to the driver meanwhile.
#[test]
fn somebody_waits_for_the_timers_while_a_worker_is_busy() {
    explore(|| {
        let (runtime, second) = (runtime(1, 1), Duration::from_secs(1));
        for lane in Priority::ALL {
            let gate = Gate::default();
            let (begun, opens) = (Gate::default(), gate.clone());
            let begins = begun.clone();
            let sleeper = async move {
                begins.open();
                sleep(second).await;
                opens.open();
            };
            let sleeper = runtime.handle().spawn_with(sleeper, lane.other());
            begun.pass();
            let busy = runtime.handle().spawn_with(async move { gate.pass() }, lane);
            while !busy.is_finished() {
                time::pass(second);
                thread::yield_now();
            }
            runtime.block_on(async {
                sleeper.await;
                busy.await;
            });
        }
        end(&runtime, 4, 0);
    });
}
