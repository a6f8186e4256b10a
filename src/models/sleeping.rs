//! Pushing a task against falling asleep, the chain of wake-ups, and the driver's next holder.
//!
//! Book: chapter 19.

use loom::thread;

use super::workers::{Runtime, Taking, Task};
use super::{FEW_PREEMPTIONS, checked, checked_with};
use crate::sync::internal::Arc;

/// Runs the workers while this thread does `outside`.
fn run(runtime: Runtime, workers: usize, outside: impl FnOnce(&Runtime)) {
    let runtime = Arc::new(runtime);
    let workers: Vec<_> = (0..workers)
        .map(|index| {
            let runtime = runtime.clone();
            thread::spawn(move || runtime.worker(index, false))
        })
        .collect();
    outside(&runtime);
    for worker in workers {
        worker.join().expect("a worker ends");
    }
}

#[test]
fn a_pushed_task_is_not_slept_over() {
    checked(|| {
        run(Runtime::new(1, Taking::One, 2, 0), 1, |runtime| {
            runtime.push(Task::Quick);
            runtime.push(Task::Quick);
        });
    });
}

#[test]
fn two_workers_do_not_leave_a_pushed_task_to_each_other() {
    checked_with(FEW_PREEMPTIONS, || {
        run(Runtime::new(2, Taking::One, 1, 0), 2, |runtime| runtime.push(Task::Quick));
    });
}

#[test]
fn whoever_finds_work_wakes_a_successor_for_the_rest() {
    checked_with(FEW_PREEMPTIONS, || {
        run(Runtime::new(2, Taking::One, 2, 2), 2, |runtime| {
            runtime.push(Task::Meeting);
            runtime.push(Task::Meeting);
        });
    });
}

#[test]
fn tasks_drained_into_one_workers_queue_are_shared() {
    checked_with(FEW_PREEMPTIONS, || {
        run(Runtime::new(2, Taking::All, 2, 2), 2, |runtime| {
            runtime.push(Task::Meeting);
            runtime.push(Task::Meeting);
        });
    });
}

#[test]
fn a_shutdown_wakes_whoever_sleeps_in_the_driver_or_beside_it() {
    checked(|| {
        run(Runtime::new(2, Taking::One, 1, 0).with_driver(), 2, Runtime::cancel);
    });
}

/// After the driver was let go of, either somebody holds it or nobody is asleep: an event that
/// comes later finds a listener though the thread that turned the driver never comes back.
#[test]
fn a_driver_that_was_let_go_of_finds_its_next_holder() {
    checked(|| {
        run(Runtime::new(1, Taking::One, 1, 0).with_driver(), 1, |runtime| {
            runtime.turn_driver();
            runtime.happen();
        });
    });
}

/// A pop that finds nothing clears the flag, looks again, and sets it again if a task has come. A
/// worker that looked in between has gone to sleep, though there may be more.
#[test]
fn tasks_behind_one_that_came_late_are_not_slept_over() {
    checked_with(FEW_PREEMPTIONS, || {
        let runtime = Arc::new(Runtime::new(2, Taking::One, 2, 2));
        runtime.leave_flag_set();
        assert!(runtime.start_searching());
        let searcher = {
            let runtime = runtime.clone();
            thread::spawn(move || runtime.worker(0, true))
        };
        let pusher = {
            let runtime = runtime.clone();
            thread::spawn(move || {
                runtime.push(Task::Meeting);
                runtime.push(Task::Meeting);
            })
        };
        runtime.poll_in_passing();
        runtime.worker(1, false);
        searcher.join().expect("the searcher ends");
        pusher.join().expect("the pusher ends");
    });
}

/// Stolen tasks are in no queue for a moment. A worker that looked meanwhile has gone to sleep, or
/// has not woken another for them.
#[test]
fn tasks_that_move_between_queues_are_not_slept_over() {
    checked_with(FEW_PREEMPTIONS, || {
        let runtime = Arc::new(Runtime::new(4, Taking::All, 3, 3));
        // The thread of the worker 3 is stuck; this one pushes for it.
        let others: Vec<_> = (1..3)
            .map(|index| {
                let runtime = runtime.clone();
                thread::spawn(move || runtime.worker(index, false))
            })
            .collect();
        for _ in 0..3 {
            runtime.keep(3, Task::Meeting);
        }
        runtime.rescue(0, 3);
        runtime.worker(0, false);
        for other in others {
            other.join().expect("a worker ends");
        }
    });
}
