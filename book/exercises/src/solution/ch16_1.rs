//! Exercise 1 of chapter 16, solved: an account of what the other lane is owed.

/// Which lane the worker has polled, or polls next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Looked at first.
    Home,
    /// Looked at in its turns.
    Other,
}

/// What the other lane is owed. Both lanes always have a task.
#[derive(Debug)]
pub struct Account {
    /// What each ns of a turn costs, in ns of the home lane.
    pub rate: i64,
    /// In ns of the home lane; below zero it is a debt.
    pub credit: i64,
}

impl Account {
    /// A poll of `lane` has taken so many ns.
    pub fn polled(&mut self, lane: Lane, took: i64) {
        self.credit += if lane == Lane::Home { took } else { -took * self.rate };
    }

    /// Which lane is polled next?
    pub fn next(&self) -> Lane {
        if self.credit > 0 { Lane::Other } else { Lane::Home }
    }
}
