//! Which wakers are ours, and a shield for those that are not.
//!
//! A waker made by somebody else may panic when it is woken, cloned or dropped, and `async-task`
//! aborts the process when the waker of a task's awaiter does. So each poll of ours notes its own
//! waker in a thread-local; a handle awaited with that one registers it as it is, and any other is
//! registered behind a [`Shield`].
//!
//! Book: chapter 18.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Wake, Waker};

use super::contain::contain;
use crate::sync::internal::thread_local;

/// A waker's two words, its data and its table of functions, mixed into one. Two words here, written
/// and read back as one of 16 bytes, cost a fifth of a yield: the processor cannot forward such a
/// store (`yield-1`, 2026-11). Two wakers of one mixture would have to be made for it, and nothing
/// is lost then but the shield.
type Mark = usize;

const NOBODY: Mark = 0;

thread_local! {
    /// It needs no destructor, so it is there to the very end of the thread.
    static NATIVE: Cell<Mark> = const { Cell::new(NOBODY) };
}

#[inline]
fn mark(waker: &Waker) -> Mark {
    waker.data().addr().rotate_left(usize::BITS / 2) ^ std::ptr::from_ref(waker.vtable()).addr()
}

/// Marks the waker of the poll under way as one of ours, until it is dropped.
#[derive(Debug)]
pub(crate) struct Native {
    before: Mark,
}

impl Native {
    #[inline]
    pub(crate) fn enter(waker: &Waker) -> Self {
        Self::replace(mark(waker))
    }

    /// No poll is under way until the guard is dropped: this thread runs synchronous code.
    pub(crate) fn leave() -> Self {
        Self::replace(NOBODY)
    }

    #[inline]
    fn replace(mark: Mark) -> Self {
        Self { before: NATIVE.replace(mark) }
    }

    #[inline]
    pub(crate) fn is(waker: &Waker) -> bool {
        NATIVE.get() == mark(waker)
    }

    /// Is a poll of ours under way on this thread?
    #[inline]
    pub(crate) fn is_polling() -> bool {
        NATIVE.get() != NOBODY
    }
}

impl Drop for Native {
    #[inline]
    fn drop(&mut self) {
        NATIVE.set(self.before);
    }
}

/// A foreign waker whose panics are contained.
#[derive(Debug)]
pub(crate) struct Shield(Waker);

impl Shield {
    pub(crate) fn around(waker: &Waker) -> Waker {
        Waker::from(Arc::new(Shield(waker.clone())))
    }
}

impl Wake for Shield {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        drop(contain(|| self.0.wake_by_ref()));
    }
}

impl Drop for Shield {
    fn drop(&mut self) {
        // Moved out by a swap with a waker that does nothing: the foreign drop runs contained.
        let waker = std::mem::replace(&mut self.0, Waker::noop().clone());
        drop(contain(|| drop(waker)));
    }
}
