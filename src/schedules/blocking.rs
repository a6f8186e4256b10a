//! Blocking: calls that block, and workers that do.
//!
//! Book: chapter 19.

use std::time::Duration;

use super::support::{Gate, build, end, explore, plain, runtime};
use super::time;
use crate::priority::Priority;
use crate::runtime::block_on;
use crate::sync::internal::thread;

/// The time passes after which an idle thread retires, while another call is on its way to it: a thread
/// that was promised a call must not go, and there is no second one.
#[test]
fn a_thread_is_given_a_call_while_it_retires() {
    explore(|| {
        let keep_alive = Duration::from_secs(10);
        let runtime = build(plain(1, 1).max_blocking_threads(1).thread_keep_alive(keep_alive));
        assert_eq!(runtime.block_on(runtime.handle().spawn_blocking(|| 1)), 1);
        let later = move || time::pass(keep_alive);
        let thread = thread::Builder::new().spawn(later).expect("there are threads");
        let calls = [2, 3].map(|n| runtime.handle().spawn_blocking(move || n));
        runtime.block_on(async {
            let [two, three] = calls;
            assert_eq!(two.await + three.await, 5);
        });
        thread.join().expect("it does not panic");
        end(&runtime, 3, 0);
    });
}

/// A task blocks in place and another waits in a `block_on` of its own, each for a task that only its
/// own worker is sure to run: the worker's part must go on elsewhere, with all that is queued on it.
#[test]
fn a_worker_that_blocks_hands_its_part_over() {
    explore(|| {
        let runtime = runtime(1, 1);
        let (gate, handle) = (Gate::default(), runtime.handle().clone());
        let opens = gate.clone();
        let in_place = runtime.handle().spawn(async move {
            handle.spawn(async move { opens.open() }).detach();
            crate::block_in_place(|| gate.pass());
        });
        let handle = runtime.handle().clone();
        let nested = async move { block_on(handle.spawn_with(async { 7 }, Priority::High)) };
        let nested = runtime.handle().spawn_with(nested, Priority::High);
        runtime.block_on(async {
            in_place.await;
            assert_eq!(nested.await, 7);
        });
        end(&runtime, 4, 0);
    });
}
