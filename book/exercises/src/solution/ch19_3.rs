//! Exercise 3 of chapter 19, solved: how often must chance try?

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
pub fn tries(harmless: usize, die: &mut Die) -> usize {
    let mut runs = 1;
    while !loses(harmless, die) {
        runs += 1;
    }
    runs
}

/// One run: is the task lost in it?
fn loses(harmless: usize, die: &mut Die) -> bool {
    // How many of its two steps each side has before it, behind the harmless ones.
    let mut left = [harmless + 2; 2];
    let (mut is_queued, mut is_announced) = (false, false);
    while left != [0, 0] {
        let side = die.throw(2);
        if left[side] == 0 {
            continue;
        }
        left[side] -= 1;
        match (side, left[side]) {
            (0, 1) if is_queued => return false,
            (0, 0) => is_announced = true,
            (1, 1) => is_queued = true,
            (1, 0) if is_announced => return false,
            _ => {}
        }
    }
    // The worker has seen no task, and the pusher nobody asleep.
    true
}
