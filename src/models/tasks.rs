//! What stands in for tasks where the model checker runs: the registry and the slot need no more of them
//! than that they enter, leave, and can be handed on as an address.
//!
//! Book: chapter 19.

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::sync::internal::Arc;

/// Nothing is asked of a host but that it is one.
pub(crate) trait Host: 'static {}

impl Host for () {}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    shard: usize,
    number: usize,
}

impl Place {
    pub(crate) fn shard(self) -> usize {
        self.shard
    }
}

/// A task that has not entered yet.
#[derive(Debug)]
pub(crate) struct Newborn<'a, H> {
    shard: u8,
    host: PhantomData<&'a H>,
}

impl<H> Newborn<'_, H> {
    pub(crate) fn new(shard: u8) -> Self {
        Self { shard, host: PhantomData }
    }

    pub(crate) fn shard(&self) -> u8 {
        self.shard
    }

    pub(crate) fn kind(&self) -> Kind {
        Kind::Any
    }
}

/// A task. Its address is made of its number, so that to get one twice is an error and no crash.
#[derive(Debug)]
pub(crate) struct Runnable<H: Host> {
    place: Place,
    host: PhantomData<fn() -> H>,
}

impl<H: Host> Runnable<H> {
    pub(crate) fn new(number: usize) -> Self {
        Self { place: Place { shard: 0, number }, host: PhantomData }
    }

    pub(crate) fn number(&self) -> usize {
        self.place.number
    }

    /// Its future is dropped.
    pub(crate) fn end(self) -> Leaving<H> {
        Leaving { place: self.place, host: PhantomData }
    }

    pub(crate) fn into_raw(self) -> NonNull<()> {
        assert_eq!(self.place.shard, 0, "such a task is in the first shard");
        NonNull::without_provenance(self.place.number.try_into().expect("numbers begin at 1"))
    }

    /// # Safety
    ///
    /// None; as in the cell.
    #[expect(unsafe_code, reason = "as in the cell, where this stands for a task's allocation")]
    pub(crate) unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Self::new(raw.addr().get())
    }
}

#[derive(Debug)]
pub(crate) struct Leaving<H> {
    place: Place,
    host: PhantomData<fn() -> H>,
}

impl<H> Leaving<H> {
    pub(crate) fn place(&self) -> Place {
        self.place
    }
}

#[derive(Debug)]
pub(crate) struct LiveTask<'a, H>(PhantomData<&'a H>);

/// How many there are, and have been.
#[derive(Debug)]
pub(crate) struct LiveTasks<H> {
    len: usize,
    entered: usize,
    host: PhantomData<fn() -> H>,
}

impl<H: Host> LiveTasks<H> {
    pub(crate) const fn new() -> Self {
        Self { len: 0, entered: 0, host: PhantomData }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = LiveTask<'_, H>> {
        std::iter::empty()
    }

    pub(crate) fn at(&self, _: Place) -> Option<LiveTask<'_, H>> {
        None
    }

    pub(crate) fn enter(&mut self, newborn: Newborn<'_, H>) -> Runnable<H> {
        self.len += 1;
        self.entered += 1;
        let Newborn { shard, .. } = newborn;
        let place = Place { shard: shard.into(), number: self.entered };
        Runnable { place, host: PhantomData }
    }

    pub(crate) fn leave(&mut self, _: &Leaving<H>) -> Option<Arc<H>> {
        self.len -= 1;
        None
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Any,
}

impl Kind {
    pub(crate) const COUNT: usize = 1;

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// How many shards there can be.
pub(crate) const MOST_SHARDS: usize = 4;
