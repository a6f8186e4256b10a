//! The budget: what one poll may still consume before it must give its worker back.
//!
//! A socket that always has data, or a timer that is always due, would let one task run for ever
//! without once being pending. So every operation of ours that finishes takes one unit from the
//! budget of the poll it happens in, and with none left it answers pending after waking its own
//! task: the task goes to the end of its queue and its neighbours run.
//!
//! Words: a *unit* is one finished operation; a *charge* is a unit taken in advance, which is given
//! back if the operation turns out to be pending. An operation that did nothing costs nothing.
//!
//! Invariant: the budget belongs to the thread and is set by whoever polls a task, before each
//! poll. A thread that never set one (a foreign executor) has no limit.
//!
//! Book: chapter 16.

use crate::sync::internal::thread_local;
use std::cell::Cell;
use std::marker::PhantomData;
use std::task::{Context, Poll};

/// The budget of a thread on which none of our polls is under way.
pub(crate) const UNLIMITED: u32 = u32::MAX;

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(UNLIMITED) };
}

/// Sets what the poll that is about to start on this thread may consume.
#[inline]
pub(crate) fn reset(units: u32) {
    LEFT.set(units);
}

/// Takes one unit, or wakes the task and answers pending if there is none.
pub(crate) fn poll_charge(cx: &mut Context<'_>) -> Poll<Charge> {
    let owed = match LEFT.get() {
        0 => {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        UNLIMITED => 0,
        left => {
            LEFT.set(left - 1);
            1
        }
    };
    Poll::Ready(Charge { owed, of_this_thread: PhantomData })
}

/// One unit, given back on drop unless it is [spent](Charge::spend).
#[derive(Debug)]
#[must_use = "a dropped charge is refunded: spend it when the operation finished"]
pub(crate) struct Charge {
    owed: u32,
    of_this_thread: PhantomData<*const ()>,
}

impl Charge {
    /// Keeps the unit: the operation finished.
    pub(crate) fn spend(mut self) {
        self.owed = 0;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        LEFT.set(LEFT.get().saturating_add(self.owed));
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_poll_may_finish_as_many_operations_as_its_budget_has_units() {
        let wakes = Arc::new(Count::default());
        let waker = Waker::from(wakes.clone());
        let mut cx = Context::from_waker(&waker);
        reset(3);
        for _ in 0..3 {
            let Poll::Ready(charge) = poll_charge(&mut cx) else { panic!("units are left") };
            charge.spend();
        }
        assert!(poll_charge(&mut cx).is_pending());
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "an exhausted task is woken");
        reset(UNLIMITED);
    }

    #[test]
    fn an_operation_that_was_pending_costs_nothing() {
        let mut cx = Context::from_waker(Waker::noop());
        reset(1);
        for _ in 0..10 {
            assert!(poll_charge(&mut cx).is_ready(), "the charge before was dropped unspent");
        }
        reset(UNLIMITED);
    }

    #[test]
    fn a_thread_without_a_poll_of_ours_has_no_limit() {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..10_000 {
            let Poll::Ready(charge) = poll_charge(&mut cx) else { panic!("there is no limit") };
            charge.spend();
        }
        assert_eq!(LEFT.get(), UNLIMITED);
    }
}
