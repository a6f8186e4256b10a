//! What stands in for a task where the slot runs alone: it need only be handed on as an address. That is
//! made of its number, so that to get one twice is an error and no crash.
//!
//! Book: chapter 19.

use std::marker::PhantomData;
use std::ptr::NonNull;

/// Nothing is asked of a host but that it is one.
pub(crate) trait Host: 'static {}

impl Host for () {}

/// See the module.
#[derive(Debug)]
pub(crate) struct Runnable<H: Host> {
    number: usize,
    host: PhantomData<fn() -> H>,
}

impl<H: Host> Runnable<H> {
    pub(crate) fn new(number: usize) -> Self {
        Self { number, host: PhantomData }
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn into_raw(self) -> NonNull<()> {
        NonNull::without_provenance(self.number.try_into().expect("numbers begin at 1"))
    }

    /// # Safety
    ///
    /// None; as in the cell.
    #[expect(unsafe_code, reason = "as in the cell, where this stands for a task's allocation")]
    pub(crate) unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Self::new(raw.addr().get())
    }
}
