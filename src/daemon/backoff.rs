//! How long to wait before a daemon that failed is started again: capped exponential back-off.
//!
//! Words: a *streak* is the number of failures in a row, without a healthy run in between. The
//! *ceiling* of a streak is the longest it may wait: the first wait, doubled with every failure,
//! never above the cap. The *dice* is a random number, so that daemons that fell over together do
//! not come back together.
//!
//! Everything here is a pure function of its arguments: the caller brings the clock and the dice.
//! The wait is drawn from the upper half of the ceiling. Full jitter (from zero up) spreads a crowd
//! of clients better, but a daemon that is alone must not spin when the dice says zero.
//!
//! How it fails: [`BackoffError`], for settings that cannot mean anything.
//!
//! Book: chapter 22.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Doubling more often than this cannot change a result: `Duration::MAX` is less than 2^94 ns.
const MOST_DOUBLINGS: u32 = 94;

/// A restart policy: how long to wait after which failure, and when to forget the past.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use waterwheel::daemon::Backoff;
///
/// let policy = Backoff::new(Duration::from_millis(100), Duration::from_secs(1))?;
/// // The ceilings are 100, 200, 400, 800, 1000, 1000 ... ms; the wait is in their upper half.
/// let third = policy.delay(3, fastrand::u64(..));
/// assert!((200..=400).contains(&third.as_millis()));
///
/// // A run of a minute counts as healthy: the next failure is a first one again.
/// assert_eq!(policy.streak_after(7, Duration::from_secs(60)), 1);
/// assert_eq!(policy.streak_after(7, Duration::from_secs(1)), 8);
/// # Ok::<(), waterwheel::daemon::BackoffError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    healthy_after: Duration,
}

impl Backoff {
    /// Waits about `first` after the first failure, twice as long after each further one, and
    /// never more than `cap`. A run of 60 s counts as healthy.
    ///
    /// # Errors
    ///
    /// If `first` is zero (a daemon that fails at once would take a core), or if `cap` is below
    /// `first` (there would be nothing to grow).
    pub const fn new(first: Duration, cap: Duration) -> Result<Self, BackoffError> {
        if first.is_zero() {
            return Err(BackoffError(Wrong::ZeroFirst));
        }
        if cap.as_nanos() < first.as_nanos() {
            return Err(BackoffError(Wrong::CapBelowFirst));
        }
        Ok(Self { first, cap, healthy_after: Duration::from_secs(60) })
    }

    /// Forgets earlier failures once a run has lasted `time`.
    ///
    /// Zero forgets them at every failure, so the wait never grows.
    #[must_use]
    pub const fn healthy_after(mut self, time: Duration) -> Self {
        self.healthy_after = time;
        self
    }

    /// The streak after a failure that ended a run of `ran_for`, when it was `streak` before.
    #[must_use]
    pub fn streak_after(&self, streak: u32, ran_for: Duration) -> u32 {
        if ran_for >= self.healthy_after { 1 } else { streak.saturating_add(1) }
    }

    /// The longest wait after `streak` failures in a row; zero after none.
    #[must_use]
    pub fn ceiling(&self, streak: u32) -> Duration {
        let Some(doublings) = streak.checked_sub(1) else { return Duration::ZERO };
        let factor = 1_u128 << doublings.min(MOST_DOUBLINGS);
        let nanos = self.first.as_nanos().saturating_mul(factor);
        if nanos >= self.cap.as_nanos() { self.cap } else { nanos_to_duration(nanos) }
    }

    /// The wait after `streak` failures in a row: between half the ceiling and the ceiling, where
    /// `dice` says. 0 gives the shortest, [`u64::MAX`] the longest.
    #[must_use]
    pub fn delay(&self, streak: u32, dice: u64) -> Duration {
        let ceiling = self.ceiling(streak).as_nanos();
        let shortest = ceiling / 2;
        let spread = ceiling - shortest;
        // At most 2^94 (`Duration::MAX` in ns) times 2^34: the low bits of the dice have no weight.
        let jitter = spread * u128::from(dice >> 30) / u128::from(u64::MAX >> 30);
        nanos_to_duration(shortest + jitter)
    }
}

impl Default for Backoff {
    /// From 100 ms up to 30 s; a run of 60 s counts as healthy.
    fn default() -> Self {
        const DEFAULT: Backoff =
            match Backoff::new(Duration::from_millis(100), Duration::from_secs(30)) {
                Ok(policy) => policy,
                Err(_) => panic!("the default back-off must be valid"),
            };
        DEFAULT
    }
}

/// Nanoseconds that are known to fit, because they are no more than some `Duration` had.
fn nanos_to_duration(nanos: u128) -> Duration {
    const PER_SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanos / PER_SECOND).expect("no more seconds than a Duration holds");
    let rest = u32::try_from(nanos % PER_SECOND).expect("less than a second fits in 32 bits");
    Duration::new(seconds, rest)
}

/// Tells why a [`Backoff`] could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffError(Wrong);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    ZeroFirst,
    CapBelowFirst,
}

impl fmt::Display for BackoffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Wrong::ZeroFirst => "the first wait of a back-off must be more than zero",
            Wrong::CapBelowFirst => "the cap of a back-off is below its first wait",
        })
    }
}

impl Error for BackoffError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The policy as one would say it aloud, without a formula.
    struct Model {
        first: u128,
        cap: u128,
        healthy_after: u128,
        wait: Option<u128>,
    }

    impl Model {
        fn fail(&mut self, ran_for: u128) -> u128 {
            let wait = match self.wait {
                Some(wait) if ran_for < self.healthy_after => (wait * 2).min(self.cap),
                _ => self.first,
            };
            self.wait = Some(wait);
            wait
        }
    }

    fn random_duration(rng: &mut fastrand::Rng) -> Duration {
        // All magnitudes from 1 ns to 2^63 s are about equally likely.
        let bits = rng.u32(0..93);
        nanos_to_duration((1 << bits) | (rng.u128(..) & ((1 << bits) - 1)))
    }

    #[test]
    fn any_series_of_failures_waits_as_the_model_says() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..2_000 {
            let (a, b) = (random_duration(&mut rng), random_duration(&mut rng));
            let (first, cap) = (a.min(b), a.max(b));
            let healthy = random_duration(&mut rng);
            let policy = Backoff::new(first, cap).expect("first <= cap").healthy_after(healthy);
            let mut model = Model {
                first: first.as_nanos(),
                cap: cap.as_nanos(),
                healthy_after: healthy.as_nanos(),
                wait: None,
            };
            let mut streak = 0;
            for _ in 0..150 {
                let ran_for = random_duration(&mut rng);
                streak = policy.streak_after(streak, ran_for);
                let ceiling = model.fail(ran_for.as_nanos());
                assert_eq!(policy.ceiling(streak).as_nanos(), ceiling);
                let delay = policy.delay(streak, rng.u64(..)).as_nanos();
                assert!((ceiling / 2..=ceiling).contains(&delay));
            }
        }
    }

    #[test]
    fn the_dice_reaches_both_ends() {
        let policy = Backoff::default();
        assert_eq!(policy.delay(1, 0), Duration::from_millis(50));
        assert_eq!(policy.delay(1, u64::MAX), Duration::from_millis(100));
        assert_eq!(policy.delay(u32::MAX, u64::MAX), Duration::from_secs(30));
    }

    #[test]
    fn the_longest_times_there_are_do_not_overflow() {
        let policy = Backoff::new(Duration::MAX, Duration::MAX).expect("equal is allowed");
        assert_eq!(policy.delay(u32::MAX, u64::MAX), Duration::MAX);
        assert_eq!(policy.streak_after(u32::MAX, Duration::ZERO), u32::MAX);
    }

    #[test]
    fn no_failure_means_no_wait() {
        assert_eq!(Backoff::default().delay(0, u64::MAX), Duration::ZERO);
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        let (short, long) = (Duration::from_millis(1), Duration::from_millis(2));
        let zero = Backoff::new(Duration::ZERO, long).expect_err("zero first");
        assert_eq!(zero.to_string(), "the first wait of a back-off must be more than zero");
        let upside_down = Backoff::new(long, short).expect_err("cap below first");
        assert_eq!(upside_down.to_string(), "the cap of a back-off is below its first wait");
    }
}
