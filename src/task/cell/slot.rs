//! A place for one task, which one thread fills and any thread empties.
//!
//! ```text
//!            fill (the owner)
//!   empty ---------------------> full      An exchange decides who of several takes the task.
//!     ^                           |        To fill takes none: nobody else does, so what the owner
//!     +------ take (anybody) -----+        finds empty stays so.
//! ```
//!
//! Book: chapter 12.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};

use super::{Host, Runnable};
use crate::sync::internal::{AtomicPtr, Ordering};

/// See the module.
pub(crate) struct Slot<H: Host>(AtomicPtr<()>, PhantomData<fn() -> Runnable<H>>);

impl<H: Host> Slot<H> {
    pub(crate) fn new() -> Self {
        Self(AtomicPtr::new(null_mut()), PhantomData)
    }

    /// Puts a task in; gives it back if there is one already.
    pub(crate) fn fill(&self, task: Runnable<H>) -> Result<(), Runnable<H>> {
        // Relaxed: nothing is read through it.
        if !self.0.load(Ordering::Relaxed).is_null() {
            return Err(task);
        }
        // Release: whoever takes the task sees what was done to it before.
        self.0.store(task.into_raw().as_ptr(), Ordering::Release);
        Ok(())
    }

    pub(crate) fn take(&self) -> Option<Runnable<H>> {
        // Relaxed: nothing is read through it.
        if self.0.load(Ordering::Relaxed).is_null() {
            return None;
        }
        // Acquire: pairs with the store in `fill`.
        let task = NonNull::new(self.0.swap(null_mut(), Ordering::Acquire))?;
        // SAFETY: `fill` has put it in, and the exchange gives it to one taker alone.
        Some(unsafe { Runnable::from_raw(task) })
    }
}

impl<H: Host> Drop for Slot<H> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl<H: Host> fmt::Debug for Slot<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}
