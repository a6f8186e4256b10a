//! A hierarchical timer wheel: which of many deadlines have come?
//!
//! Words: time is counted in *ticks*. A *level* has 64 *slots*; a slot of level 0 is one tick, a
//! slot of level `n` is 64ⁿ ticks. An entry lies at the highest level at which its deadline and the
//! wheel's own time differ, in the slot that the deadline's digit (base 64) there names: near
//! deadlines exactly, far ones roughly. When the wheel's time reaches the start of a slot above
//! level 0, its entries *cascade*: each moves to where it now belongs, at a lower level.
//!
//! ```text
//!   level 0   |0|1|2|...|63|            one tick each
//!   level 1   |0      |1      |...      64 ticks each, cascades into level 0
//!   level 2   |0              ...       4,096 ticks each, cascades into level 1
//! ```
//!
//! Invariants:
//! - an entry at level `n` agrees with `elapsed` in all digits above `n`, and its digit at `n` is
//!   greater than that of `elapsed` (or equal: at level 0, and in the slot being drained);
//! - so every entry of a lower level is earlier than every entry of a higher one, and `elapsed`
//!   never passes the start of a slot that holds something;
//! - entries of one slot keep the order in which they were inserted; so entries fire in the order
//!   of their deadlines, those of one tick first come, first served;
//! - where an entry lies follows from its deadline and `elapsed`, so it is not stored; except for
//!   those of the slot being drained, which are known by the ends of its list;
//! - an entry that has fired keeps its place, in no list, until the owner of its key takes it out:
//!   so a key never comes to name another entry, and neither needs to carry a generation.
//!
//! Insert, remove and expire cost O(levels) per entry at worst, whatever the number of entries.
//! Eleven levels reach every number of 64 bits, so there is no deadline beyond the wheel.
//!
//! From G. Varghese and T. Lauck, "Hashed and hierarchical timing wheels", SOSP 1987 (their scheme
//! 7). Ours differs in three things: a bit map per level finds the next occupied slot without
//! walking the empty ones; entries live in one growing array and are linked by index, so that removal
//! is O(1) without unsafe code; and the work per call is bounded, cascading included.
//!
//! The array is our own, not the crate slab's, since an entry is written in its place: slab takes it as
//! a whole, copied 16 bytes at a time right after it was written 8 at a time, and a processor waits for
//! that. 60 ns a timer became 54 (`timer-drop-1`, November 2026).
//!
//! Book: chapter 15.

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = u64::BITS.div_ceil(BITS) as usize;

/// The end of a list.
const NIL: u32 = u32::MAX;

/// What `previous` says of an entry that has fired.
const FIRED: u32 = u32::MAX - 1;

const OWNED: &str = "whoever has a key, or a place in a list, has an entry";

/// Owns an entry, fired or not, until that is [removed](Wheel::remove).
#[derive(Debug)]
pub(crate) struct Key(u32);

/// The wheel. `T` is what an expired entry hands back.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    elapsed: u64,
    /// Made for the first entry: many a runtime has no timer.
    levels: Vec<Level>,
    entries: Vec<Entry<T>>,
    /// The first vacant place among them; the others follow by `next`.
    vacant: u32,
    /// Entries that have not fired.
    waiting: usize,
    /// The slot whose entries are being fired or cascaded, if the last call stopped half way.
    draining: Option<Place>,
}

#[derive(Debug)]
struct Entry<T> {
    /// `None`: the place is vacant.
    value: Option<T>,
    when: u64,
    previous: u32,
    next: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    level: u8,
    slot: u8,
}

/// A list of entries, first in, first out. Meaningless while the slot is not marked occupied.
#[derive(Clone, Copy, Debug)]
struct List {
    head: u32,
    tail: u32,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    /// Bit `n` is set exactly if slot `n` holds an entry.
    occupied: u64,
    slots: [List; SLOTS],
}

impl<T> Wheel<T> {
    pub(crate) fn new() -> Self {
        Self {
            elapsed: 0,
            levels: Vec::new(),
            entries: Vec::new(),
            vacant: NIL,
            waiting: 0,
            draining: None,
        }
    }

    /// How many entries have not fired.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Is there no entry at all, fired or not?
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.iter().all(|entry| entry.value.is_none())
    }

    /// Adds an entry due at tick `when`. One that is due already fires at the next
    /// [`expire`](Self::expire).
    pub(crate) fn insert(&mut self, when: u64, value: T) -> Key {
        let index = self.vacant;
        let index = match self.entries.get_mut(index as usize) {
            Some(entry) => {
                self.vacant = entry.next;
                entry.value = Some(value);
                entry.when = when;
                index
            }
            None => self.push(when, value),
        };
        self.waiting += 1;
        self.link(index, self.place_of(when));
        Key(index)
    }

    #[cold]
    fn push(&mut self, when: u64, value: T) -> u32 {
        let empty = Level { occupied: 0, slots: [List { head: NIL, tail: NIL }; SLOTS] };
        self.levels.resize(LEVELS, empty);
        let index = u32::try_from(self.entries.len()).ok().filter(|index| *index < FIRED);
        self.entries.push(Entry { value: Some(value), when, previous: NIL, next: NIL });
        index.expect("four thousand million timers do not fit into memory")
    }

    /// Takes an entry out, fired or not, and hands back its value. The key is good for nothing after.
    #[inline]
    pub(crate) fn remove(&mut self, key: &Key) -> T {
        if !self.has_fired(key) {
            self.unlink(key.0);
            self.waiting -= 1;
        }
        let entry = &mut self.entries[key.0 as usize];
        entry.next = std::mem::replace(&mut self.vacant, key.0);
        entry.value.take().expect(OWNED)
    }

    #[inline]
    pub(crate) fn has_fired(&self, key: &Key) -> bool {
        self.entries[key.0 as usize].previous == FIRED
    }

    /// The value of an entry.
    pub(crate) fn get_mut(&mut self, key: &Key) -> &mut T {
        self.entries[key.0 as usize].value.as_mut().expect(OWNED)
    }

    /// The next tick at which there is something to do; never later than the earliest deadline,
    /// but earlier if entries have to cascade first. `None` if the wheel is empty.
    pub(crate) fn next(&self) -> Option<u64> {
        self.next_slot().map(|(_, start)| start)
    }

    /// Moves the wheel's time to `now` and fires what is due, in order; stops after `limit` steps
    /// (an entry fired or cascaded is one step). Returns the steps left: with none left there may
    /// be more to fire, and [`next`](Self::next) says so.
    pub(crate) fn expire(&mut self, now: u64, limit: usize, mut fire: impl FnMut(&mut T)) -> usize {
        let mut left = limit;
        while left > 0 {
            let Some((place, start)) = self.next_slot() else { break };
            if start > now {
                break;
            }
            self.elapsed = self.elapsed.max(start);
            self.draining = Some(place);
            left = self.drain(place, left, &mut fire);
        }
        if left > 0 {
            // Nothing starts before or at `now` any more, so no entry is overtaken.
            self.elapsed = self.elapsed.max(now);
        }
        left
    }

    /// Takes everything out; `each` gets what has not fired. No key is good for anything after.
    pub(crate) fn clear(&mut self, mut each: impl FnMut(T)) {
        for entry in self.entries.drain(..).filter(|entry| entry.previous != FIRED) {
            entry.value.into_iter().for_each(&mut each);
        }
        self.vacant = NIL;
        self.waiting = 0;
        for level in &mut self.levels {
            level.occupied = 0;
        }
        self.draining = None;
    }

    /// Fires (level 0) or cascades (above) the entries of a slot, at most `left` of them.
    fn drain(&mut self, place: Place, mut left: usize, fire: &mut impl FnMut(&mut T)) -> usize {
        while let Some(index) = self.first(place) {
            if left == 0 {
                return 0;
            }
            left -= 1;
            self.unlink(index);
            let entry = &mut self.entries[index as usize];
            if place.level == 0 {
                entry.previous = FIRED;
                self.waiting -= 1;
                fire(entry.value.as_mut().expect(OWNED));
            } else {
                let lower = self.place_of(self.entries[index as usize].when);
                debug_assert!(lower.level < place.level, "a cascade moves down");
                self.link(index, lower);
            }
        }
        self.draining = None;
        left
    }

    /// The earliest occupied slot and the tick at which it starts.
    fn next_slot(&self) -> Option<(Place, u64)> {
        if let Some(place) = self.draining
            && self.first(place).is_some()
        {
            return Some((place, self.elapsed));
        }
        let (level, slot) = self.levels.iter().enumerate().find_map(|(number, level)| {
            let digit = digit(self.elapsed, number);
            // Slots before our own digit are empty: an entry is never behind the wheel's time.
            let ahead = level.occupied >> digit;
            (ahead != 0).then(|| (number, digit + ahead.trailing_zeros()))
        })?;
        let shift = BITS * level as u32;
        let above = if level + 1 == LEVELS { 0 } else { self.elapsed >> (shift + BITS) };
        let start = ((above << BITS) | u64::from(slot)) << shift;
        let place = Place { level: level as u8, slot: slot as u8 };
        Some((place, start.max(self.elapsed)))
    }

    /// Where a deadline belongs, seen from `elapsed`.
    #[inline]
    fn place_of(&self, when: u64) -> Place {
        let when = when.max(self.elapsed);
        let differing = (when ^ self.elapsed) | 1;
        let level = (differing.ilog2() / BITS) as usize;
        Place { level: level as u8, slot: digit(when, level) as u8 }
    }

    fn first(&self, place: Place) -> Option<u32> {
        let level = &self.levels[place.level as usize];
        (level.occupied & (1 << place.slot) != 0).then(|| level.slots[place.slot as usize].head)
    }

    #[inline]
    fn link(&mut self, index: u32, place: Place) {
        let level = &mut self.levels[place.level as usize];
        let list = &mut level.slots[place.slot as usize];
        let bit = 1 << place.slot;
        let previous = if level.occupied & bit == 0 { NIL } else { list.tail };
        level.occupied |= bit;
        list.tail = index;
        match previous {
            NIL => list.head = index,
            last => self.entries[last as usize].next = index,
        }
        let entry = &mut self.entries[index as usize];
        entry.previous = previous;
        entry.next = NIL;
    }

    #[inline]
    fn unlink(&mut self, index: u32) {
        let Entry { previous, next, when, .. } = self.entries[index as usize];
        if previous != NIL {
            self.entries[previous as usize].next = next;
        }
        if next != NIL {
            self.entries[next as usize].previous = previous;
        }
        if previous != NIL && next != NIL {
            return;
        }
        let place = match self.draining {
            Some(place) if self.is_end(place, index) => place,
            _ => self.place_of(when),
        };
        let level = &mut self.levels[place.level as usize];
        let list = &mut level.slots[place.slot as usize];
        match (previous, next) {
            (NIL, NIL) => level.occupied &= !(1 << place.slot),
            (NIL, _) => list.head = next,
            _ => list.tail = previous,
        }
    }

    /// Is the entry at an end of the list in `place`?
    fn is_end(&self, place: Place, index: u32) -> bool {
        let list = &self.levels[place.level as usize].slots[place.slot as usize];
        self.first(place).is_some() && (list.head == index || list.tail == index)
    }
}

/// The digit of `tick` at `level`, base 64.
fn digit(tick: u64, level: usize) -> u32 {
    (tick >> (BITS * level as u32)) as u32 & (SLOTS as u32 - 1)
}

#[cfg(test)]
#[path = "wheel_tests.rs"]
mod tests;
