//! Two lanes: the reserve against workers that become busy or fall asleep, and tasks that change hands.
//!
//! Book: chapter 19.

use loom::thread;

use super::scheduler::whole::{Event, Plan, Whole};
use super::{FEW_PREEMPTIONS, FEWEST_PREEMPTIONS, checked, checked_with};
use crate::priority::Priority::{High, Low};
use crate::sync::internal::{Arc, AtomicUsize, Ordering};

/// A worker of each home.
const ONE_EACH: Plan = Plan { workers: [1, 1], replacements: 0, tasks: 2, threads: 3 };

/// The Low task keeps the only High-home worker until the High task was polled, by the reserve if need be.
#[test]
fn a_high_task_beside_workers_that_become_busy_gets_the_reserve() {
    checked(|| {
        let whole = Whole::new(ONE_EACH);
        whole.get_stuck(1);
        let high_ran = Event::new();
        let low = high_ran.clone();
        whole.spawn(Low, move |_| low.wait());
        whole.start(0);
        whole.spawn(High, move |_| high_ran.happen());
        whole.finish();
    });
}

/// The only High-home worker is stuck, and the other one finds the first High task, which waits for the second.
#[test]
fn a_high_task_beside_one_that_keeps_the_searcher_gets_the_reserve() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(ONE_EACH);
        whole.get_stuck(0);
        let second_ran = Event::new();
        let first = second_ran.clone();
        whole.start(1);
        whole.spawn(High, move |_| first.wait());
        whole.spawn(High, move |_| second_ran.happen());
        whole.finish();
    });
}

/// Of two who queue High tasks at once while all are busy, one starts the reserve, and it polls them all.
#[test]
fn high_tasks_beside_busy_workers_get_one_reserve() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(Plan { tasks: 3, threads: 1, ..ONE_EACH });
        whole.get_stuck(0);
        whole.get_stuck(1);
        let other = {
            let whole = whole.clone();
            thread::spawn(move || whole.spawn(High, |_| {}))
        };
        whole.spawn(High, |_| {});
        whole.spawn(High, |_| {});
        other.join().expect("the other one ends");
        whole.finish();
        assert_eq!(whole.failed_threads(), 0, "there is one reserve");
    });
}

/// Each of two workers may sleep, search or be busy; a High task finds one of them, or the reserve.
#[test]
fn a_high_task_is_not_slept_over_by_workers_of_two_homes() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(Plan { tasks: 1, ..ONE_EACH });
        whole.start(0);
        whole.start(1);
        whole.spawn(High, |_| {});
        whole.finish();
    });
}

/// The parent is stuck until its children have run: what the High-home worker adopts and what the other
/// thief takes are polled once each, by whomever.
#[test]
fn tasks_that_are_adopted_and_stolen_at_once_are_polled_once_each() {
    checked_with(FEWEST_PREEMPTIONS, || {
        let whole = Whole::new(Plan { workers: [1, 2], tasks: 4, threads: 3, replacements: 0 });
        let polled = Arc::new([(); 3].map(|()| AtomicUsize::new(0)));
        let (event, count) = (Event::new(), polled.clone());
        whole.spawn(Low, move |whole| {
            let missing = Arc::new(AtomicUsize::new(3));
            for child in 0..3 {
                let (event, count, missing) = (event.clone(), count.clone(), missing.clone());
                whole.spawn(Low, move |_| {
                    count[child].fetch_add(1, Ordering::SeqCst);
                    if missing.fetch_sub(1, Ordering::SeqCst) == 1 {
                        event.happen();
                    }
                });
            }
            event.wait();
        });
        (0..3).for_each(|worker| whole.start(worker));
        whole.finish();
        for count in &*polled {
            assert_eq!(count.load(Ordering::SeqCst), 1, "each task is polled once");
        }
    });
}

/// Without the reserve's help: no thread is left for it.
#[test]
fn a_high_task_beside_a_busy_worker_wakes_one_of_the_other_home() {
    checked(|| {
        let whole = Whole::new(Plan { tasks: 1, threads: 1, ..ONE_EACH });
        whole.get_stuck(0);
        whole.start(1);
        whole.spawn(High, |_| {});
        whole.finish();
    });
}

#[test]
fn a_task_behind_a_stuck_worker_is_adopted_by_one_of_the_other_home() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(ONE_EACH);
        let event = Event::new();
        whole.spawn(Low, move |whole| {
            let ends = event.clone();
            whole.spawn(Low, move |_| ends.happen());
            event.wait();
        });
        whole.start(0);
        whole.start(1);
        whole.finish();
    });
}
