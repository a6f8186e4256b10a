//! The LIFO slot: the place of a task that should run next, because what it needs is still warm.
//!
//! A task that wakes or spawns another one has mostly just prepared something for it. In the slot
//! that other task is polled as soon as the first one returns, by the same worker: its data is in
//! that worker's cache, no sleeper is woken for it, and a chain of tasks that hand on to each other
//! never leaves its thread. Two things are given up for that:
//!
//! - Order: the slot overtakes the queue. So at most [`IN_A_ROW`] tasks in a row come from it while
//!   others are queued. And a task that has finished, and so wakes whoever awaits it, gives that one
//!   no precedence over others: a task that awaits thousands would run alternately with them.
//! - Help: no other worker sees the slot, and none is woken for it. While polls are short that is
//!   over at once; while they are long nothing goes in. And if a poll turns out to be slow after all,
//!   the [watchdog](super::watchdog) takes the task out and gives it to the others. So nothing goes in
//!   unless the watchdog watches.
//!
//! What it is worth: with two workers 1.32 times as many chained spawns and 1.20 times as many round
//! trips in a time (`chained-2`, `ping-pong-2`); with one worker, where nobody can be woken, 1.03 and 1.06
//! (medians of interleaved runs of a copy without it, busy machine, November 2026).
//!
//! The place itself is a [`Slot`](crate::task::cell::slot::Slot): owner and watchdog never get one task
//! both. A task that is put in after the watchdog has looked is found at its next look, since it
//! looks again for as long as the poll lasts.
//!
//! Book: chapter 12.

/// How many tasks in a row come from the slot while others are queued.
pub(crate) const IN_A_ROW: u32 = 16;
