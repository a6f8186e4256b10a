//! A worker that is stuck in a poll: the watchdog against its LIFO slot, and replacements that come and go.
//!
//! Book: chapter 19.

use std::sync::Arc;

use loom::thread;

use super::scheduler::whole::{Event, Plan, Whole};
use super::{FEW_PREEMPTIONS, FEWEST_PREEMPTIONS, checked_with};
use crate::priority::Priority::Low;

/// One worker on a thread of its own.
const ONE: Plan = Plan { workers: [0, 1], replacements: 0, tasks: 2, threads: 1 };

/// A task that puts another into its worker's slot, tells, and then waits for `released`.
fn parent(
    whole: &Arc<Whole>,
    released: Arc<Event>,
    child: impl FnOnce() + Send + 'static,
) -> Arc<Event> {
    let filled = Event::new();
    let tells = filled.clone();
    whole.spawn(Low, move |whole| {
        whole.spawn(Low, move |_| child());
        tells.happen();
        released.wait();
    });
    filled
}

/// The poll does not last after all: the owner comes for the task as well.
#[test]
fn a_task_in_a_slot_is_polled_by_its_worker_or_given_to_others() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(ONE);
        whole.watch_everyone();
        let released = Event::new();
        released.happen();
        let filled = parent(&whole, released, || {});
        whole.start(0);
        filled.wait();
        whole.empty_slots(0);
        whole.finish();
    });
}

#[test]
fn a_task_in_the_slot_of_a_stuck_worker_gets_to_a_thief() {
    checked_with(FEWEST_PREEMPTIONS, || {
        let whole = Whole::new(Plan { workers: [0, 2], threads: 2, ..ONE });
        whole.watch_everyone();
        let event = Event::new();
        let ends = event.clone();
        let filled = parent(&whole, event, move || ends.happen());
        whole.start(0);
        whole.start(1);
        filled.wait();
        whole.find_slow_polls();
        whole.finish();
    });
}

#[test]
fn a_task_in_the_slot_of_the_only_worker_gets_a_replacement() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(Plan { replacements: 1, threads: 2, ..ONE });
        whole.watch_everyone();
        let event = Event::new();
        let ends = event.clone();
        let filled = parent(&whole, event, move || ends.happen());
        whole.start(0);
        filled.wait();
        let mut watching = whole.find_slow_polls();
        assert!(whole.replace().is_none(), "there is one replacement at most");
        whole.look_again(&mut watching);
        whole.finish();
    });
}

/// The replacement may have taken the queued task, or not, or be about to, and have something in its slot
/// that this one has spawned: the stuck worker comes back, and nothing is left with either.
#[test]
fn what_a_replacement_has_taken_is_handed_back_when_it_retires() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(Plan { replacements: 1, threads: 2, tasks: 4, ..ONE });
        whole.watch_everyone();
        let (released, filled) = (Event::new(), Event::new());
        let (waits, tells) = (released.clone(), filled.clone());
        whole.spawn(Low, move |whole| {
            whole.spawn(Low, |_| {}); // Into the slot.
            whole.spawn(Low, |whole| whole.spawn(Low, |_| {}));
            tells.happen();
            waits.wait();
        });
        whole.start(0);
        filled.wait();
        let replacement = whole.replace().expect("there is one");
        whole.tell_to_retire(replacement);
        released.happen();
        whole.finish();
    });
}

/// A task that counts on a replacement, which searches or was woken for it, is passed on.
#[test]
fn a_task_that_counts_on_a_replacement_that_retires_is_not_slept_over() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(Plan { replacements: 1, threads: 2, tasks: 1, ..ONE });
        whole.start(0);
        let replacement = whole.replace().expect("there is one");
        let retires = {
            let whole = whole.clone();
            thread::spawn(move || whole.tell_to_retire(replacement))
        };
        whole.spawn(Low, |_| {});
        retires.join().expect("the watchdog goes on");
        whole.finish();
    });
}

#[test]
fn a_replacement_without_a_thread_passes_on_what_counts_on_it() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(Plan { replacements: 1, tasks: 1, ..ONE });
        whole.start(0);
        let watchdog = {
            let whole = whole.clone();
            thread::spawn(move || assert!(whole.replace().is_none(), "there is no thread"))
        };
        whole.spawn(Low, |_| {});
        watchdog.join().expect("the watchdog goes on");
        whole.finish();
    });
}

/// Nobody needs it any more, and the runtime goes on: its thread ends, and its part can be used again.
#[test]
fn a_replacement_that_sleeps_retires_when_it_is_told_to() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(Plan { replacements: 1, threads: 3, tasks: 1, ..ONE });
        whole.get_stuck(0);
        for _ in 0..2 {
            let replacement = whole.replace().expect("its part is free");
            whole.tell_to_retire(replacement);
            whole.shared.threads.join_all();
            assert_eq!(whole.shared.replacements.active(), 0);
        }
        whole.replace().expect("its part is free");
        whole.spawn(Low, |_| {});
        whole.finish();
    });
}

/// A replacement can get stuck as well: its queue is as open to thieves as any.
#[test]
fn what_is_queued_behind_a_stuck_replacement_gets_to_another_worker() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(Plan { replacements: 1, threads: 2, ..ONE });
        whole.start(0);
        whole.replace().expect("there is one");
        let event = Event::new();
        whole.spawn(Low, move |whole| {
            let ends = event.clone();
            whole.spawn(Low, move |_| ends.happen());
            event.wait();
        });
        whole.finish();
    });
}

/// One worker gets stuck, perhaps on its way out of the driver: the other one goes there.
#[test]
fn an_event_is_not_slept_over_while_a_worker_is_stuck() {
    checked_with(FEWEST_PREEMPTIONS, || {
        let whole = Whole::new(Plan { workers: [0, 2], threads: 2, ..ONE });
        let event = Event::new();
        let ends = event.clone();
        let waits = whole.spawn_reader(move || ends.happen());
        whole.start(0);
        whole.start(1);
        waits.wait();
        let stuck = Event::new();
        let tells = stuck.clone();
        whole.spawn(Low, move |_| {
            tells.happen();
            event.wait();
        });
        stuck.wait();
        whole.happen();
        whole.finish();
    });
}
