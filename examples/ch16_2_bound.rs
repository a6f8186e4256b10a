//! Chapter 16, step 2: an account in time. Run: `cargo run --release --example ch16_2_bound`
//!
//! The same worker keeps an account: its time on the home lane is credited to the other one, its
//! time on the other is charged 27 times. Then random mixtures: what is the least part of any time of 64
//! longest polls that a lane gets? The seed goes to stderr.
//!
//! Book: chapter 16.

const US: u64 = 1_000;
const MS: u64 = 1_000_000;

/// How long the worker works, in ns.
const TIME: u64 = 10_000 * MS;

/// What a turn is charged for each ns.
const RATE: i64 = 27;

/// Polls between two looks at the clock.
const STRIDE: u32 = 8;

/// Each lane gets one of so many parts at least.
const PARTS: u64 = 64;

#[derive(Clone, Copy, PartialEq)]
enum Lane {
    Home,
    Other,
}

/// Which lane is looked at first?
trait Order {
    fn next(&mut self, now: u64) -> Lane;
}

/// The home lane, except while the other one has credit.
struct Account {
    lane: Lane,
    credit: i64,
    /// When the account was settled.
    since: u64,
    /// Polls of the home lane until it is settled again.
    left: u32,
}

impl Account {
    fn new() -> Self {
        Self { lane: Lane::Home, credit: 0, since: 0, left: STRIDE }
    }
}

impl Order for Account {
    fn next(&mut self, now: u64) -> Lane {
        if self.left > 0 {
            self.left -= 1;
            return Lane::Home;
        }
        let passed = i64::try_from(now - self.since).expect("the program ends before");
        self.since = now;
        self.credit += if self.lane == Lane::Home { passed } else { -passed * RATE };
        if self.credit > 0 {
            self.lane = Lane::Other;
        } else {
            (self.lane, self.left) = (Lane::Home, STRIDE - 1);
        }
        self.lane
    }
}

/// How long each poll of a lane takes, in ns.
struct Polls {
    name: &'static str,
    home: u64,
    other: u64,
}

const MIXTURES: [Polls; 3] = [
    Polls { name: "equal polls", home: 50 * US, other: 50 * US },
    Polls { name: "long home polls", home: 50 * US, other: US },
    Polls { name: "long other polls", home: US, other: 10 * MS },
];

/// The part of the time that the other lane gets, in thousandths.
fn part_of_the_other(order: &mut dyn Order, polls: &Polls) -> u64 {
    let (mut now, mut other) = (0, 0);
    while now < TIME {
        let lane = order.next(now);
        let took = if lane == Lane::Home { polls.home } else { polls.other };
        now += took;
        if lane == Lane::Other {
            other += took;
        }
    }
    other * 1_000 / now
}

/// Polls of random length, between 1 us and `longest` ns: which lane, and how long.
fn random_polls(longest: u64, rng: &mut fastrand::Rng) -> Vec<(Lane, u64)> {
    let (mut account, mut now) = (Account::new(), 0);
    let longest_of = [rng.u64(2 * US..=longest), rng.u64(2 * US..=longest)];
    let mut poll = || {
        let lane = account.next(now);
        let took = rng.u64(US..=longest_of[lane as usize]);
        now += took;
        (lane, took)
    };
    (0..4_000).map(|_| poll()).collect()
}

/// The least that a lane gets of any time of [`PARTS`] longest polls that begins with a poll,
/// measured in longest polls: what is promised is 1.
fn least(polls: &[(Lane, u64)], lane: Lane) -> f64 {
    let longest = polls.iter().map(|(_, took)| *took).max().expect("there are some");
    let mut least = f64::INFINITY;
    for first in 0..polls.len() {
        let (mut left, mut got) = (PARTS * longest, 0);
        for (whose, took) in &polls[first..] {
            let took = left.min(*took);
            left -= took;
            got += if *whose == lane { took } else { 0 };
            if left == 0 {
                least = least.min(got as f64 / longest as f64);
                break;
            }
        }
    }
    least
}

fn main() {
    println!("thousandths of the time for the other lane, both lanes always full");
    for polls in &MIXTURES {
        let part = part_of_the_other(&mut Account::new(), polls);
        println!("{:18} {part:>10}", polls.name);
        assert!((1_000 / PARTS..=1_000 - 1_000 / PARTS).contains(&part));
    }

    let seed = fastrand::u64(..);
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut home, mut other) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..10 {
        let polls = random_polls(50 * US, &mut rng);
        home = least(&polls, Lane::Home).min(home);
        other = least(&polls, Lane::Other).min(other);
    }
    eprintln!(
        "seed {seed}: in any time of 64 longest polls, home {home:.2} of them, other {other:.2}"
    );
    assert!(home >= 1.0 && other >= 1.0, "seed {seed}: home {home}, other {other}");
    println!("10 random mixtures: each lane had its 64th of every time of 64 longest polls");
}
