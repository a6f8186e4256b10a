//! Timers: the wheels, and the wakers that wait in them.
//!
//! There are a few *shards*, each a wheel behind a plain lock, and a thread always adds to the same
//! one, so threads seldom meet. The holder of the driver fires all of them. Each shard publishes
//! its earliest tick, so that a turn with nothing due takes no lock at all.
//!
//! Invariant: no waker is cloned, woken or dropped while a shard is locked: that is user code.
//!
//! Book: chapter 15.

use super::RuntimeGone;
use super::alarm::{Alarm, NEVER, Next};
use super::wheel::{Key, Wheel};
use crate::sync::internal::{Mutex, MutexGuard};
use crossbeam_utils::CachePadded;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

/// Enough that threads seldom share one; few enough that a turn looks at all of them.
const SHARDS: usize = 4;

/// How many timers one turn fires or cascades at most, so that sockets get their turn too.
const SLICE: usize = 1024;

/// Owns a timer until [`Timers::poll`] says that it is over, or it is given back to
/// [`Timers::remove`]. Whoever merely drops it leaves its place taken.
#[derive(Debug)]
pub(crate) struct TimerKey {
    key: Key,
    shard: ShardNumber,
}

/// An enum, not a number, so that whoever holds a key or something else needs no byte to say which.
#[derive(Clone, Copy, Debug)]
enum ShardNumber {
    First,
    Second,
    Third,
    Fourth,
}

impl ShardNumber {
    const ALL: [Self; SHARDS] = [Self::First, Self::Second, Self::Third, Self::Fourth];
}

/// What became of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Waiting,
    /// Its key is good for nothing any more.
    Fired,
    /// The driver was closed before the timer was due. Its key is good for nothing any more.
    Abandoned,
}

/// Whether the holder of the driver sleeps too long for a timer just added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Holder {
    IsUpInTime,
    MustBeUnparked,
}

/// All timers of one driver.
#[derive(Debug)]
pub(crate) struct Timers {
    shards: [CachePadded<Shard>; SHARDS],
    pub(crate) alarm: Alarm,
}

#[derive(Debug)]
struct Shard {
    next: Next,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    wheel: Wheel<Waker>,
    closed: bool,
}

impl Timers {
    pub(crate) fn new() -> Self {
        let shard = || {
            let state = State { wheel: Wheel::new(), closed: false };
            CachePadded::new(Shard { next: Next::new(), state: Mutex::new(state) })
        };
        Self { shards: std::array::from_fn(|_| shard()), alarm: Alarm::new() }
    }

    /// Adds a timer due at tick `when`.
    #[inline]
    pub(crate) fn insert(
        &self,
        when: u64,
        waker: &Waker,
    ) -> Result<(TimerKey, Holder), RuntimeGone> {
        let number = this_threads_shard();
        let shard = &self.shards[number as usize];
        let waker = waker.clone();
        let (key, is_earliest) = {
            let mut state = shard.state.lock();
            if state.closed {
                // The guard goes first, then the waker, which is user code.
                drop(state);
                drop(waker);
                return Err(RuntimeGone);
            }
            let key = state.wheel.insert(when, waker);
            let is_earliest = when < shard.next.get();
            if is_earliest {
                shard.next.set(when);
            }
            (key, is_earliest)
        };
        // Otherwise whoever lowered `next` before us has seen to it that the holder is up by
        // then, which is early enough for this timer. It saves most of them the fence.
        let holder = if is_earliest && self.alarm.adds(when) {
            Holder::MustBeUnparked
        } else {
            Holder::IsUpInTime
        };
        Ok((TimerKey { key, shard: number }, holder))
    }

    /// Whether the timer has fired; if not, it will wake `waker`.
    pub(crate) fn poll(&self, key: &TimerKey, waker: &Waker) -> Outcome {
        {
            let mut state = self.lock(key);
            match state.find(key) {
                Ok(stored) if stored.will_wake(waker) => return Outcome::Waiting,
                Ok(_) => {}
                Err(outcome) => return outcome,
            }
        }
        let mut waker = waker.clone();
        let mut state = self.lock(key);
        let outcome = match state.find(key) {
            Ok(stored) => {
                std::mem::swap(stored, &mut waker);
                Outcome::Waiting
            }
            Err(outcome) => outcome,
        };
        // The guard goes first, then the old waker, which is user code.
        drop(state);
        drop(waker);
        outcome
    }

    /// Takes a timer out, whether it has fired or not.
    #[inline]
    pub(crate) fn remove(&self, key: TimerKey) {
        let TimerKey { key, shard } = key;
        let shard = &self.shards[shard as usize];
        let removed = {
            let mut state = shard.state.lock();
            let removed = (!state.closed).then(|| state.wheel.remove(&key));
            if state.wheel.waiting() == 0 {
                shard.next.set(NEVER);
            }
            removed
        };
        drop(removed);
    }

    /// A tick not later than the earliest timer; [`NEVER`] if there is none.
    pub(crate) fn next(&self) -> u64 {
        self.shards.iter().map(|shard| shard.next.get()).min().unwrap_or(NEVER)
    }

    /// Moves the wakers of timers that are due into `ready`, one slice of them.
    pub(crate) fn fire(&self, now: u64, ready: &mut Vec<Waker>) {
        let mut left = SLICE;
        // Each turn begins elsewhere (at the shard the time points to), so that none is always
        // the one for which nothing is left.
        for number in 0..SHARDS {
            let shard = &self.shards[(now as usize).wrapping_add(number) % SHARDS];
            if left == 0 {
                return;
            }
            if shard.next.get() > now {
                continue;
            }
            let mut state = shard.state.lock();
            left = state.wheel.expire(now, left, |waker| {
                ready.push(std::mem::replace(waker, Waker::noop().clone()));
            });
            shard.next.set(state.wheel.next().unwrap_or(NEVER));
        }
    }

    /// Refuses timers from now on and hands out the wakers of those that wait.
    pub(crate) fn close(&self, ready: &mut Vec<Waker>) {
        for shard in &self.shards {
            let mut state = shard.state.lock();
            state.closed = true;
            state.wheel.clear(|waker| ready.push(waker));
            shard.next.set(NEVER);
        }
    }

    /// How many timers are set and have not fired.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.state.lock().wheel.waiting()).sum()
    }

    /// Is there no timer at all, fired or not?
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.state.lock().wheel.is_empty())
    }

    fn lock(&self, key: &TimerKey) -> MutexGuard<'_, State> {
        self.shards[key.shard as usize].state.lock()
    }
}

impl State {
    /// The waker of a timer that waits. Takes the key back from one that has fired.
    fn find(&mut self, key: &TimerKey) -> Result<&mut Waker, Outcome> {
        if self.closed {
            return Err(Outcome::Abandoned);
        }
        if self.wheel.has_fired(&key.key) {
            drop(self.wheel.remove(&key.key)); // Not a user's waker any more: that was handed out.
            return Err(Outcome::Fired);
        }
        Ok(self.wheel.get_mut(&key.key))
    }
}

/// Threads are dealt to the shards in turn, when they add their first timer.
fn this_threads_shard() -> ShardNumber {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: Cell<Option<ShardNumber>> = const { Cell::new(None) };
    }
    SHARD.get().unwrap_or_else(|| {
        // Relaxed: only the count matters.
        let shard = ShardNumber::ALL[THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS];
        SHARD.set(Some(shard));
        shard
    })
}
