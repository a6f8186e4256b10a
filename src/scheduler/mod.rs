//! The scheduler: lanes, workers, and who runs what when.
//!
//! ```text
//!  outside ──> injector (one a lane) ──drain──> run queue (one a worker and lane) ──> poll
//!                                                  ^   |
//!  a worker's own spawns and wake-ups ─────────────+   +──steal half──> another worker
//! ```
//!
//! - [`shared`]: what the threads of one runtime share; the way into a queue
//! - [`injector`], [`run_queue`]: the queues
//! - [`worker`]: the loop that polls
//! - [`one_poll`]: what is done around each poll
//! - [`core`]: a worker's part; where it looks for work, in which order
//! - [`seat`]: what the others see of a worker
//! - [`lifo`]: the place of a task that is to run next
//! - [`idle`], [`parker`]: who sleeps, and how it is woken
//! - [`pace`]: how often a busy worker looks at sockets and timers
//! - [`batch`]: whether a turn's harvest is worth waking another worker for
//! - [`share`]: how much of a worker's time goes to the other lane
//! - [`reserve`]: one more thread for High
//! - [`watchdog`], [`arming`], [`doing`]: what is done about a poll that does not end
//! - [`replacement`]: workers that stand in for one that is stuck
//! - [`offload`]: blocking calls, and workers whose thread is about to block
//! - [`context`]: which runtime a thread belongs to
//! - [`registry`], [`outbox`]: every live task, and those on their way out
//! - [`life`], [`closing`]: from running to closed
//! - [`counters`], [`histogram`], [`samples`]: what is counted and timed
//!
//! Book: chapter 12.

pub(crate) mod arming;
mod batch;
pub(crate) mod closing;
pub(crate) mod context;
pub(crate) mod core;
pub(crate) mod counters;
pub(crate) mod doing;
pub(crate) mod histogram;
pub(crate) mod idle;
pub(crate) mod injector;
pub(crate) mod life;
mod lifo;
pub(crate) mod offload;
mod one_poll;
mod outbox;
mod pace;
pub(crate) mod parker;
pub(crate) mod registry;
pub(crate) mod replacement;
pub(crate) mod reserve;
pub(crate) mod run_queue;
mod samples;
pub(crate) mod seat;
pub(crate) mod share;
pub(crate) mod shared;
mod watchdog;
pub(crate) mod worker;

mod settings;
pub(crate) use settings::Settings;
