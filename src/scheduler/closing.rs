//! Something that is done once, by the first who asks; the others wait for the same result.
//!
//! Book: chapter 18.

use crate::sync::internal::{Condvar, Mutex};

#[derive(Debug)]
enum State<R> {
    Open,
    UnderWay,
    Done(R),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Closing<R> {
    state: Mutex<State<R>>,
    done: Condvar,
}

impl<R: Clone> Closing<R> {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State::Open), done: Condvar::new() }
    }

    /// Has anybody begun?
    pub(crate) fn has_begun(&self) -> bool {
        !matches!(*self.state.lock(), State::Open)
    }

    /// Calls `close` if nobody has yet, with no lock held; else waits for whoever has.
    pub(crate) fn once(&self, close: impl FnOnce() -> R) -> R {
        let mut state = self.state.lock();
        if matches!(*state, State::Open) {
            *state = State::UnderWay;
            drop(state);
            let result = close();
            *self.state.lock() = State::Done(result.clone());
            self.done.notify_all();
            return result;
        }
        loop {
            match &*state {
                State::Done(result) => return result.clone(),
                _ => state = self.done.wait(state),
            }
        }
    }
}
