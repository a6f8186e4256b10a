//! The book-keeping of the threads for blocking calls: who waits, who is promised a job.
//!
//! This is a state machine behind one lock; it starts no thread itself. A job is pushed either *for*
//! a waiting thread (a promise: that thread may not retire any more) or with the order to start a
//! thread, or it waits in the queue when all threads there may be are busy.
//!
//! The fault this guards against is a job given to a thread that was about to retire: counting
//! sleepers alone is not enough, since a sleeper that has been promised a job must not be counted
//! again, nor leave on its time-out.
//!
//! Book: chapter 17.

use std::collections::VecDeque;
use std::time::Duration;

use crate::sync::internal::{Condvar, Mutex};

#[derive(Debug)]
struct State<J> {
    queue: VecDeque<J>,
    threads: usize,
    /// Waiting threads that nothing has been promised to.
    idle: usize,
    /// Promises made to waiting threads and not yet kept.
    promises: usize,
    closed: bool,
}

/// What the pusher of a job must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Then {
    Nothing,
    /// Start a thread, or say that it failed: [`Pool::thread_failed`].
    StartThread,
}

/// What became of an urgent job.
#[derive(Debug)]
#[must_use]
pub(crate) enum Urgent<J> {
    Taken,
    /// Start a thread that begins with it, or say that it failed: [`Pool::thread_failed`].
    StartThreadWith(J),
    /// All threads there may be are busy, or the pool is closed.
    Refused(J),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Pool<J> {
    state: Mutex<State<J>>,
    promised: Condvar,
    max_threads: usize,
    keep_alive: Duration,
}

impl<J> Pool<J> {
    pub(crate) fn new(max_threads: usize, keep_alive: Duration) -> Self {
        let state =
            State { queue: VecDeque::new(), threads: 0, idle: 0, promises: 0, closed: false };
        Self { state: Mutex::new(state), promised: Condvar::new(), max_threads, keep_alive }
    }

    /// Queues a job; gives it back if the pool is closed.
    pub(crate) fn push(&self, job: J) -> Result<Then, J> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(job);
        }
        state.queue.push_back(job);
        Ok(self.find_thread(&mut state).unwrap_or(Then::Nothing))
    }

    /// Gives a job to a thread that waits, or says what else can be done with it.
    pub(crate) fn push_urgent(&self, job: J) -> Urgent<J> {
        let mut state = self.state.lock();
        if state.closed {
            return Urgent::Refused(job);
        }
        match self.find_thread(&mut state) {
            Some(Then::Nothing) => {
                state.queue.push_front(job);
                Urgent::Taken
            }
            Some(Then::StartThread) => Urgent::StartThreadWith(job),
            None => Urgent::Refused(job),
        }
    }

    fn find_thread(&self, state: &mut State<J>) -> Option<Then> {
        if state.idle > 0 {
            state.idle -= 1;
            state.promises += 1;
            self.promised.notify_one();
            Some(Then::Nothing)
        } else if state.threads < self.max_threads {
            state.threads += 1;
            Some(Then::StartThread)
        } else {
            None
        }
    }

    /// The thread that was asked for could not be started. While others run they take its job; if
    /// there is none, all queued jobs are given back, since nobody would ever run them.
    pub(crate) fn thread_failed(&self) -> VecDeque<J> {
        let mut state = self.state.lock();
        state.threads -= 1;
        if state.threads == 0 { std::mem::take(&mut state.queue) } else { VecDeque::new() }
    }

    /// A thread comes in that has not been asked for.
    pub(crate) fn join(&self) {
        self.state.lock().threads += 1;
    }

    /// For a thread of the pool: its next job, as soon as there is one. `None`: retire.
    pub(crate) fn next(&self) -> Option<J> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(job);
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let mut timed_out = false;
            while state.promises == 0 && !state.closed && !timed_out {
                (state, timed_out) = self.promised.wait_for(state, self.keep_alive);
            }
            if state.promises > 0 {
                // Whoever promised has taken us out of `idle`. The job may be gone by now, taken by
                // a thread that was just done with another: then wait again.
                state.promises -= 1;
                continue;
            }
            state.idle -= 1;
            if timed_out {
                break;
            }
        }
        state.threads -= 1;
        None
    }

    /// Closes the pool: threads retire when their job is done. Gives back the jobs that wait.
    pub(crate) fn close(&self) -> VecDeque<J> {
        let mut state = self.state.lock();
        state.closed = true;
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        self.promised.notify_all();
        queue
    }

    /// How many threads there are.
    pub(crate) fn threads(&self) -> usize {
        self.state.lock().threads
    }

    /// How many jobs wait for a thread.
    pub(crate) fn queued(&self) -> usize {
        self.state.lock().queue.len()
    }
}
