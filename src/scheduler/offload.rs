//! The threads for blocking calls, and the worker whose own thread is about to block.
//!
//! A blocking call is a task of one poll, scheduled to these threads. A worker's thread that is
//! about to block hands its whole part, the [`Core`], to one of them, so that
//! the worker goes on and only the thread waits.
//!
//! Book: chapter 17.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::context::{self, Role};
use super::core::Core;
use super::life::Phase;
use super::replacement;
use super::shared::{Job, Runnable, Shared};
use super::worker::{self, Left};
use crate::blocking::pool::{Then, Urgent};
use crate::sync::internal::Mutex;

impl Shared {
    pub(super) fn push_blocking(self: &Arc<Self>, call: Runnable) {
        match self.blocking.push(Job::Call(call)) {
            Ok(Then::Nothing) => {}
            Ok(Then::StartThread) => {
                if self.start_blocking_thread(None).is_err() {
                    // Without a thread to run them they are cancelled, and their handles say so.
                    drop(self.blocking.thread_failed());
                }
            }
            // The pool is closed: the call is cancelled.
            Err(refused) => drop(refused),
        }
    }

    /// Hands the part of a worker to a thread that takes it at once. Gives it back if there is none
    /// to be had.
    pub(super) fn hand_over(self: &Arc<Self>, core: Box<Core>) -> Result<(), Box<Core>> {
        let refused = match self.blocking.push_urgent(Job::Worker(core)) {
            Urgent::Taken => return Ok(()),
            Urgent::Refused(job) => job,
            Urgent::StartThreadWith(job) => match self.start_blocking_thread(Some(job)) {
                Ok(()) => return Ok(()),
                Err(job) => {
                    drop(self.blocking.thread_failed());
                    job.expect("the job comes back as it went")
                }
            },
        };
        match refused {
            // The worker is not needed any more, so its thread may block without a successor.
            Job::Worker(core) if self.is_at_least(Phase::Cancelling) => {
                self.give_up(core);
                Ok(())
            }
            Job::Worker(core) => Err(core),
            Job::Call(_) => unreachable!("a worker's part comes back as what it is"),
        }
    }

    /// Drops the part of a worker that was handed over and that nobody goes on with. Whoever handed it
    /// over will leave a place among the threads that block, and nobody has left him his.
    pub(crate) fn give_up(&self, core: Box<Core>) {
        replacement::dispose(core);
        self.blocking.join();
    }

    /// Starts a thread that begins with `first`. Gives that back if the thread cannot be started.
    fn start_blocking_thread(self: &Arc<Self>, first: Option<Job>) -> Result<(), Option<Job>> {
        // A closure that cannot become a thread is dropped, so the job waits beside it.
        let first = Arc::new(Mutex::new(first));
        let (shared, job) = (Arc::clone(self), Arc::clone(&first));
        let started = self.threads.start("blocking", move || {
            let _member = context::enter(&shared, Role::Thread);
            let first = job.lock().take();
            serve(&shared, first);
        });
        started.map_err(|_error| {
            self.failed_threads.fetch_add(1, Ordering::Relaxed);
            first.lock().take()
        })
    }
}

/// Does what blocks, `first` to begin with, until the thread retires.
///
/// A thread that takes a worker's part over leaves its place among these threads to the one that
/// handed it over, which comes here when it has blocked. So a worker never uses up a place.
pub(super) fn serve(shared: &Shared, first: Option<Job>) {
    let mut next = first;
    while let Some(job) = next.take().or_else(|| shared.blocking.next()) {
        match job {
            Job::Call(call) => run(call),
            Job::Worker(core) => match worker::run(core) {
                Left::HandedOver => {}
                Left::Ended => return,
            },
        }
    }
}

fn run(call: Runnable) {
    if call.host().is_at_least(Phase::Cancelling) {
        drop(call);
    } else {
        call.run();
    }
}
