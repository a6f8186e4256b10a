//! The way of a task into a queue and out of it, against those who look whether there is one.
//!
//! Book: chapter 19.

use loom::thread;

use super::checked;
use super::scheduler::injector::Injector;
use crate::sync::internal::Arc;

/// Takes everything: the flag must say the truth to somebody who looks later.
fn drain_all(injector: &Injector<u32>) -> Vec<u32> {
    let mut taken = Vec::new();
    while injector.drain(|task| taken.push(task)) {}
    taken
}

#[test]
fn an_injector_hides_no_task_behind_an_unset_flag_while_it_is_drained() {
    checked(|| {
        let injector = Arc::new(Injector::new());
        injector.push(1);
        let pusher = {
            let injector = injector.clone();
            thread::spawn(move || {
                injector.push(2);
                injector.push(3);
            })
        };
        let mut taken = Vec::new();
        injector.drain(|task| taken.push(task));
        injector.drain(|task| taken.push(task));
        pusher.join().expect("the pusher ends");
        taken.extend(drain_all(&injector));
        assert_eq!(taken, [1, 2, 3], "each task is taken once, in order");
    });
}

#[test]
fn an_injector_hides_no_task_from_pops_that_meet_a_push() {
    checked(|| {
        let injector = Arc::new(Injector::new());
        injector.push(1);
        let pusher = {
            let injector = injector.clone();
            thread::spawn(move || injector.push(2))
        };
        let popper = {
            let injector = injector.clone();
            thread::spawn(move || injector.pop(|| {}))
        };
        let mut taken: Vec<u32> = injector.pop(|| {}).into_iter().collect();
        pusher.join().expect("the pusher ends");
        taken.extend(popper.join().expect("the popper ends"));
        taken.extend(drain_all(&injector));
        taken.sort_unstable();
        assert_eq!(taken, [1, 2], "each task is taken once");
    });
}

#[test]
fn an_injector_hides_no_task_from_a_pop_that_meets_a_drain() {
    checked(|| {
        let injector = Arc::new(Injector::new());
        injector.push(1);
        let pusher = {
            let injector = injector.clone();
            thread::spawn(move || injector.push(2))
        };
        let popper = {
            let injector = injector.clone();
            thread::spawn(move || injector.pop(|| {}))
        };
        let mut taken = Vec::new();
        injector.drain(|task| taken.push(task));
        pusher.join().expect("the pusher ends");
        taken.extend(popper.join().expect("the popper ends"));
        taken.extend(drain_all(&injector));
        taken.sort_unstable();
        assert_eq!(taken, [1, 2], "each task is taken once");
    });
}
