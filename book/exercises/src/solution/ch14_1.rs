//! Exercise 1 of chapter 14, solved: whom does a worker wake that leaves the driver?

/// What a worker sees that has just let go of the driver.
#[derive(Clone, Debug)]
pub struct Seen {
    /// It has something to poll; without that it will be back in a moment.
    pub has_work: bool,
    /// Somebody holds the driver again.
    pub held: bool,
    /// How many workers are awake without work, looking for some.
    pub searching: usize,
    /// The workers that sleep elsewhere, the one that fell asleep last at the end.
    pub asleep: Vec<usize>,
}

/// Whom to wake, so that somebody waits for the kernel while this worker polls. Nobody in vain; and if
/// there is a choice, the one that fell asleep last, whose caches are warmest.
pub fn to_wake(seen: &Seen) -> Option<usize> {
    let in_vain = !seen.has_work || seen.held || seen.searching > 0;
    seen.asleep.last().copied().filter(|_| !in_vain)
}
