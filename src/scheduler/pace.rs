//! How often a busy worker looks at the clock, and at sockets and timers.
//!
//! To turn the driver costs a system call, so between polls of 50 ns it must be rare; between polls of
//! 50 us it may be frequent, and must be: who turned it every 61 polls would make each packet wait
//! for 3 ms. So the worker counts polls, which costs nothing, and after so many of them reads the
//! clock once: to find out how many polls make up [`INTERVAL`] at present, which is when it will
//! look next, and whether the driver has had no turn for about as long.
//!
//! What it is worth: with two workers kept busy by tasks of 50 us, half of the requests to an echo
//! server were answered within 0.29 ms; with a look every 61 polls, within 8 ms
//! (`daemons --only traffic,grind --for 4s`, 2 cores, November 2026). What it costs where polls are
//! short: one read of the clock in [`RAREST`] polls, 1 to 3 ns each.
//!
//! Book: chapter 14.

/// A busy worker turns the driver about this often, in ns. That costs about 1 us: one part in a
/// hundred.
const INTERVAL: u64 = 100_000;

/// The most polls between two looks, however short they are. Prime, so that it beats no rhythm.
const RAREST: u32 = 61;

/// Polls are short while at least so many of them make up [`INTERVAL`]: below 10 us each, which is
/// about what it takes to wake another worker.
const SHORT: u32 = 10;

/// See the module. Time is in ns, from any starting point.
#[derive(Debug)]
pub(super) struct Pace {
    /// Polls between two looks, at present.
    every: u32,
    /// The most polls between two looks.
    rarest: u32,
    /// Polls until the next look.
    left: u32,
    /// When the worker looked last; `None` if it has slept since, which says nothing about polls.
    looked_at: Option<u64>,
    /// When it was last told to turn the driver.
    turned_at: u64,
}

impl Pace {
    /// Looks at least every `rarest` polls, and every [`RAREST`].
    pub(super) const fn new(rarest: u32) -> Self {
        let rarest = if rarest < RAREST { rarest } else { RAREST };
        Self { every: rarest, rarest, left: rarest, looked_at: None, turned_at: 0 }
    }

    /// Counts a poll that is about to be made: is it time to look first?
    pub(super) fn is_due(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return true,
        }
        false
    }

    /// The worker looks at the clock: it is `now`. Has the driver had no turn for too long?
    pub(super) fn look(&mut self, now: u64) -> bool {
        // A paused clock cannot tell, and no other stands still for so long.
        let stands_still = self.looked_at == Some(now);
        if let Some(before) = self.looked_at {
            let a_poll = now.saturating_sub(before) / u64::from(self.every);
            let polls = INTERVAL / a_poll.max(1);
            self.every = u32::try_from(polls).unwrap_or(RAREST).clamp(1, self.rarest);
        }
        self.looked_at = Some(now);
        self.left = self.every;
        // Half of it is enough: where polls are long, the looks themselves are an interval apart,
        // and one that comes a little early must not be in vain.
        let due = stands_still || now.saturating_sub(self.turned_at) >= INTERVAL / 2;
        if due {
            self.turned_at = now;
        }
        due
    }

    /// Were polls short, as far as the last look can tell?
    pub(super) fn are_polls_short(&self) -> bool {
        self.every >= SHORT
    }

    /// How many polls make up an interval at present.
    pub(super) fn every(&self) -> u32 {
        self.every
    }

    /// The worker goes to sleep, and looks while it sleeps or lets another one look.
    pub(super) fn slept(&mut self) {
        self.looked_at = None;
        self.left = self.every;
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;

    /// Makes polls of `poll` ns each until the worker looks, and tells how many there were.
    fn polls_until_a_look(pace: &mut Pace, now: &mut u64, poll: u64) -> u32 {
        let mut polls = 0;
        while !pace.is_due() {
            *now += poll;
            polls += 1;
        }
        pace.look(*now);
        polls
    }

    #[test]
    fn from_the_second_look_on_the_polls_between_two_make_up_the_interval() {
        for (poll, polls) in [(0, 61), (100, 61), (5_000, 20), (50_000, 2), (10_000_000, 1)] {
            let (mut pace, mut now) = (Pace::new(RAREST), 1);
            assert_eq!(polls_until_a_look(&mut pace, &mut now, poll), RAREST);
            polls_until_a_look(&mut pace, &mut now, poll);
            for _ in 0..3 {
                assert_eq!(polls_until_a_look(&mut pace, &mut now, poll), polls, "{poll} ns");
            }
        }
    }

    #[test]
    fn it_follows_when_polls_become_longer_or_shorter() {
        let (mut pace, mut now) = (Pace::new(RAREST), 1);
        for (poll, polls) in [(100, 61), (50_000, 2), (100, 61)] {
            // The first look after the change still comes at the old pace; from 2 to 61 it takes
            // one more.
            polls_until_a_look(&mut pace, &mut now, poll);
            polls_until_a_look(&mut pace, &mut now, poll);
            assert_eq!(polls_until_a_look(&mut pace, &mut now, poll), polls);
        }
    }

    #[test]
    fn the_driver_has_a_turn_in_every_interval_however_short_the_polls() {
        for poll in [10, 100, 5_000, 50_000, 10_000_000] {
            let (mut pace, mut now, mut turned_at) = (Pace::new(RAREST), INTERVAL, 0);
            for _ in 0..1_000 {
                while !pace.is_due() {
                    now += poll;
                }
                if pace.look(now) {
                    turned_at = now;
                }
                let longest = INTERVAL / 2 + u64::from(RAREST) * poll.min(2 * INTERVAL);
                assert!(now - turned_at <= longest, "{poll} ns: {} ns", now - turned_at);
            }
        }
    }

    #[test]
    fn sleep_is_not_taken_for_a_long_poll() {
        let (mut pace, mut now) = (Pace::new(RAREST), 1);
        polls_until_a_look(&mut pace, &mut now, 100);
        polls_until_a_look(&mut pace, &mut now, 100);
        pace.slept();
        now += 1_000_000_000;
        assert_eq!(polls_until_a_look(&mut pace, &mut now, 100), RAREST);
        assert_eq!(polls_until_a_look(&mut pace, &mut now, 100), RAREST);
    }
}
