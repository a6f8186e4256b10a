//! Watching: a worker that is stuck in a poll is replaced, and no longer than it is stuck.
//!
//! Book: chapter 19.

use std::time::Duration;

use super::support::{Gate, build, end, explore, plain};
use crate::priority::Priority;

/// The only worker of lane Low is stuck until another task of the lane has run, and nobody else may run
/// that: the watchdog starts a replacement, which must be told to retire once the worker moves again,
/// while both have tasks and the driver to care for.
#[test]
fn a_stuck_worker_is_replaced_and_its_replacement_retires() {
    explore(|| {
        let pause = Duration::from_millis(10);
        let builder = plain(1, 1).slow_poll_after(pause).replacement_workers(1);
        let runtime = build(builder.with_stealing(Priority::Low, false));
        let (gate, done) = (Gate::default(), Gate::default());
        let (blocks, ended) = (gate.clone(), done.clone());
        let stuck = runtime.handle().spawn(async move { blocks.pass() });
        let handle = runtime.handle().clone();
        let behind = runtime.handle().spawn(async move {
            gate.open();
            handle.spawn(async {}).await;
            ended.open();
        });
        done.pass_in_time(pause);
        runtime.block_on(async {
            stuck.await;
            behind.await;
        });
        end(&runtime, 3, 0);
    });
}
