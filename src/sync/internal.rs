//! The primitives that threads of the runtime meet on.
//!
//! Here they are std's. `models::internal` has the same names from loom and `schedules::internal` from
//! shuttle, and `sync` chooses, the only place that does. Every protocol between threads that is ours is
//! written against these names, so that both run the very files that ship.
//!
//! Threads are started and the time is read through here as well, and so is what a thread keeps to itself.
//!
//! The lock here ignores poison: no user code ever runs with one of our locks held, so a panic
//! while one is held is a bug of ours that has already been reported.
//!
//! Book: chapter 19.

pub(crate) use std::sync::{
    Arc, MutexGuard,
    atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering},
};
pub(crate) use std::{thread, thread_local};

#[cfg(not(waterwheel_tsan))]
pub(crate) use std::sync::atomic::fence;

use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// A fence that the thread sanitizer sees: it knows of accesses, and of fences nothing.
#[cfg(waterwheel_tsan)]
pub(crate) fn fence(_order: Ordering) {
    static ALL_MEET_HERE: AtomicU8 = AtomicU8::new(0);
    ALL_MEET_HERE.fetch_add(1, Ordering::SeqCst);
}

/// The time by the system's clock.
#[inline]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A mutual exclusion lock without poisoning.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition variable for [`Mutex`].
#[derive(Debug, Default)]
pub(crate) struct Condvar(std::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits at most `limit`; the flag says whether the time ran out.
    pub(crate) fn wait_for<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let (guard, result) =
            self.0.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner);
        (guard, result.timed_out())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}
