//! Exercise 2 of chapter 14: how often does a busy worker look?

use std::time::Duration;

/// A busy worker looks at the sockets about this often.
pub const INTERVAL: Duration = Duration::from_micros(100);

/// But never after more polls than this, however short they are.
pub const RAREST: u32 = 61;

/// How many polls of this length to make between two looks: as many as fill [`INTERVAL`], at least
/// one and at most [`RAREST`].
#[expect(unused_variables, reason = "this is for you to write")]
pub fn polls_between_looks(poll: Duration) -> u32 {
    todo!("mind polls that take no time at all, and polls that take a second")
}
