//! Tasks that end on another thread than that which spawned them: the way home against a shutdown that
//! waits for the last one, and against new ones.
//!
//! Book: chapter 19.

use loom::thread;

use super::scheduler::whole::{Event, Plan, Whole};
use super::{FEW_PREEMPTIONS, FEWEST_PREEMPTIONS, checked, checked_with};
use crate::priority::Priority::Low;
use crate::sync::internal::{Arc, AtomicBool, Ordering};

/// It is the model that ends the runtime.
const ONE: Plan = Plan { workers: [0, 1], replacements: 0, tasks: usize::MAX, threads: 1 };

/// This thread's shard is that of all who are no workers, so what a worker ends of it is put aside. If that
/// falls between the begin of the shutdown and its look, the closer is told.
#[test]
fn a_shutdown_hears_of_what_was_put_aside_before_it_began() {
    checked(|| {
        let whole = Whole::new(ONE);
        whole.start(0);
        whole.spawn(Low, |_| {});
        whole.wait_for_the_last_task();
        whole.shut_down();
    });
}

/// While one is brought from the outbox to an inbox, it is not told of in both: that would hide the one
/// that still waits.
#[test]
fn a_shutdown_waits_for_a_task_though_another_is_on_its_way_home() {
    checked_with(FEW_PREEMPTIONS, || {
        let whole = Whole::new(ONE);
        whole.start(0);
        let event = Event::new();
        let ended = Arc::new(AtomicBool::new(false));
        let (event_of_task, ends) = (event.clone(), ended.clone());
        whole.spawn_future(Low, async move {
            event_of_task.come().await;
            ends.store(true, Ordering::SeqCst);
        });
        whole.spawn(Low, |_| {});
        let sender = thread::spawn(move || event.happen());
        whole.wait_for_the_last_task();
        // A swap sees the last value, though nobody has ordered the two.
        assert!(ended.swap(true, Ordering::SeqCst), "it was cancelled within its grace");
        whole.shut_down();
        sender.join().expect("the sender ends");
    });
}

/// A worker spawns while another ends what it has spawned, and while the registry is closed: each task is
/// refused or taken out, and the count returns to zero.
#[test]
fn tasks_that_enter_here_and_leave_elsewhere_are_counted_to_the_end() {
    checked_with(FEWEST_PREEMPTIONS, || {
        let whole = Whole::new(Plan { workers: [0, 2], threads: 2, ..ONE });
        whole.start(0);
        whole.start(1);
        whole.spawn(Low, |whole| {
            whole.spawn(Low, |_| {});
            whole.spawn(Low, |_| {});
        });
        whole.wait_for_the_last_task();
        whole.shut_down();
    });
}
