//! Readiness: what the operating system reported about a source and nobody has used up yet.
//!
//! Registration is edge-triggered: each change is reported once, so it must be remembered until an
//! operation finds out that it is used up. One word holds it all:
//!
//! ```text
//!   63                                  5    4    3    2    1    0
//!  +--------------------------------------+----+----+----+----+----+
//!  | tick: number of reports so far       |GONE| WC | RC | W  | R  |
//!  +--------------------------------------+----+----+----+----+----+
//! ```
//!
//! R and W say that the source is readable or writable; RC and WC that this half is closed, so
//! that an operation on it returns at once and for ever; GONE that the driver is.
//!
//! The race: a task tries to read, finds nothing, and clears R; between its attempt and the
//! clearing, new data arrives and the driver sets R again. Nobody would ever report that data a
//! second time. So the task says which word it had seen before the attempt, each report changes
//! the tick, and clearing is a compare-and-swap that does nothing if the tick is another one:
//! - the report comes before the task looks: the attempt finds the data, or clears what was stale;
//! - it comes between look and clear: the ticks differ, R stays, the task tries again;
//! - it comes after the clear: R is set, and the driver wakes whoever waits.
//!
//! Book: chapter 4.

use crate::sync::internal::{AtomicU64, Ordering};

const READABLE: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const READ_CLOSED: u64 = 1 << 2;
const WRITE_CLOSED: u64 = 1 << 3;
const GONE: u64 = 1 << 4;
const TICK: u64 = 1 << 5;

/// The half of a source that an operation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Reading, accepting.
    Read = 0,
    /// Writing, connecting.
    Write = 1,
}

impl Direction {
    fn open(self) -> u64 {
        match self {
            Direction::Read => READABLE,
            Direction::Write => WRITABLE,
        }
    }

    fn closed(self) -> u64 {
        match self {
            Direction::Read => READ_CLOSED,
            Direction::Write => WRITE_CLOSED,
        }
    }
}

/// A set of readiness bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest(u64);

impl Interest {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const READABLE: Self = Self(READABLE);
    pub(crate) const WRITABLE: Self = Self(WRITABLE);
    pub(crate) const READ_CLOSED: Self = Self(READ_CLOSED);
    pub(crate) const WRITE_CLOSED: Self = Self(WRITE_CLOSED);
    /// Both halves, as a source is registered: try first, wait when there turns out to be nothing.
    pub(crate) const BOTH: Self = Self(READABLE | WRITABLE);
    /// The driver has been closed: nothing will ever be reported again.
    pub(crate) const GONE: Self = Self(GONE);

    /// Adds `other` if `condition` holds.
    pub(crate) fn and(self, other: Self, condition: bool) -> Self {
        if condition { Self(self.0 | other.0) } else { self }
    }

    /// Whether an operation in `direction` is worth trying (or will fail at once).
    pub(crate) fn concerns(self, direction: Direction) -> bool {
        self.0 & (direction.open() | direction.closed() | GONE) != 0
    }
}

/// The word as somebody saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen(u64);

impl Seen {
    pub(crate) fn concerns(self, direction: Direction) -> bool {
        Interest(self.0).concerns(direction)
    }

    pub(crate) fn driver_is_gone(self) -> bool {
        self.0 & GONE != 0
    }
}

/// The cached readiness of one source.
#[derive(Debug)]
pub(crate) struct Readiness(AtomicU64);

impl Readiness {
    pub(crate) fn new(initial: Interest) -> Self {
        Self(AtomicU64::new(initial.0))
    }

    pub(crate) fn look(&self) -> Seen {
        // Acquire: pairs with the Release half of `report`, so that what the driver did before
        // it reported (closing itself) is visible to whoever acts on the report.
        Seen(self.0.load(Ordering::Acquire))
    }

    /// The driver's side: adds bits and counts one report.
    pub(crate) fn report(&self, bits: Interest) {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let next = (word | bits.0).wrapping_add(TICK);
            // Release: pairs with the Acquire load of `look`. The failure load needs no
            // ordering: it only feeds the next attempt.
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// After an operation that moved less than it was given room for: the direction is used up,
    /// but a half that is closed stays so (the next read must find the end of the stream).
    pub(crate) fn clear_short(&self, seen: Seen, direction: Direction) {
        self.clear(seen, direction.open());
    }

    /// After an operation that would have blocked. A closed half never would, so its bit is
    /// wrong too, and keeping it would let the caller spin.
    pub(crate) fn clear_blocked(&self, seen: Seen, direction: Direction) {
        self.clear(seen, direction.open() | direction.closed());
    }

    fn clear(&self, seen: Seen, bits: u64) {
        let mut word = seen.0;
        // While only the other direction's bits changed, the tick is the same and we try again.
        while word / TICK == seen.0 / TICK {
            // AcqRel: the value read may be another task's clearing; Release keeps the chain
            // from the driver's `report` to a later `look` unbroken.
            match self.0.compare_exchange_weak(
                word,
                word & !bits,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_direction_has_its_own_bit() {
        let readiness = Readiness::new(Interest::NONE);
        readiness.report(Interest::READABLE);
        let seen = readiness.look();
        assert!(seen.concerns(Direction::Read));
        assert!(!seen.concerns(Direction::Write));
    }

    #[test]
    fn clearing_one_direction_keeps_the_other() {
        let readiness = Readiness::new(Interest::BOTH);
        let seen = readiness.look();
        readiness.clear_blocked(seen, Direction::Read);
        readiness.clear_blocked(seen, Direction::Write);
        assert!(!readiness.look().concerns(Direction::Read));
        assert!(!readiness.look().concerns(Direction::Write), "the tick was the same");
    }

    #[test]
    fn a_report_that_came_after_the_look_survives_the_clear() {
        let readiness = Readiness::new(Interest::READABLE);
        let seen = readiness.look();
        readiness.report(Interest::READABLE);
        readiness.clear_blocked(seen, Direction::Read);
        assert!(readiness.look().concerns(Direction::Read));
    }

    #[test]
    fn a_report_for_the_other_direction_also_prevents_the_clear() {
        let readiness = Readiness::new(Interest::READABLE);
        let seen = readiness.look();
        readiness.report(Interest::WRITABLE);
        readiness.clear_short(seen, Direction::Read);
        assert!(readiness.look().concerns(Direction::Read), "one attempt more costs little");
    }

    #[test]
    fn a_closed_half_survives_a_short_read_but_not_a_blocked_one() {
        let readiness = Readiness::new(Interest::READABLE.and(Interest::READ_CLOSED, true));
        readiness.clear_short(readiness.look(), Direction::Read);
        assert!(readiness.look().concerns(Direction::Read), "the end of the stream is still due");
        readiness.clear_blocked(readiness.look(), Direction::Read);
        assert!(!readiness.look().concerns(Direction::Read));
    }

    #[test]
    fn a_driver_that_is_gone_stays_gone() {
        let readiness = Readiness::new(Interest::NONE);
        readiness.report(Interest::GONE);
        readiness.clear_blocked(readiness.look(), Direction::Read);
        let seen = readiness.look();
        assert!(seen.driver_is_gone());
        assert!(seen.concerns(Direction::Read) && seen.concerns(Direction::Write));
    }

    #[test]
    fn the_tick_may_wrap() {
        let readiness = Readiness(AtomicU64::new(!(TICK - 1)));
        let seen = readiness.look();
        readiness.report(Interest::READABLE);
        readiness.clear_blocked(seen, Direction::Read);
        assert!(readiness.look().concerns(Direction::Read));
    }
}
