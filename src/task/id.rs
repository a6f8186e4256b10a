//! Task numbers: unique in the process, handed out in blocks.
//!
//! A task keeps 48 bits of its number, which are enough for a million tasks a second in nine years.
//!
//! Book: chapter 3.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sync::internal::thread_local;

/// How many ids a thread takes at once, so that a spawn does not meet the other threads here.
const ID_BLOCK: u64 = 1024;

/// The number of a task, unique in the process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

impl TaskId {
    #[inline]
    pub(crate) fn next() -> Self {
        static BLOCKS: AtomicU64 = AtomicU64::new(ID_BLOCK);
        thread_local! {
            static NEXT: Cell<u64> = const { Cell::new(0) };
        }
        // Relaxed: only the number counts, nothing is published with it.
        let block = || BLOCKS.fetch_add(ID_BLOCK, Ordering::Relaxed);
        let id = NEXT.try_with(|next| {
            let id = if next.get().is_multiple_of(ID_BLOCK) { block() } else { next.get() };
            next.set(id + 1);
            id
        });
        // A thread whose locals are gone takes a whole block for one id.
        Self(id.unwrap_or_else(|_| block()))
    }

    pub(crate) const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    pub(crate) const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({})", self.0)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_million_ids_from_four_threads_are_all_different() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| (0..250_000).map(|_| TaskId::next()).collect::<Vec<_>>())
            })
            .collect();
        let mut ids: Vec<_> =
            threads.into_iter().flat_map(|t| t.join().expect("the thread ends well")).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1_000_000);
    }
}
