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
//! - [`core`]: a worker's part; where it looks for work, in which order
//! - [`idle`], [`parker`]: who sleeps, and how it is woken
//! - [`pace`]: how often a busy worker looks at sockets and timers
//! - [`reserve`]: one more thread for High
//! - [`offload`]: blocking calls, and workers whose thread is about to block
//! - [`context`]: which runtime a thread belongs to
//! - [`registry`]: every live task
//! - [`counters`], [`histogram`]: what is counted
//!
//! Book: chapter 12.

pub(crate) mod closing;
#[cfg(not(loom))]
pub(crate) mod context;
#[cfg(not(loom))]
pub(crate) mod core;
#[cfg(not(loom))]
pub(crate) mod counters;
#[cfg(not(loom))]
pub(crate) mod histogram;
pub(crate) mod idle;
pub(crate) mod injector;
#[cfg(not(loom))]
pub(crate) mod offload;
#[cfg(not(loom))]
mod pace;
pub(crate) mod parker;
#[cfg(not(loom))]
pub(crate) mod registry;
#[cfg(not(loom))]
pub(crate) mod reserve;
#[cfg(not(loom))]
pub(crate) mod run_queue;
#[cfg(not(loom))]
pub(crate) mod shared;
#[cfg(not(loom))]
pub(crate) mod worker;

#[cfg(loom)]
mod stand_in;

#[cfg(not(loom))]
mod settings;
#[cfg(not(loom))]
pub(crate) use settings::Settings;
