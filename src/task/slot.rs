//! Where a live task is registered, in one word.
//!
//! ```text
//! bits  0..33  the task's key in its shard, plus 2: the words below that are free for others
//! bits 33..49  the shard
//! bits 49..64  the end of the task's number, since a place is used again
//! ```
//!
//! One word, because a worker publishes with each poll whose it is: a load and a store.
//!
//! Book: chapter 17.

use std::num::NonZeroU64;

/// What keys are moved up by.
const FIRST_KEY: u64 = 2;
const KEY_BITS: u32 = 33;
const SHARD_BITS: u32 = 16;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(NonZeroU64);

impl Slot {
    pub(crate) fn new(shard: u16, key: u32) -> Self {
        let word = (u64::from(key) + FIRST_KEY) | u64::from(shard) << KEY_BITS;
        Self(NonZeroU64::new(word).expect("the lower part is at least 2"))
    }

    /// The same place, with the end of the number of the task in it.
    pub(crate) fn of(self, number: u64) -> Self {
        Self(self.0 | number << (KEY_BITS + SHARD_BITS))
    }

    pub(crate) fn shard(self) -> usize {
        usize::from(self.shard_word())
    }

    pub(crate) fn key(self) -> usize {
        usize::try_from(self.key_word()).expect("it was an index before")
    }

    /// The key as it was given.
    pub(crate) fn key_word(self) -> u32 {
        ((self.0.get() & ((1 << KEY_BITS) - 1)) - FIRST_KEY) as u32
    }

    /// The shard as it was given.
    pub(crate) fn shard_word(self) -> u16 {
        (self.0.get() >> KEY_BITS) as u16
    }

    /// Can it be the place of the task with this number? False for certain; true but for one in
    /// 32,768 of those that have the place later.
    pub(crate) fn may_be_of(self, number: u64) -> bool {
        let shift = KEY_BITS + SHARD_BITS;
        self.0.get() >> shift == number << shift >> shift
    }

    /// At least 2.
    pub(crate) fn word(self) -> u64 {
        self.0.get()
    }

    pub(crate) fn from_word(word: u64) -> Option<Self> {
        NonZeroU64::new(word).filter(|word| word.get() >= FIRST_KEY).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_read_as_it_was_written() {
        for (shard, key) in [(0, 0), (1, 7), (u16::MAX, u32::MAX)] {
            for number in [0, 1, u64::MAX] {
                let slot = Slot::new(shard, key).of(number);
                assert_eq!((slot.shard(), slot.key()), (usize::from(shard), key as usize));
                assert!(slot.may_be_of(number) && !slot.may_be_of(number ^ 1));
                assert_eq!(Slot::from_word(slot.word()), Some(slot));
            }
        }
        assert_eq!((Slot::from_word(0), Slot::from_word(1)), (None, None));
    }
}
