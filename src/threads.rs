//! Every thread of a runtime: started here, counted here, joined here.
//!
//! A thread enters the list before it runs and leaves it as its last act, so a shutdown that finds
//! the list empty has only to join what is already at its end.
//!
//! Book: chapter 18.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use std::{fmt, io};

use crate::sync::internal::thread::{self, JoinHandle};
use crate::sync::internal::{Condvar, Mutex, now, thread_local};
use crate::task::contain::{Payload, contain};

/// A hook without arguments: a thread starts, stops, parks or unparks.
pub(crate) type Hook = Arc<dyn Fn() + Send + Sync>;

/// How the threads of a runtime are made.
#[derive(Clone)]
pub(crate) struct ThreadSettings {
    pub(crate) name: String,
    pub(crate) stack_size: Option<usize>,
    pub(crate) on_start: Option<Hook>,
    pub(crate) on_stop: Option<Hook>,
}

impl fmt::Debug for ThreadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadSettings")
            .field("name", &self.name)
            .field("stack_size", &self.stack_size)
            .finish_non_exhaustive()
    }
}

thread_local! {
    /// The `Threads` that this thread is one of, by address; 0 for none. It needs no destructor, so
    /// it is there to the very end of the thread.
    static OWNER: Cell<usize> = const { Cell::new(0) };
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    running: HashMap<u64, JoinHandle<()>>,
    ended: Vec<JoinHandle<()>>,
    /// No thread starts any more.
    closed: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Threads {
    settings: ThreadSettings,
    state: Mutex<State>,
    all_ended: Condvar,
}

impl Threads {
    pub(crate) fn new(settings: ThreadSettings) -> Self {
        Self { settings, state: Mutex::default(), all_ended: Condvar::new() }
    }

    /// Starts a thread called `<name>-<role>`.
    ///
    /// A panic out of `body` would be a bug of the runtime and leave it a thread short, so it ends
    /// the process; user code is contained further in.
    pub(crate) fn start(
        self: &Arc<Self>,
        role: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        self.join_ended();
        let mut builder = thread::Builder::new().name(format!("{}-{role}", self.settings.name));
        if let Some(bytes) = self.settings.stack_size {
            builder = builder.stack_size(bytes);
        }
        let mut state = self.state.lock();
        if state.closed {
            return Err(io::Error::other("the runtime has been shut down"));
        }
        let number = state.next;
        let threads = Arc::clone(self);
        let handle = builder.spawn(move || {
            OWNER.set(threads.address());
            call(threads.settings.on_start.as_ref());
            if contain(body).is_err() {
                std::process::abort();
            }
            call(threads.settings.on_stop.as_ref());
            threads.end(number);
        })?;
        state.next += 1;
        state.running.insert(number, handle);
        Ok(())
    }

    fn end(&self, number: u64) {
        let mut state = self.state.lock();
        // Absent if a shutdown has given this thread up and let go of it.
        if let Some(handle) = state.running.remove(&number) {
            state.ended.push(handle);
        }
        let was_last = state.running.is_empty();
        drop(state);
        if was_last {
            self.all_ended.notify_all();
        }
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Is the calling thread one of these?
    pub(crate) fn own_this_thread(&self) -> bool {
        OWNER.get() == self.address()
    }

    /// From here on no thread starts.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
    }

    /// How many threads run.
    pub(crate) fn running(&self) -> usize {
        self.state.lock().running.len()
    }

    /// Waits for all threads to end and joins them; those still running at `deadline` are let go.
    /// Did all end?
    pub(crate) fn join_all(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        let mut all_ended = true;
        while !state.running.is_empty() {
            let Some(deadline) = deadline else {
                state = self.all_ended.wait(state);
                continue;
            };
            let left = deadline.saturating_duration_since(now());
            if left.is_zero() {
                state.running.clear();
                all_ended = false;
            } else {
                state = self.all_ended.wait_for(state, left).0;
            }
        }
        drop(state);
        self.join_ended();
        all_ended
    }

    fn join_ended(&self) {
        let ended = std::mem::take(&mut self.state.lock().ended);
        for handle in ended {
            // A thread cannot end by a panic: see `start`.
            handle.join().ok();
        }
    }
}

/// Calls a hook, if there is one. It may panic: whatever it was told about goes on.
pub(crate) fn call(hook: Option<&Hook>) {
    if let Some(hook) = hook {
        let result: Result<(), Payload> = contain(|| hook());
        drop(result);
    }
}
