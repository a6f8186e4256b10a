//! A timer that is added while the holder of the driver is about to sleep until a later one.
//!
//! Book: chapter 19.

use std::task::Waker;

use loom::thread;

use super::checked;
use super::driver::Driver;
use super::driver::timers::{Holder, Timers};
use crate::sync::internal::Arc;

/// `Driver::wait`, then the part of a turn that fires. The clock stands at `now`: a wait until a
/// later tick lasts until somebody ends it.
fn turn(driver: &Driver, timers: &Timers, now: u64) -> usize {
    let poller = &driver.poller;
    timers.alarm.wait(
        || timers.next(),
        |until| match until.filter(|_| !driver.unparked.take()) {
            Some(earliest) if earliest > now => {
                poller.wait();
            }
            _ => {
                poller.look();
            }
        },
    );
    driver.unparked.take();
    let mut fired = Vec::new();
    timers.fire(now, &mut fired);
    fired.len()
}

fn add(driver: &Driver, timers: &Timers, when: u64) {
    let (_key, holder) = timers.insert(when, Waker::noop()).expect("the timers are open");
    if holder == Holder::MustBeUnparked {
        driver.unpark();
    }
}

/// Due at once, and long before what the holder would sleep for.
const NOW: u64 = 10;
const LATER: u64 = 1_000;

#[test]
fn a_timer_added_while_the_holder_falls_asleep_is_not_slept_over() {
    checked(|| {
        let driver = Arc::new(Driver::new());
        let timers = Arc::new(Timers::new());
        add(&driver, &timers, LATER);
        let adder = {
            let (driver, timers) = (driver.clone(), timers.clone());
            thread::spawn(move || add(&driver, &timers, NOW))
        };
        while turn(&driver, &timers, NOW) == 0 {}
        adder.join().expect("the adder ends");
    });
}

#[test]
fn of_two_timers_added_at_once_both_are_fired() {
    checked(|| {
        let driver = Arc::new(Driver::new());
        let timers = Arc::new(Timers::new());
        let adders: Vec<_> = [NOW, NOW - 1]
            .into_iter()
            .map(|when| {
                let (driver, timers) = (driver.clone(), timers.clone());
                thread::spawn(move || add(&driver, &timers, when))
            })
            .collect();
        let mut fired = 0;
        while fired < 2 {
            fired += turn(&driver, &timers, NOW);
        }
        for adder in adders {
            adder.join().expect("an adder ends");
        }
    });
}
