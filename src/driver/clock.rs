//! The clock: the one place where the driver learns what time it is.
//!
//! Words: *ticks* are counted from the clock's construction. Deadlines are rounded up to ticks and
//! the time now is rounded down, so no timer fires early.
//!
//! A *system* clock goes by itself, in ticks of 2¹⁷ ns (131 us). A *manual* clock stands still
//! until it is told to advance: tests of everything timed run on one, at once and without doubt.
//! Its ticks are single nanoseconds, so that a sleep of a second ends after exactly that.
//!
//! The system clock is monotonic: setting the wall clock does nothing to it.
//!
//! Book: chapter 15.

use crate::sync::internal::{AtomicU64, Ordering, now};
use std::time::{Duration, Instant};

/// A tick of the system clock is two to this power nanoseconds: half of that costs half as much
/// CPU again for a lateness nobody notices, and a millisecond is noticed.
const SYSTEM_TICK: u32 = 17;

/// The same for a manual clock.
const MANUAL_TICK: u32 = 0;

/// What a deadline beyond all reckoning is drawn in to. More overflows `Instant` on some systems.
const FAR_FUTURE: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// A moment by a clock: nanoseconds since that began, before it negative. Half of an `Instant`, for
/// what there may be many of; it reaches 292 years each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

/// Tells the time, in instants, moments and ticks.
#[derive(Debug)]
pub(crate) struct Clock {
    base: Instant,
    /// The same moment, or one shortly after it, by [`system_nanos`]. So what is due by this is due by
    /// instants as well.
    base_nanos: u64,
    /// How far a manual clock has been advanced, in nanoseconds. `None`: the system's clock.
    advanced: Option<AtomicU64>,
}

impl Clock {
    /// A clock that goes by itself.
    pub(crate) fn system() -> Self {
        Self::new(None)
    }

    /// A clock that stands still until it is [advanced](Self::advance).
    pub(crate) fn manual() -> Self {
        Self::new(Some(AtomicU64::new(0)))
    }

    fn new(advanced: Option<AtomicU64>) -> Self {
        Self { base: now(), base_nanos: system_nanos(), advanced }
    }

    pub(crate) fn is_manual(&self) -> bool {
        self.advanced.is_some()
    }

    /// What to shift nanoseconds by to get ticks.
    fn shift(&self) -> u32 {
        if self.is_manual() { MANUAL_TICK } else { SYSTEM_TICK }
    }

    pub(crate) fn now(&self) -> Instant {
        match &self.advanced {
            None => now(),
            Some(nanos) => {
                // Acquire: pairs with the Release half of `advance`; what happened before the
                // clock was advanced has happened for whoever sees the later time.
                let advanced = Duration::from_nanos(nanos.load(Ordering::Acquire));
                self.base.checked_add(advanced).unwrap_or(self.base)
            }
        }
    }

    /// Nanoseconds since the clock was made.
    #[inline]
    pub(crate) fn nanos(&self) -> u64 {
        match &self.advanced {
            None => system_nanos().saturating_sub(self.base_nanos),
            // Acquire: as in `now`.
            Some(nanos) => nanos.load(Ordering::Acquire),
        }
    }

    /// The tick that is under way.
    pub(crate) fn now_tick(&self) -> u64 {
        self.nanos() >> self.shift()
    }

    /// The present as a moment.
    pub(crate) fn moment(&self) -> Moment {
        Moment(i64::try_from(self.nanos()).unwrap_or(i64::MAX))
    }

    pub(crate) fn moment_of(&self, instant: Instant) -> Moment {
        let signed = |duration| i64::try_from(nanos(duration)).unwrap_or(i64::MAX);
        Moment(match instant.checked_duration_since(self.base) {
            Some(after) => signed(after),
            None => -signed(self.base.duration_since(instant)),
        })
    }

    pub(crate) fn instant_of(&self, moment: Moment) -> Instant {
        let distance = Duration::from_nanos(moment.0.unsigned_abs());
        let instant = match moment.0 {
            0.. => self.base.checked_add(distance),
            _ => self.base.checked_sub(distance),
        };
        instant.unwrap_or(self.base)
    }

    /// `duration` from now, drawn in if it is beyond all reckoning.
    #[inline]
    pub(crate) fn after(&self, duration: Duration) -> Moment {
        let nanos = if duration < FAR_FUTURE { nanos(duration) } else { nanos(FAR_FUTURE) };
        Moment(self.moment().0.saturating_add_unsigned(nanos))
    }

    /// The first tick that does not begin before `deadline`.
    pub(crate) fn tick_of(&self, deadline: Moment) -> u64 {
        let nanos = u64::try_from(deadline.0).unwrap_or(0);
        // Half the numbers there are: what is added does not overflow.
        (nanos + (1 << self.shift()) - 1) >> self.shift()
    }

    /// How long it is until `tick` begins; `None` if it will not come by itself.
    pub(crate) fn until(&self, tick: u64) -> Option<Duration> {
        let begins = tick.saturating_mul(1 << self.shift());
        let left = Duration::from_nanos(begins.saturating_sub(self.nanos()));
        (left.is_zero() || !self.is_manual()).then_some(left)
    }

    /// `duration` from `start` on, drawn in if the sum cannot be told.
    pub(crate) fn deadline(start: Instant, duration: Duration) -> Instant {
        start.checked_add(duration.min(FAR_FUTURE)).unwrap_or(start)
    }

    /// Moves a manual clock on. False if this clock goes by itself.
    #[must_use]
    pub(crate) fn advance(&self, duration: Duration) -> bool {
        let Some(advanced) = &self.advanced else { return false };
        let limit = nanos(FAR_FUTURE) * 2;
        let mut before = advanced.load(Ordering::Relaxed);
        loop {
            let after = before.saturating_add(nanos(duration)).min(limit);
            // Release: pairs with the Acquire load of `now`.
            match advanced.compare_exchange(before, after, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => before = now,
            }
        }
    }
}

#[cfg(waterwheel_shuttle)]
use crate::schedules::time::nanos as system_nanos;

/// Nanoseconds by the system's clock, from any starting point.
#[cfg(all(target_os = "linux", not(any(miri, waterwheel_loom, waterwheel_shuttle))))]
fn system_nanos() -> u64 {
    crate::sys::monotonic_nanos()
}

/// Nanoseconds by the system's clock, since this was asked first.
#[cfg(not(any(waterwheel_shuttle, all(target_os = "linux", not(any(miri, waterwheel_loom))))))]
fn system_nanos() -> u64 {
    static FIRST: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    nanos(FIRST.get_or_init(Instant::now).elapsed())
}

/// In nanoseconds; 292 years and more are all the same.
#[inline]
fn nanos(duration: Duration) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    let seconds = duration.as_secs().min(u64::MAX / 2 / SECOND);
    seconds * SECOND + u64::from(duration.subsec_nanos())
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_rounds_up_and_the_present_rounds_down() {
        let clock = Clock::system();
        let tick = Duration::from_nanos(1 << SYSTEM_TICK);
        assert_eq!(clock.tick_of(clock.moment_of(clock.base)), 0);
        assert_eq!(clock.tick_of(clock.moment_of(clock.base + Duration::from_nanos(1))), 1);
        assert_eq!(clock.tick_of(clock.moment_of(clock.base + tick)), 1);
        assert_eq!(clock.tick_of(clock.moment_of(clock.base + tick + Duration::from_nanos(1))), 2);
        let now = clock.now_tick();
        assert!(now <= clock.tick_of(clock.moment_of(clock.now())));
    }

    #[test]
    fn a_manual_clock_is_exact() {
        let clock = Clock::manual();
        let deadline = clock.now() + Duration::from_nanos(5);
        assert!(clock.advance(Duration::from_nanos(4)));
        assert!(clock.now_tick() < clock.tick_of(clock.moment_of(deadline)));
        assert!(
            clock.until(clock.tick_of(clock.moment_of(deadline))).is_none(),
            "it does not come by itself"
        );
        assert!(clock.advance(Duration::from_nanos(1)));
        assert_eq!(clock.now_tick(), clock.tick_of(clock.moment_of(deadline)));
        assert_eq!(clock.until(clock.tick_of(clock.moment_of(deadline))), Some(Duration::ZERO));
    }

    #[test]
    fn a_deadline_before_the_clock_began_is_due() {
        let clock = Clock::system();
        let past = clock.base.checked_sub(Duration::from_secs(1)).unwrap_or(clock.base);
        assert_eq!(clock.tick_of(clock.moment_of(past)), 0);
    }

    #[test]
    fn huge_durations_saturate() {
        let clock = Clock::manual();
        let far = Clock::deadline(clock.now(), Duration::MAX);
        assert!(far > clock.now() + Duration::from_secs(1_000_000));
        for _ in 0..10 {
            assert!(clock.advance(Duration::MAX));
        }
        assert!(clock.now() > far);
        assert!(Clock::deadline(clock.now(), Duration::MAX) >= clock.now());
    }

    #[test]
    fn only_a_manual_clock_can_be_advanced_and_nobody_waits_for_it() {
        assert!(!Clock::system().advance(Duration::from_secs(1)));
        assert!(Clock::system().until(u64::MAX).is_some());
        assert!(Clock::manual().until(1).is_none());
    }
}
