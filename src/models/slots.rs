//! The owner of a LIFO slot against the watchdog, which empties it.
//!
//! Book: chapter 19.

use loom::thread;

use super::alone::slot::Slot;
use super::checked;
use super::tasks::Runnable;
use crate::sync::internal::{Arc, AtomicBool, Ordering};

/// The owner fills the slot and empties it again, twice; the watchdog looks in at any time.
#[test]
fn a_task_in_a_slot_goes_to_its_owner_or_to_the_watchdog() {
    checked(|| {
        let slot = Arc::new(Slot::<()>::new());
        let watchdog = {
            let slot = slot.clone();
            thread::spawn(move || [slot.take(), slot.take()].map(number))
        };
        let mut taken = Vec::new();
        for task in 1..=2 {
            assert!(slot.fill(Runnable::new(task)).is_ok(), "what the owner has emptied stays so");
            taken.extend(number(slot.take()));
        }
        let rescued = watchdog.join().expect("the watchdog ends");
        taken.extend(rescued.into_iter().flatten());
        taken.sort_unstable();
        assert_eq!(taken, [1, 2], "each task is taken once");
    });
}

#[test]
fn who_finds_a_slot_filled_gets_the_task_back() {
    checked(|| {
        let slot = Arc::new(Slot::<()>::new());
        assert!(slot.fill(Runnable::new(1)).is_ok());
        let watchdog = {
            let slot = slot.clone();
            thread::spawn(move || number(slot.take()))
        };
        let refused = slot.fill(Runnable::new(2)).err();
        let rescued = watchdog.join().expect("the watchdog ends");
        let mut seen: Vec<_> =
            [number(refused), rescued, number(slot.take())].into_iter().flatten().collect();
        seen.sort_unstable();
        assert_eq!(seen, [1, 2], "no task is lost, and none is there twice");
    });
}

/// What the owner has done to the task before, whoever takes it sees.
#[test]
fn who_takes_a_task_out_of_a_slot_sees_what_was_done_to_it() {
    checked(|| {
        let slot = Arc::new(Slot::<()>::new());
        let made = Arc::new(AtomicBool::new(false));
        let watchdog = {
            let (slot, made) = (slot.clone(), made.clone());
            // Relaxed: it is the slot that passes it on.
            thread::spawn(move || slot.take().is_none() || made.load(Ordering::Relaxed))
        };
        made.store(true, Ordering::Relaxed);
        assert!(slot.fill(Runnable::new(1)).is_ok());
        assert!(watchdog.join().expect("the watchdog ends"), "the task is seen as it was before");
    });
}

fn number(task: Option<Runnable<()>>) -> Option<usize> {
    task.map(|task| task.number())
}
