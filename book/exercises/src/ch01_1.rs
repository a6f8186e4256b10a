//! Exercise 1 of chapter 1: a latch.
//!
//! A latch starts with a number. Threads count it down, others wait until it is zero; once it is, nobody
//! waits any more. Step 3 shows how to wait so that it does not matter who comes first.

/// Lets threads wait until others have counted down to zero.
#[derive(Debug)]
pub struct Latch {
    // What do the threads share, and who is told when it changes?
}

impl Latch {
    /// Makes a latch that has to be counted down `count` times.
    #[expect(unused_variables, reason = "this is for you to write")]
    pub fn new(count: usize) -> Self {
        todo!("a `Mutex` around the number, and a `Condvar`")
    }

    /// Counts down by one. Below zero it does nothing.
    pub fn count_down(&self) {
        todo!("whoever brings it to zero tells all who wait, not one of them")
    }

    /// Waits until the latch is at zero; returns at once if it is.
    pub fn wait(&self) {
        todo!("`Condvar::wait_while`")
    }
}
