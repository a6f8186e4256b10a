//! Is what a turn of the driver has brought worth waking another worker for?
//!
//! A turn makes a batch of tasks ready. To wake a sibling for half of them, and for the driver, costs
//! two changes of thread, and with scarce cores the sibling takes the place of whoever sent the
//! packets. If the batch is over in less time than that matters, the worker keeps it to itself: it
//! wakes nobody, polls its tasks, and goes back into the driver. An echo server with two workers on
//! two cores answers a tenth more messages for it, and 99 % of them in less than half of the time
//! (`echo64-2`, November 2026: 1.24 of tokio's rate and 0.41 of its p99; with a limit of 200 us 1.11 and
//! 1.0).
//!
//! The estimate is the number of tasks times what one has cost in the batches before. Until there is
//! one, and whenever the estimate is not small, siblings are woken at once. And should it be wrong:
//!
//! - a worker that is still at it when so much time has passed shares what it has;
//! - a worker that is stuck in a poll is noticed by the [watchdog](super::watchdog), which finds a
//!   worker for the rest and for the driver. So batches are kept only while it watches.
//!
//! Book: chapter 14.

/// Batches that are over in this time, in ns, are kept. So much later, at most, an answer comes that a
/// sibling with a core of its own could have given.
const SMALL: u64 = 500_000;

/// How much of the estimate comes from the batches before the last one: 3 parts in 4.
const WEIGHT: u64 = 4;

/// The last batch counts for at most so many times what the ones before have cost: it may have been
/// the kernel that took the time.
const DOUBT: u64 = 4;

/// See the module. Time is in ns, from any starting point.
#[derive(Debug)]
pub(super) struct Batch {
    /// What a task has cost, on average.
    cost: Option<u64>,
    /// When the batch under way began, and of how many tasks.
    under_way: Option<(u64, u64)>,
}

impl Batch {
    pub(super) const fn new() -> Self {
        Self { cost: None, under_way: None }
    }

    /// A batch of `tasks` begins `now`. Is it small?
    pub(super) fn begin(&mut self, now: u64, tasks: usize) -> bool {
        let tasks = tasks as u64;
        self.under_way = (tasks > 0).then_some((now, tasks));
        self.cost.is_some_and(|cost| cost.saturating_mul(tasks) < SMALL)
    }

    /// Is the worker, `now`, no longer at it than a small batch takes?
    pub(super) fn is_small_still(&self, now: u64) -> bool {
        self.under_way.is_some_and(|(began, _)| now.saturating_sub(began) < SMALL)
    }

    /// The worker has nothing left to do: the batch is over, and whatever came after it.
    pub(super) fn end(&mut self, now: impl FnOnce() -> u64) {
        let Some((began, tasks)) = self.under_way.take() else { return };
        let last = (now().saturating_sub(began) / tasks).max(DOUBT);
        self.cost = Some(match self.cost {
            Some(cost) => (cost * (WEIGHT - 1) + last.min(cost * DOUBT)) / WEIGHT,
            None => last,
        });
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;

    /// Runs a batch of `tasks`, each of `cost` ns, and tells whether it was taken for small.
    fn run(batch: &mut Batch, tasks: usize, cost: u64) -> bool {
        let small = batch.begin(1_000, tasks);
        batch.end(|| 1_000 + tasks as u64 * cost);
        small
    }

    #[test]
    fn the_first_batch_is_not_small_since_nothing_is_known() {
        let mut batch = Batch::new();
        assert!(!run(&mut batch, 1, 100));
        assert!(run(&mut batch, 1, 100));
    }

    #[test]
    fn a_batch_is_small_by_the_number_of_its_tasks_and_what_they_cost() {
        let mut batch = Batch::new();
        run(&mut batch, 10, 8_000);
        assert!(run(&mut batch, 50, 8_000));
        assert!(!run(&mut batch, 70, 8_000));
    }

    #[test]
    fn the_estimate_follows_what_tasks_cost() {
        let mut batch = Batch::new();
        run(&mut batch, 10, 1_000);
        let changed = (1..40).find(|_| !run(&mut batch, 10, 100_000)).expect("it follows");
        assert!((3..10).contains(&changed), "one batch may be chance, ten are not: {changed}");
        let changed = (1..40).find(|_| run(&mut batch, 10, 1_000)).expect("it follows");
        assert!((3..20).contains(&changed), "several short ones make it careless again: {changed}");
    }

    #[test]
    fn a_batch_is_small_for_as_long_as_small_ones_take() {
        let mut batch = Batch::new();
        assert!(!batch.is_small_still(0));
        batch.begin(1_000, 10);
        assert!(batch.is_small_still(1_000 + SMALL - 1));
        assert!(!batch.is_small_still(1_000 + SMALL));
        batch.end(|| 2_000);
        assert!(!batch.is_small_still(2_000));
    }

    #[test]
    fn a_turn_that_brings_nothing_is_no_batch() {
        let mut batch = Batch::new();
        batch.begin(1_000, 0);
        batch.end(|| unreachable!("no batch is under way"));
        assert!(!batch.begin(1_000, 1));
    }
}
