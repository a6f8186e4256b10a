//! What `sync::internal` is where the model checker runs: the same names, from loom.
//!
//! Loom has no time, so a limited wait is one of two extremes. A limit of zero runs out at once: the
//! lock is released and taken again, and whatever can happen between a wait and its time-out can
//! happen there, a notification that nobody hears among it. Any other limit never runs out, so
//! that a lost wake-up is a deadlock instead of a delay.
//!
//! Loom treats a `SeqCst` access as acquire and release; only its fences are what they are called.
//! Where one of our protocols needs more than that, it has a fence.
//!
//! Of each atomic loom remembers only the last access when it looks for orders to try. Where a thread
//! loads and then stores, its own load hides the loads of the others, and loom never tries the
//! store before them. So each load here first touches a second atomic, where all accesses clash.
//! That is relaxed, and among threads that synchronise by locks, release stores and sequentially
//! consistent fences it orders nothing that was not ordered before.
//!
//! Book: chapter 19.

pub(crate) use super::local::thread_local;
pub(crate) use loom::sync::{
    Arc,
    atomic::{Ordering, fence},
};

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

/// Time is not what a model is about.
pub(crate) fn now() -> Instant {
    Instant::now()
}

macro_rules! atomic {
    ($name:ident, $value:ty) => {
        #[derive(Debug)]
        pub(crate) struct $name {
            value: loom::sync::atomic::$name,
            loads: loom::sync::atomic::AtomicU8,
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(<$value>::default())
            }
        }

        impl $name {
            pub(crate) fn new(value: $value) -> Self {
                Self {
                    value: loom::sync::atomic::$name::new(value),
                    loads: loom::sync::atomic::AtomicU8::new(0),
                }
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                self.loads.swap(0, Ordering::Relaxed);
                self.value.load(order)
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                self.value.store(value, order);
            }

            pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                self.value.swap(value, order)
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.value.compare_exchange(current, new, success, failure)
            }

            /// Loom's never fails for no reason, and so this one does not either.
            pub(crate) fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }
        }
    };
}

atomic!(AtomicBool, bool);
atomic!(AtomicU8, u8);
atomic!(AtomicU64, u64);
atomic!(AtomicUsize, usize);

/// Loads of a pointer touch a second atomic, as those of numbers do.
#[derive(Debug)]
pub(crate) struct AtomicPtr<T> {
    value: loom::sync::atomic::AtomicPtr<T>,
    loads: loom::sync::atomic::AtomicU8,
}

impl<T> AtomicPtr<T> {
    pub(crate) fn new(value: *mut T) -> Self {
        Self {
            value: loom::sync::atomic::AtomicPtr::new(value),
            loads: loom::sync::atomic::AtomicU8::new(0),
        }
    }

    pub(crate) fn load(&self, order: Ordering) -> *mut T {
        self.loads.swap(0, Ordering::Relaxed);
        self.value.load(order)
    }

    /// An exchange: loom would let another one, which has read what was there before, have written
    /// after this, though nothing comes between what an exchange reads and what it writes.
    pub(crate) fn store(&self, value: *mut T, order: Ordering) {
        self.value.swap(value, order);
    }

    pub(crate) fn swap(&self, value: *mut T, order: Ordering) -> *mut T {
        self.value.swap(value, order)
    }
}

impl AtomicU8 {
    pub(crate) fn fetch_max(&self, value: u8, order: Ordering) -> u8 {
        self.value.fetch_max(value, order)
    }
}

impl AtomicUsize {
    pub(crate) fn fetch_add(&self, value: usize, order: Ordering) -> usize {
        self.value.fetch_add(value, order)
    }

    pub(crate) fn fetch_sub(&self, value: usize, order: Ordering) -> usize {
        self.value.fetch_sub(value, order)
    }
}

impl AtomicU64 {
    pub(crate) fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        self.value.fetch_add(value, order)
    }

    pub(crate) fn fetch_sub(&self, value: u64, order: Ordering) -> u64 {
        self.value.fetch_sub(value, order)
    }
}

const POISONED: &str = "a model ends at its first panic";

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().expect(POISONED)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { lock: self, inner: self.0.lock().expect(POISONED) }
    }
}

/// Loom's guard, and the way back to the lock.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    lock: &'a Mutex<T>,
    inner: loom::sync::MutexGuard<'a, T>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(loom::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let MutexGuard { lock, inner } = guard;
        MutexGuard { lock, inner: self.0.wait(inner).expect(POISONED) }
    }

    pub(crate) fn wait_for<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        if !limit.is_zero() {
            return (self.wait(guard), false);
        }
        let lock = guard.lock;
        drop(guard);
        (lock.lock(), true)
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}
