//! One worker's sleep, and the end of a wait in the driver.
//!
//! Book: chapter 19.

use loom::thread;

use super::checked;
use super::driver::Driver;
use super::scheduler::injector::Injector;
use super::scheduler::parker::{Parker, Wake};
use crate::sync::internal::{Arc, AtomicBool, Ordering};

#[test]
fn an_unpark_is_never_lost() {
    checked(|| {
        let parker = Arc::new(Parker::new());
        let flag = Arc::new(AtomicBool::new(false));
        let notifier = {
            let (parker, flag) = (parker.clone(), flag.clone());
            thread::spawn(move || {
                // Relaxed: it is the unparking that passes the flag on.
                flag.store(true, Ordering::Relaxed);
                assert_eq!(parker.unpark(), Wake::Done);
            })
        };
        parker.park();
        assert!(flag.load(Ordering::Relaxed), "nobody wakes up before it was unparked");
        notifier.join().expect("the notifier ends");
    });
}

/// The second may come while the worker is on its way from the first: it sees what both have queued.
#[test]
fn a_worker_that_two_unpark_sees_what_either_did_before() {
    checked(|| {
        let parker = Arc::new(Parker::new());
        let flags = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        let notifiers: Vec<_> = (0..2)
            .map(|number| {
                let (parker, flags) = (parker.clone(), flags.clone());
                thread::spawn(move || {
                    // Relaxed: it is the unparking that passes the flag on.
                    flags[number].store(true, Ordering::Relaxed);
                    assert_eq!(parker.unpark(), Wake::Done);
                })
            })
            .collect();
        while !flags.iter().all(|flag| flag.load(Ordering::Relaxed)) {
            parker.park();
        }
        for notifier in notifiers {
            notifier.join().expect("a notifier ends");
        }
    });
}

/// The reserve's loop: it looks, then parks; what is pushed between is found by the next look.
#[test]
fn a_thread_that_looks_and_then_parks_finds_what_two_others_push() {
    checked(|| {
        let parker = Arc::new(Parker::new());
        let injector = Arc::new(Injector::new());
        let pushers: Vec<_> = (0..2)
            .map(|task| {
                let (parker, injector) = (parker.clone(), injector.clone());
                thread::spawn(move || {
                    injector.push(task);
                    assert_eq!(parker.unpark(), Wake::Done);
                })
            })
            .collect();
        let mut found = 0;
        loop {
            while injector.pop(|| {}).is_some() {
                found += 1;
            }
            if found == pushers.len() {
                break;
            }
            parker.park();
        }
        for pusher in pushers {
            pusher.join().expect("a pusher ends");
        }
    });
}

#[test]
fn a_worker_is_unparked_in_the_driver_or_beside_it() {
    checked(|| {
        let driver = Arc::new(Driver::new());
        let parker = Arc::new(Parker::new());
        let busy = {
            let driver = driver.clone();
            thread::spawn(move || {
                // A turn between two polls: the sleeper may find the driver held.
                if let Some(part) = driver.holding.take() {
                    driver.poller.look();
                    driver.holding.put_back(part);
                }
            })
        };
        let notifier = {
            let (driver, parker) = (driver.clone(), parker.clone());
            thread::spawn(move || match parker.unpark() {
                Wake::Done => {}
                Wake::Driver => driver.unpark(),
            })
        };
        match driver.holding.take() {
            Some(part) => {
                if parker.enter_driver() {
                    driver.wait();
                    parker.leave_driver();
                }
                driver.holding.put_back(part);
            }
            None => parker.park(),
        }
        busy.join().expect("the other worker ends");
        notifier.join().expect("the notifier ends");
    });
}

#[test]
fn an_unpark_ends_the_wait_under_way_or_the_next_one() {
    checked(|| {
        let driver = Arc::new(Driver::new());
        let busy = {
            let driver = driver.clone();
            thread::spawn(move || {
                // A turn that does not wait: it may eat the event of the unpark.
                if let Some(part) = driver.holding.take() {
                    driver.poller.look();
                    driver.holding.put_back(part);
                }
            })
        };
        let caller = {
            let driver = driver.clone();
            thread::spawn(move || driver.unpark())
        };
        while driver.holding.take().is_none() {
            thread::yield_now();
        }
        driver.wait();
        driver.holding.put_back(());
        busy.join().expect("the other worker ends");
        caller.join().expect("the caller ends");
    });
}
