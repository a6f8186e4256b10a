//! Exercise 2 of chapter 14, solved: how often does a busy worker look?

use std::time::Duration;

/// A busy worker looks at the sockets about this often.
pub const INTERVAL: Duration = Duration::from_micros(100);

/// But never after more polls than this, however short they are.
pub const RAREST: u32 = 61;

/// How many polls of this length to make between two looks: as many as fill [`INTERVAL`], at least
/// one and at most [`RAREST`].
pub fn polls_between_looks(poll: Duration) -> u32 {
    let polls = INTERVAL.as_nanos() / poll.as_nanos().max(1);
    u32::try_from(polls).unwrap_or(RAREST).clamp(1, RAREST)
}
