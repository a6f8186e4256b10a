//! Models of the protocols between threads: the files that ship, run by loom in every order.
//!
//! ```text
//! RUSTFLAGS="--cfg waterwheel_loom" \
//!     cargo test -p waterwheel --release --lib models --target-dir target/loom
//! tests/mutants/check.sh       # the models see broken code: each mutant must make one red
//! ```
//!
//! A model is a small program of two or three threads around one protocol. Loom runs it again and
//! again, in every order that matters and with every value a load may see, and reports an
//! assertion that fails or a deadlock. So a model that is to find a lost wake-up waits for ever
//! for what it should have been told.
//!
//! | file | models | of |
//! |---|---|---|
//! | `queues` | a push against a drain, against a pop, against both | `scheduler::injector` |
//! | `parking` | unpark against park, in the driver and beside it; look and park against two pushes | `scheduler::parker`, `driver::holding` |
//! | `sleeping` | a push against falling asleep, the chain of wake-ups, sharing what was drained, the driver's next holder, the end | `scheduler::{idle, injector, parker, life}`, `driver::holding` |
//! | `lanes` | waking the reserve or a worker of the other home; adoption against steal | `scheduler::{reserve, core, shared, worker, idle}` |
//! | `stuck` | the LIFO slot of a stuck worker against the watchdog; a replacement that comes, retires, sleeps, gets stuck or gets no thread; the driver's next holder | `scheduler::{watchdog, replacement, core, worker}` |
//! | `leaving` | tasks that end elsewhere against those that enter, and against a shutdown that counts them | `scheduler::{outbox, registry, shared}`, `task::cell` |
//! | `closing` | spawning against closing, waiting for the last task, who closes | `scheduler::{registry, life, closing, injector}`, `task::cell` |
//! | `slots` | the LIFO slot's owner against the watchdog | `task::cell::slot` |
//! | `pool` | a job against a thread that retires, a promise, an urgent job, closing | `blocking::pool` |
//! | `arming` | a watchdog that falls asleep against workers that become busy | `scheduler::{arming, idle}` |
//! | `readiness` | a report against clearing, against waiting, two tasks in one slot | `driver::{readiness, source}` |
//! | `timers` | a new timer against a holder that falls asleep | `driver::{alarm, timers, holding}` |
//! | `tokens` | cancelling against waiting, and against a child that is born | `token` |
//!
//! The modules below are those of the crate, by their own files: the whole scheduler, its loop included, the
//! tasks with their cells, and of the driver what is between threads. What they meet on is [`internal`], and what
//! each thread has to itself is [`local`]. Foreign structures have a stand-in: [`stand_in`], and so have
//! the driver's sockets and timers, the threads, panics that are contained, and histograms.
//!
//! `lanes`, `stuck` and `leaving` run whole workers: [`scheduler::whole`]. In `sleeping` the workers are
//! smaller, with one lane and without ticks, so that more orders of them can be tried: `workers`. In
//! `slots` a task is a number: [`tasks`].
//!
//! We use a flag of our own and not `loom`, since that is what the crates of others look for: with
//! it, some of those below us would want loom too, and whoever models a program that uses
//! Waterwheel would get ours instead of theirs.
//!
//! How often loom takes the processor from a thread that could go on is limited to three, to two for
//! whole workers, and to one where there are several of those. `LOOM_MAX_PREEMPTIONS=N` sets another limit for
//! all.
//!
//! Book: chapter 19.

#[path = "../driver"]
pub(crate) mod driver {
    pub(crate) mod alarm;
    pub(crate) mod holding;
    pub(crate) mod readiness;
    pub(crate) mod source;
    #[path = "../models/driver.rs"]
    mod stand_in;
    pub(crate) mod timers;
    mod wheel;

    pub(crate) use stand_in::{Driver, Wait};

    #[derive(Debug)]
    pub(crate) struct RuntimeGone;
}

pub(crate) mod internal;
pub(crate) mod local;
pub(crate) mod stand_in;
pub(crate) mod tasks;
pub(crate) mod threads;

#[cfg(test)]
mod arming;
#[cfg(test)]
mod closing;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod parking;
#[cfg(test)]
mod pool;
#[cfg(test)]
mod queues;
#[cfg(test)]
mod readiness;
#[cfg(test)]
mod sleeping;
#[cfg(test)]
mod slots;
#[cfg(test)]
mod stuck;
#[cfg(test)]
mod timers;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod workers;

/// The slot that ships, among tasks that stand in.
#[path = "../task/cell"]
mod alone {
    #[expect(unsafe_code, reason = "as in the cell that it is a part of")]
    pub(crate) mod slot;

    pub(crate) use super::tasks::{Host, Runnable};
}

#[path = "../task"]
pub(crate) mod task {
    pub(crate) mod cell;
    #[path = "../models/contain.rs"]
    pub(crate) mod contain;
    pub(crate) mod error;
    pub(crate) mod id;
    pub(crate) mod native;
    pub(crate) mod panic;
    pub(crate) mod poll;
    pub(crate) mod slow;
}

#[path = "../budget.rs"]
pub(crate) mod budget;

#[path = "../blocking"]
pub(crate) mod blocking {
    pub(crate) mod pool;
}

#[path = "../scheduler"]
pub(crate) mod scheduler {
    pub(crate) mod arming;
    mod batch;
    pub(crate) mod closing;
    mod context;
    pub(crate) mod core;
    mod counters;
    mod doing;
    pub(crate) mod idle;
    pub(crate) mod injector;
    pub(crate) mod life;
    mod lifo;
    mod offload;
    mod one_poll;
    mod outbox;
    mod pace;
    pub(crate) mod parker;
    pub(crate) mod registry;
    pub(crate) mod replacement;
    mod reserve;
    mod samples;
    mod seat;
    mod settings;
    mod share;
    pub(crate) mod shared;
    mod watchdog;
    #[path = "../models/whole.rs"]
    pub(crate) mod whole;
    pub(crate) mod worker;

    pub(crate) use settings::Settings;

    /// It would fill half of the stack that loom gives to a thread.
    mod histogram {
        #[derive(Debug)]
        pub(crate) struct Recorder;

        impl Recorder {
            pub(crate) fn new() -> Self {
                Self
            }

            pub(crate) fn record(&self, _nanos: u64) {}
        }
    }

    pub(crate) mod run_queue {
        pub(crate) use crate::models::stand_in::{RunQueue, Thief};
    }
}

/// How often a model takes the processor from a thread that could go on.
#[cfg(test)]
const PREEMPTIONS: usize = 3;

/// The same where whole workers run, which would take minutes with one more.
#[cfg(test)]
const FEW_PREEMPTIONS: usize = 2;

/// And where there are several of those.
#[cfg(test)]
const FEWEST_PREEMPTIONS: usize = 1;

/// Runs `model` in every order that its threads can take, and with every value that a load can
/// see. Says how many there were.
#[cfg(test)]
#[track_caller]
fn checked(model: impl Fn() + Send + Sync + 'static) {
    checked_with(PREEMPTIONS, model);
}

#[cfg(test)]
#[track_caller]
fn checked_with(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    // Not one of loom's: it counts across the runs.
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = runs.clone();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.max_branches = builder.max_branches.max(10_000);
    let begun = std::time::Instant::now();
    builder.check(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model();
    });
    let runs = runs.load(std::sync::atomic::Ordering::Relaxed);
    println!("{runs} orders in {:.1?}", begun.elapsed());
}
