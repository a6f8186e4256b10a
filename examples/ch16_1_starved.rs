//! Chapter 16, step 1: a turn on every 61st tick. Run: `cargo run --release --example ch16_1_starved`
//!
//! One worker, two lanes that always have a task, and no threads: the clock is a number. What part of the
//! worker's time does the other lane get if it is never looked at first, and if it is on every
//! 61st tick?
//!
//! Book: chapter 16.

const US: u64 = 1_000;
const MS: u64 = 1_000_000;

/// How long the worker works, in ns.
const TIME: u64 = 10_000 * MS;

#[derive(Clone, Copy, PartialEq)]
enum Lane {
    Home,
    Other,
}

/// Which lane is looked at first?
trait Order {
    fn next(&mut self, now: u64) -> Lane;
}

/// The home lane, as long as it has a task.
struct HomeFirst;

impl Order for HomeFirst {
    fn next(&mut self, _now: u64) -> Lane {
        Lane::Home
    }
}

/// The home lane, except on every 61st tick.
struct Ticks {
    tick: u32,
}

impl Order for Ticks {
    fn next(&mut self, _now: u64) -> Lane {
        self.tick = (self.tick + 1) % 61;
        if self.tick == 0 { Lane::Other } else { Lane::Home }
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

fn main() {
    println!("thousandths of the time for the other lane, both lanes always full");
    println!("{:18} {:>10} {:>10}", "", "home first", "61st tick");
    let mut least = 1_000;
    let mut most = 0;
    for polls in &MIXTURES {
        let never = part_of_the_other(&mut HomeFirst, polls);
        let ticks = part_of_the_other(&mut Ticks { tick: 0 }, polls);
        println!("{:18} {never:>10} {ticks:>10}", polls.name);
        assert_eq!(never, 0, "it waits for ever");
        (least, most) = (ticks.min(least), ticks.max(most));
    }
    assert!(least == 0 && most > 900, "a turn is a number of polls, and no part of the time");
}
