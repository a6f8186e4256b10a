//! What the runtime's builder has settled for the scheduler.
//!
//! Book: chapter 12.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::idle::Serves;
use crate::task::panic::TaskPanic;
use crate::task::poll::TaskPoll;
use crate::task::slow::SlowPoll;
use crate::threads::{Hook, ThreadSettings};

/// Called with each panic of a task.
type PanicHook = Arc<dyn Fn(&TaskPanic<'_>) + Send + Sync>;

/// Called with a poll that begins, or has ended.
pub(super) type PollHook = Arc<dyn Fn(&TaskPoll) + Send + Sync>;

/// What is called around each poll.
#[derive(Clone, Default)]
pub(crate) struct PollHooks {
    pub(crate) start: Option<PollHook>,
    pub(crate) end: Option<PollHook>,
}

/// Called with each poll that takes too long.
type SlowHook = Arc<dyn Fn(&SlowPoll) + Send + Sync>;

/// See the module.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Workers by home lane.
    pub(crate) workers: [usize; 2],
    pub(crate) serves: Serves,
    pub(crate) threads: ThreadSettings,
    pub(crate) max_blocking_threads: usize,
    pub(crate) keep_alive: Duration,
    /// Each lane gets one of so many parts of a worker's time at least, see [`super::share`].
    pub(crate) lane_share: u32,
    /// What one poll may consume, see [`crate::budget`].
    pub(crate) poll_budget: u32,
    pub(crate) seed: u64,
    pub(crate) on_park: Option<Hook>,
    pub(crate) on_unpark: Option<Hook>,
    pub(crate) on_task_panic: Option<PanicHook>,
    /// `None` unless one of them is set: each poll asks.
    pub(crate) poll_hooks: Option<PollHooks>,
    /// From here on a poll is slow.
    pub(crate) slow_poll_after: Duration,
    /// How many workers may be replaced at a time.
    pub(crate) replacements: usize,
    pub(crate) on_slow_poll: Option<SlowHook>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("workers", &self.workers)
            .field("serves", &self.serves)
            .field("threads", &self.threads)
            .field("max_blocking_threads", &self.max_blocking_threads)
            .field("keep_alive", &self.keep_alive)
            .field("lane_share", &self.lane_share)
            .field("poll_budget", &self.poll_budget)
            .field("slow_poll_after", &self.slow_poll_after)
            .finish_non_exhaustive()
    }
}
