//! How much of a worker's time the lane gets that is not its home.
//!
//! A worker looks at its home lane first. A home lane that always has work would keep the *other*
//! lane out for ever, so the other lane has *turns*. To count them is not enough: one poll in 61 is
//! a sixty-first of the worker's time if all polls are alike, next to nothing if the home lane's take
//! a hundred times as long, and more than half if they take a hundredth. So while both lanes have
//! work the worker keeps an *account*, in ns: its time on the home lane is credited to the other
//! lane, its time on a turn is charged `rate` times. A turn comes when there is credit, and lasts
//! until there is none.
//!
//! ```text
//!   CLOSED --1--> TURN --2--> HOME --4--> SPARE    1 a look finds a task of the other lane
//!     ^            | ^         | ^          |      2 no credit is left     3 there is credit
//!     |            | +----3----+ +----5-----+      4 the home lane has no task   5 it has one again
//!     +-----6------+                               6 the other lane has no task, or the worker sleeps
//! ```
//!
//! What the other lane gets while the home lane has nothing is *spare*: it is not charged for it.
//!
//! To read the clock costs as much as a short poll. While the account is closed it is read by
//! [`Pace`] alone, once in 61 polls. While it is open it is read every `stride` polls of the home
//! lane (at every poll, if `Pace` knows that polls are long), after each poll of a turn, of which
//! there are few, and where the worker changes lanes. A poll is taken for at least 1 ns, so that a
//! clock that stands still, as in a test of what is timed, starves nobody. Where one lane is used all
//! this costs 0.9 % of a yield's instructions, 516 against 512, and 0.2 % of a spawn's from a worker
//! (`instructions yield-1 or spawn`, November 2026).
//!
//! # What it guarantees
//!
//! A *step* is one poll, with all that the worker does between it and the next one. Let n be the
//! setting, k = min(8, n / 8) the stride, r = (n - k - 1) / 2 the rate, and m = min(62, n - 3) the
//! most polls between two looks at a closed account. Take a time of length W. Let L be the longest
//! step in it, or before it by less than n times its own length; W is at least n L. If the other lane
//! always has a task that the worker may take, it gets at least
//!
//! ```text
//! (W - (k + r) L) / (r + 1), which is W / n or more
//! ```
//!
//! Let C be the credit, and h and o the times spent on the home lane and the other one.
//!
//! - While the account is open C grows by h and falls by r o at most: spare time adds to o alone.
//! - C is never below -r L. A poll of a turn begins with credit and takes L at most. (One that took
//!   longer was made up for by r times its length of h before the time began, or of spare time.)
//! - C is above 0 for k polls at most before a turn comes, so it is never above k L.
//! - So over W, if the account is open at its beginning, h - r o is at most k L + r L; and h + o = W.
//!   That is the formula.
//! - If it is closed at the beginning it opens m polls later, with all the time since then as credit:
//!   h - r o is at most k L. Or it stays closed, since no task of the home lane was polled: o = W.
//! - It does not close: the other lane has a task, and the worker does not sleep.
//!
//! The rate is about twice what is promised, since a time may begin when the lane has just had a long
//! poll in advance. The home lane, if it always has a task, gets the rest: turns begin with credit of
//! m L at most, so (W r - (m + r) L) / (r + 1): for n = 64 that is nine parts in ten.
//!
//! An account in which a queue is given what it could not use before is how Shreedhar and Varghese
//! divide a line (*Efficient Fair Queuing Using Deficit Round-Robin*, SIGCOMM 1995). They know the
//! length of a packet before they send it. What a poll takes is known when it is over: so here a lane
//! goes into debt.
//!
//! Book: chapter 16.

use super::pace::Pace;
use crate::priority::Priority;

/// Each lane gets one of so many parts of a worker's time at least, unless set otherwise.
pub(crate) const DEFAULT_PARTS: u32 = 64;

/// The settings for which the formulas give each lane its part.
pub(crate) const PARTS: std::ops::RangeInclusive<u32> = 8..=1024;

/// The most polls between two looks at an open account.
const LONGEST_STRIDE: u32 = 8;

/// Which lane a worker looks at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Turn {
    Home,
    Other,
}

/// See the module. Time is in ns, from any starting point.
#[derive(Debug)]
pub(super) struct Share {
    home: Priority,
    stride: u32,
    rate: i64,
    is_open: bool,
    /// The lane of the task under way, or polled last.
    lane: Priority,
    /// It is the other lane's, and polled in a turn of that.
    in_turn: bool,
    credit: i64,
    /// Up to when the account is settled. If it is closed: the beginning of what the other lane
    /// may have waited for.
    since: u64,
    /// The last look.
    looked_at: u64,
    /// If the account is closed: was a task of the home lane polled since somebody asked whose turn
    /// it is?
    home_ran: bool,
    /// Polls until it is time to ask whose turn it is.
    left: u32,
}

const NEVER: u32 = u32::MAX;

impl Share {
    /// For a worker of `home`. Each lane gets one of `parts` at least.
    pub(super) fn new(home: Priority, parts: u32) -> Self {
        let stride = (parts / 8).clamp(1, LONGEST_STRIDE);
        Self {
            home,
            stride,
            rate: i64::from((parts.saturating_sub(stride + 1) / 2).max(1)),
            is_open: false,
            lane: home.other(),
            in_turn: false,
            credit: 0,
            since: 0,
            looked_at: 0,
            home_ran: false,
            left: NEVER,
        }
    }

    /// The most polls that may pass between two calls of [`look`](Self::look).
    pub(super) fn polls_between_looks(parts: u32) -> u32 {
        parts.saturating_sub(4).max(1)
    }

    /// The worker has looked at the clock, as [`Pace`] told it to.
    pub(super) fn look(&mut self, now: u64) {
        self.looked_at = now;
        self.left = 0;
        if !self.is_open {
            // Nothing waits that was kept from its polls by the home lane's: those that run are.
            self.home_ran |= self.lane == self.home;
            if !self.home_ran {
                self.since = now;
            }
        }
    }

    /// Counts a poll that is about to be made: is it time to ask whose turn it is?
    pub(super) fn is_due(&mut self) -> bool {
        self.left != NEVER && self.counts_down()
    }

    fn counts_down(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return true,
        }
        false
    }

    /// Which lane is looked at first? If it is the other, the caller says what came of it:
    /// [`takes_turn`](Self::takes_turn) or [`passes`](Self::passes).
    pub(super) fn whose_turn(&mut self, pace: &Pace, now: impl FnOnce() -> u64) -> Turn {
        if !self.is_open {
            self.left = NEVER;
            return if std::mem::take(&mut self.home_ran) { Turn::Other } else { Turn::Home };
        }
        if !self.is_spare() {
            self.settle(now());
        }
        if self.credit > 0 {
            return Turn::Other;
        }
        if self.in_turn {
            self.in_turn = false;
            self.lane = self.home;
        }
        self.left = self.stride.min(pace.every()) - 1;
        Turn::Home
    }

    /// The other lane has the turn, and a task, which is polled next.
    pub(super) fn takes_turn(&mut self, now: impl FnOnce() -> u64) {
        if !self.is_open || self.is_spare() {
            self.settle(now());
        }
        self.is_open = true;
        self.in_turn = true;
        self.lane = self.home.other();
        self.left = 0;
    }

    /// The other lane has the turn, and no task.
    pub(super) fn passes(&mut self) {
        self.since = self.since.max(self.looked_at);
        self.close();
    }

    /// The worker has slept, until `now`: neither lane had a task.
    pub(super) fn slept(&mut self, now: u64) {
        self.since = now;
        self.close();
    }

    fn close(&mut self) {
        self.is_open = false;
        self.home_ran = false;
        self.in_turn = false;
        self.lane = self.home.other();
        self.credit = 0;
        self.left = NEVER;
    }

    /// A task of `lane` is polled next, be it its turn or not.
    pub(super) fn begins(&mut self, lane: Priority, now: impl FnOnce() -> u64) {
        if lane != self.lane {
            self.changes_to(lane, now);
        }
    }

    /// The other lane is polled since the home lane has nothing.
    fn is_spare(&self) -> bool {
        self.lane != self.home && !self.in_turn
    }

    #[inline(never)]
    fn changes_to(&mut self, lane: Priority, now: impl FnOnce() -> u64) {
        if self.is_open {
            self.settle(now());
        }
        self.lane = lane;
        if lane != self.home {
            self.home_ran = true;
            self.credit = self.credit.max(0); // Nobody has use for a debt to an empty lane.
        }
    }

    /// Credits or charges the time since the last call. What passed before the account was opened
    /// counts as the home lane's.
    fn settle(&mut self, now: u64) {
        let passed = i64::try_from(now.saturating_sub(self.since)).unwrap_or(i64::MAX);
        self.since = now;
        let change = if self.in_turn {
            -passed.max(1).saturating_mul(self.rate)
        } else if self.is_open && self.is_spare() {
            0
        } else {
            passed.max(self.stride.into())
        };
        self.credit = self.credit.saturating_add(change);
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
#[path = "share_tests.rs"]
mod tests;
