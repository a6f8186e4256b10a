//! Whole runtimes under random schedules: the crate that ships, run by shuttle again and again.
//!
//! ```text
//! RUSTFLAGS="--cfg waterwheel_shuttle" \
//!     cargo test -p waterwheel --release --lib schedules --target-dir target/shuttle
//! tests/mutants/check.sh --shuttle     # the scenarios see broken code
//! ```
//!
//! The models take one protocol each, and try it in every order. What they cannot tell is whether the
//! protocols fit together. Here nothing is rebuilt: a *scenario* builds a runtime, does something with
//! it, shuts it down, and looks whether anything is left. Only the threads, locks, atomics and the
//! time are shuttle's ([`internal`]), and what the driver asks of the system has a stand-in
//! ([`system`]). Shuttle runs one thread at a time and chooses at each of these who goes on, so a
//! *schedule*, the list of its choices, decides what happens, and is found again by its seed.
//!
//! | file | scenarios | of |
//! |---|---|---|
//! | `spawning` | from outside, from a worker, many yields | spawning, stealing, joining |
//! | `lanes` | helping both ways, stealing off, the reserve, the LIFO slot | who runs a task |
//! | `waking` | from other threads, to and fro between tasks, by a token | wake-ups |
//! | `ending` | aborting, panics everywhere, detached tasks and the metrics | the end of a task |
//! | `closing` | with tasks in all states, against spawning, from inside, within a grace | the end of a runtime |
//! | `blocking` | a thread that retires, a worker that blocks | the threads for blocking calls |
//! | `timers` | against a clock that moves on, against being dropped elsewhere, beside busy workers | sleeps |
//! | `watching` | a worker that is replaced | the watchdog |
//!
//! Of the schedules of a scenario one half is random at each step; the other half (PCT: Burckhardt,
//! Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of Finding
//! Bugs", ASPLOS 2010) gives each thread a priority and changes few of them at random moments, which
//! finds what needs one thread to stand still for long.
//!
//! A failure prints its schedule, and the seed. `WATERWHEEL_SHUTTLE_SEED=N` runs the same schedules
//! again, to the last step if the scenario runs alone: `... --lib schedules::lanes::NAME`. With
//! `WATERWHEEL_SHUTTLE_SCHEDULES=N` there are so many of each; a long run takes another seed as well.
//!
//! The watchdog is off where a scenario is not about it, and the time stands still: neither may come to
//! the rescue of a task that the scheduler has lost. A lost wake-up is a deadlock, which shuttle reports
//! with the names of the threads; a runtime that runs in circles comes to the limit of its steps.
//!
//! What cannot be seen: faults that need weak memory, which are the models'; sockets; and whatever
//! happens between two steps of the structures below us, crossbeam's deque, flume and `async-task`,
//! each call of which is one step here.
//!
//! Book: chapter 19.

pub(crate) mod internal;
pub(crate) mod system;
pub(crate) mod time;

#[cfg(test)]
mod blocking;
#[cfg(test)]
mod closing;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod spawning;
#[cfg(test)]
mod support;
#[cfg(test)]
mod timers;
#[cfg(test)]
mod waking;
#[cfg(test)]
mod watching;
