//! Two lanes: the reserve against workers that become busy or fall asleep, and tasks that change hands.
//!
//! Book: chapter 19.

use super::checked;
use super::scheduler::whole::{Event, Plan, Whole};
use crate::priority::Priority::{High, Low};

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
