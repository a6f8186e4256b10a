//! What `sync::internal` is where whole runtimes run under shuttle: the same names, from shuttle.
//!
//! Only one thread runs at a time, and another one gets its turn at these names alone: at an atomic,
//! a lock, a wait, the start or the end of a thread. Every access counts as sequentially consistent,
//! so what needs weak memory to go wrong is for the models to find, not for this.
//!
//! The time is the one of [`time`](super::time). A limited wait ends when that passes its limit, and
//! nothing else makes it: a wake-up that is lost is a deadlock, not a delay.
//!
//! Book: chapter 19.

pub(crate) use super::time::now;
pub(crate) use shuttle::sync::{
    MutexGuard,
    atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence},
};
pub(crate) use std::sync::Arc; // Shuttle's cannot be a waker. Counting references orders nothing here.

use super::time;
use std::cell::{Cell, RefCell};
use std::sync::PoisonError;
use std::time::Duration;

/// Threads, by shuttle.
pub(crate) mod thread {
    pub(crate) use shuttle::thread::{Builder, JoinHandle, Thread, current, park, yield_now};
    pub(crate) use std::thread::available_parallelism;
}

/// A mutual exclusion lock without poisoning.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition variable for [`Mutex`]. Shared, so that the time can wake who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Condvar(Arc<shuttle::sync::Condvar>);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is notified, or until the time passes the limit; the flag says whether it has.
    pub(crate) fn wait_for<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let alarm = time::Alarm::set(limit, &self.0);
        let guard = if alarm.has_rung() { guard } else { self.wait(guard) };
        (guard, alarm.has_rung())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// std's `thread_local`, as far as we use it.
macro_rules! schedule_local {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = const { $init:expr };)*) => {
        $(
            $(#[$attribute])*
            static $name: $crate::sync::internal::LocalKey<$type> =
                $crate::sync::internal::LocalKey::new(|| $init);
        )*
    };
}

pub(crate) use schedule_local as thread_local;

/// What each thread of a schedule has for itself. All of them are one thread to std.
pub(crate) struct LocalKey<T: 'static>(shuttle::thread::LocalKey<T>);

impl<T: 'static> LocalKey<T> {
    pub(crate) const fn new(init: fn() -> T) -> Self {
        Self(shuttle::thread::LocalKey { init, _p: std::marker::PhantomData })
    }

    pub(crate) fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(f)
    }

    pub(crate) fn try_with<R>(
        &'static self,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, shuttle::thread::AccessError> {
        self.0.try_with(f)
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    pub(crate) fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    pub(crate) fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    pub(crate) fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    pub(crate) fn with_borrow_mut<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }
}
