//! The wheel against a naive model: a sorted map from (deadline, order of insertion) to entry.
//!
//! Book: chapter 15.

use super::*;
use std::collections::BTreeMap;

/// What the wheel should do, written so that it cannot be wrong.
#[derive(Default)]
struct Model {
    entries: BTreeMap<(u64, u64), u64>,
    now: u64,
}

impl Model {
    /// An entry that is overdue when inserted fires with those of the current tick.
    fn insert(&mut self, when: u64, serial: u64) -> (u64, u64) {
        let at = (when.max(self.now), serial);
        self.entries.insert(at, serial);
        at
    }

    fn expire(&mut self, now: u64) -> Vec<u64> {
        self.now = self.now.max(now);
        let later = self.entries.split_off(&(self.now, u64::MAX));
        std::mem::replace(&mut self.entries, later).into_values().collect()
    }
}

fn expire_all(wheel: &mut Wheel<u64>, now: u64) -> Vec<u64> {
    let mut fired = Vec::new();
    let left = wheel.expire(now, usize::MAX, |value| fired.push(*value));
    assert!(left > 0);
    fired
}

#[test]
fn an_entry_fires_at_its_tick_and_not_before() {
    let mut wheel = Wheel::new();
    wheel.insert(5, 1);
    assert_eq!(wheel.next(), Some(5));
    assert_eq!(expire_all(&mut wheel, 4), []);
    assert_eq!(expire_all(&mut wheel, 5), [1]);
    assert_eq!(wheel.waiting(), 0);
    assert_eq!(wheel.next(), None);
}

#[test]
fn entries_on_both_sides_of_every_level_boundary_fire_at_their_tick() {
    for start in [0, 1, 62, 63, 64, 4_095, 4_096, 262_143, 1 << 30] {
        for level in 1..LEVELS as u32 - 1 {
            let boundary = 1_u64 << (BITS * level);
            for when in [boundary - 1, boundary, boundary + 1, 2 * boundary - 1] {
                let when = start + when;
                let mut wheel = Wheel::new();
                expire_all(&mut wheel, start);
                wheel.insert(when, 7);
                assert_eq!(expire_all(&mut wheel, when - 1), [], "early: {start} {when}");
                assert_eq!(expire_all(&mut wheel, when), [7], "late: {start} {when}");
            }
        }
    }
}

#[test]
fn the_last_ticks_of_all_are_told_apart() {
    let mut wheel = Wheel::new();
    wheel.insert(u64::MAX, 1);
    wheel.insert(u64::MAX - 1, 2);
    wheel.insert(1 << 63, 3);
    assert_eq!(expire_all(&mut wheel, (1 << 63) - 1), []);
    assert_eq!(expire_all(&mut wheel, 1 << 63), [3]);
    assert_eq!(expire_all(&mut wheel, u64::MAX - 1), [2]);
    assert_eq!(expire_all(&mut wheel, u64::MAX), [1]);
}

#[test]
fn entries_fire_by_deadline_and_those_of_one_tick_in_order_of_insertion() {
    let mut wheel = Wheel::new();
    for (serial, when) in [(0, 900), (1, 70), (2, 900), (3, 5), (4, 70), (5, 900)] {
        wheel.insert(when, serial);
    }
    assert_eq!(expire_all(&mut wheel, 10_000), [3, 1, 4, 0, 2, 5]);
}

#[test]
fn an_overdue_entry_fires_at_the_next_call() {
    let mut wheel = Wheel::new();
    expire_all(&mut wheel, 1_000_000);
    wheel.insert(3, 1);
    assert_eq!(wheel.next(), Some(1_000_000));
    assert_eq!(expire_all(&mut wheel, 1_000_000), [1]);
}

#[test]
fn a_removed_entry_does_not_fire() {
    let mut wheel = Wheel::new();
    let key = wheel.insert(5, 1);
    assert_eq!(wheel.remove(&key), 1);
    let other = wheel.insert(6, 2);
    assert_eq!(other.0, key.0, "the place is used again");
    assert_eq!(expire_all(&mut wheel, 10), [2]);
}

#[test]
fn an_entry_that_has_fired_keeps_its_place_until_it_is_removed() {
    let mut wheel = Wheel::new();
    let key = wheel.insert(5, 1);
    assert!(!wheel.has_fired(&key));
    assert_eq!(expire_all(&mut wheel, 5), [1]);
    assert!(wheel.has_fired(&key));
    assert!(wheel.waiting() == 0 && !wheel.is_empty());
    let other = wheel.insert(6, 2);
    assert_ne!(other.0, key.0, "the place is taken");
    assert_eq!(wheel.remove(&key), 1);
    assert_eq!(expire_all(&mut wheel, 6), [2]);
    assert_eq!(wheel.remove(&other), 2);
    assert!(wheel.is_empty());
}

#[test]
fn an_entry_is_small() {
    assert!(size_of::<Entry<std::task::Waker>>() <= 32);
}

#[test]
fn many_entries_of_one_deadline_fire_in_bounded_slices_and_in_order() {
    // 5,000 is above level 0, so the slices also interrupt a cascade.
    let mut wheel = Wheel::new();
    for serial in 0..1_000 {
        wheel.insert(5_000, serial);
    }
    let mut fired = Vec::new();
    let mut calls = 0;
    while wheel.expire(6_000, 64, |value| fired.push(*value)) == 0 {
        assert!(wheel.next().is_some_and(|next| next <= 6_000), "it says that there is more");
        calls += 1;
    }
    assert!(calls >= 1_000 / 64);
    assert!(fired.is_sorted() && fired.len() == 1_000);
}

#[test]
fn an_entry_inserted_in_the_middle_of_a_slice_is_not_lost() {
    let mut wheel = Wheel::new();
    for serial in 0..10 {
        wheel.insert(5_000, serial);
    }
    let mut fired = Vec::new();
    assert_eq!(wheel.expire(6_000, 3, |value| fired.push(*value)), 0);
    wheel.insert(5_001, 100);
    wheel.insert(1, 101);
    wheel.insert(70_000, 102);
    fired.extend(expire_all(&mut wheel, 6_000));
    fired.sort_unstable();
    assert_eq!(fired, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 101]);
    assert_eq!(expire_all(&mut wheel, 70_000), [102]);
}

#[test]
fn clearing_hands_everything_back() {
    let mut wheel = Wheel::new();
    for serial in 0..100 {
        wheel.insert(serial * serial * serial, serial);
    }
    let mut all = Vec::new();
    wheel.clear(|value| all.push(value));
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
    assert_eq!(wheel.waiting(), 0);
    assert_eq!(wheel.next(), None);
    wheel.insert(9, 1);
    assert_eq!(expire_all(&mut wheel, 9), [1]);
}

/// A distance that is often near, sometimes at a boundary, now and then enormous.
fn distance(random: &mut fastrand::Rng) -> u64 {
    match random.u32(0..10) {
        0..=4 => random.u64(0..200),
        5..=6 => random.u64(0..300_000),
        7 => (1_u64 << random.u32(0..64)).saturating_add_signed(random.i64(-2..3)),
        8 => random.u64(0..1 << 47),
        _ => random.u64(..),
    }
}

#[test]
fn random_operations_agree_with_the_model() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        one_random_run(&mut random, 2_000);
    }
}

fn one_random_run(random: &mut fastrand::Rng, operations: u64) {
    let mut wheel = Wheel::new();
    let mut model = Model::default();
    let mut alive = Vec::new();
    for serial in 0..operations {
        match random.u32(0..10) {
            0..=4 => {
                let when = model.now.saturating_add(distance(random));
                alive.push((wheel.insert(when, serial), serial, model.insert(when, serial)));
            }
            5..=6 if !alive.is_empty() => {
                let (key, serial, at) = alive.swap_remove(random.usize(0..alive.len()));
                assert_eq!(wheel.has_fired(&key), model.entries.remove(&at).is_none());
                assert_eq!(wheel.remove(&key), serial);
            }
            7 => {
                let first = model.entries.keys().next().map(|&(when, _)| when);
                let next = wheel.next();
                assert_eq!(next.is_some(), first.is_some());
                assert!(next <= first, "{next:?} is later than {first:?}");
            }
            _ => {
                let now = model.now.saturating_add(distance(random));
                let limit = if random.bool() { usize::MAX } else { random.usize(1..20) };
                let mut fired = Vec::new();
                while wheel.expire(now, limit, |value| fired.push(*value)) == 0 {}
                assert_eq!(fired, model.expire(now), "now {now}");
            }
        }
    }
    assert_eq!(expire_all(&mut wheel, u64::MAX), model.expire(u64::MAX));
    for (key, serial, _) in alive {
        assert_eq!(wheel.remove(&key), serial);
    }
    assert!(wheel.is_empty() && wheel.waiting() == 0);
}
