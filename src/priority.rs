//! The two lanes.
//!
//! Every task belongs to one lane for its whole life; stealing moves a task between threads, never
//! between lanes.
//!
//! Book: chapter 16.

/// The lane a task runs in. The default is [`Low`](Priority::Low).
///
/// A worker looks at its home lane before each poll, so a [`High`](Priority::High) task waits for
/// at most the polls that are under way, however many Low tasks are queued. Use High for what
/// somebody waits for (requests, heartbeats), Low for everything else.
///
/// ```
/// use waterwheel::{Priority, spawn_task};
///
/// let answer = spawn_task!(async { 6 * 7 }, Priority::High);
/// assert_eq!(answer.priority(), Priority::High);
/// assert_eq!(waterwheel::block_on(answer), 42);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Served before Low by the High-home workers.
    High,
    /// The lane of plain tasks.
    #[default]
    Low,
}

impl Priority {
    /// Both lanes, High first.
    pub const ALL: [Priority; 2] = [Priority::High, Priority::Low];

    /// The lane's place in a `[T; 2]` of things kept per lane.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    pub(crate) const fn other(self) -> Priority {
        match self {
            Priority::High => Priority::Low,
            Priority::Low => Priority::High,
        }
    }
}

impl std::fmt::Display for Priority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Priority::High => "high",
            Priority::Low => "low",
        })
    }
}
