//! The time in shuttle runs: it goes on by [`TICK`] whenever somebody looks, and otherwise when a
//! scenario lets it [`pass`].
//!
//! A worker that looks at the clock again and again comes to the end of any pause by itself. Who
//! sleeps does not: a sleep with a limit ends by [`pass`] alone, so no scenario is saved by a time-out
//! that it has not asked for.
//!
//! Each schedule runs on one thread of the system, so its time is kept in thread-locals of std.
//!
//! Book: chapter 19.

use shuttle::sync::Condvar;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// So long takes a look at the clock.
const TICK: Duration = Duration::from_micros(10);

thread_local! {
    static PASSED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static SLEEPERS: RefCell<Vec<Sleeper>> = const { RefCell::new(Vec::new()) };
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// Who sleeps with a limit.
struct Sleeper {
    number: u64,
    until: Duration,
    bed: Arc<Condvar>,
}

/// A schedule begins.
#[cfg(test)]
pub(super) fn start_anew() {
    PASSED.set(Duration::ZERO);
    NUMBER.set(0);
    let of_a_failure = SLEEPERS.with_borrow_mut(std::mem::take);
    assert!(of_a_failure.is_empty(), "no schedule follows one that has failed");
}

/// The time, as a duration since the schedule began; never zero.
fn look() -> Duration {
    PASSED.set(PASSED.get() + TICK);
    PASSED.get()
}

/// The time, as `Instant::now` tells it.
pub(crate) fn now() -> Instant {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    *FIRST.get_or_init(Instant::now) + look()
}

/// The time, in nanoseconds.
pub(crate) fn nanos() -> u64 {
    u64::try_from(look().as_nanos()).expect("no scenario takes 500 years")
}

/// The time goes on, and everybody whose limit it passes wakes up before this returns.
#[cfg(test)]
pub(super) fn pass(duration: Duration) {
    PASSED.set(PASSED.get() + duration);
    loop {
        let due = SLEEPERS.with_borrow(|all| {
            all.iter().find(|one| one.until <= PASSED.get()).map(|one| Arc::clone(&one.bed))
        });
        // It may be set and not asleep yet: then it is woken in vain, and once more.
        match due {
            Some(bed) => bed.notify_all(),
            None => return,
        }
        shuttle::thread::yield_now();
    }
}

/// A limit that is set; dropping it takes it back.
pub(super) struct Alarm {
    number: u64,
    until: Duration,
}

impl Alarm {
    pub(super) fn set(limit: Duration, bed: &Arc<Condvar>) -> Self {
        let until = PASSED.get().saturating_add(limit);
        let number = NUMBER.replace(NUMBER.get() + 1);
        SLEEPERS.with_borrow_mut(|all| all.push(Sleeper { number, until, bed: Arc::clone(bed) }));
        Self { number, until }
    }

    pub(super) fn has_rung(&self) -> bool {
        self.until <= PASSED.get()
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        SLEEPERS.with_borrow_mut(|all| all.retain(|one| one.number != self.number));
    }
}
