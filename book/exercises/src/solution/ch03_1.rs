//! Exercise 1 of chapter 3, solved: a worker that lets nobody starve.

use flume::Receiver;

/// How often the other lane is looked at first: at every call whose number this divides.
pub const TURN: u32 = 4;

/// Two lanes, as seen by a worker.
#[derive(Debug)]
pub struct Lanes<T> {
    /// The lane this worker looks into first.
    pub home: Receiver<T>,
    /// The lane it steals from.
    pub other: Receiver<T>,
    /// How many times `take` has been called.
    pub calls: u32,
}

impl<T> Lanes<T> {
    /// Takes the next task: from `home` if it has one, else from `other`; at calls 4, 8, 12 and so on
    /// the other way round. `None` means that both lanes are empty.
    pub fn take(&mut self) -> Option<T> {
        self.calls = self.calls.wrapping_add(1);
        let (first, second) = if self.calls.is_multiple_of(TURN) {
            (&self.other, &self.home)
        } else {
            (&self.home, &self.other)
        };
        first.try_recv().or_else(|_| second.try_recv()).ok()
    }
}
