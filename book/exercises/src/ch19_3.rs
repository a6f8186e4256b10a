//! Exercise 3 of chapter 19: how often must chance try?
//!
//! The naive worker of chapter 13 looks, announces itself, and sleeps; the pusher pushes, and asks whether the
//! worker sleeps. Before that, each makes a number of steps that harm nobody. Draw who goes next, step after
//! step, until both have ended; and begin again, until the task is lost.

/// A die of as many sides as you like, the same throws for the same seed.
#[derive(Debug)]
pub struct Die(u64);

impl Die {
    /// A die that throws as `seed` says.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed >> 33) % sides as u64).expect("it is below `sides`")
    }
}

/// How many runs it takes until one loses the task, that one counted, if there are `harmless` steps before
/// the protocol on either side.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn tries(harmless: usize, die: &mut Die) -> usize {
    todo!("where is either side, is the task queued, has the worker announced itself?")
}
