//! Which runtime a thread belongs to: its own, if it is one of the runtime's threads, or the one
//! that it has entered.
//!
//! Entries are a stack. A guard takes its own entry out, wherever that stands by then, so guards
//! dropped out of order leave the right runtime current.
//!
//! Book: chapter 7.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::sync::Arc;

use super::shared::Shared;
use crate::driver::Driver;
use crate::sync::internal::thread_local;

/// Why a thread belongs to a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is one of the runtime's own, or shuts it down: it must not wait for the shutdown.
    Thread,
    /// It has entered: a guard, or `block_on`.
    Entered,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    role: Role,
    shared: Arc<Shared>,
    /// That of `shared`, without the detour: a sleep asks for it and for nothing else.
    driver: Arc<Driver>,
    /// Another owner of it, left here by a sleep for the next one: see [`Lent`].
    spare: Option<Arc<Driver>>,
}

thread_local! {
    static ENTRIES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// Belongs to the runtime until dropped.
#[derive(Debug)]
pub(crate) struct Membership {
    number: u64,
    /// The entry stands in this thread's list.
    not_send: std::marker::PhantomData<*const ()>,
}

pub(crate) fn enter(shared: &Arc<Shared>, role: Role) -> Membership {
    let number = NEXT.with(|next| next.replace(next.get() + 1));
    let (shared, driver) = (Arc::clone(shared), Arc::clone(&shared.driver));
    let entry = Entry { number, role, shared, driver, spare: None };
    // A thread whose locals are gone belongs nowhere any more: it finds the process default.
    ENTRIES.try_with(|entries| entries.borrow_mut().push(entry)).ok();
    Membership { number, not_send: std::marker::PhantomData }
}

impl Drop for Membership {
    fn drop(&mut self) {
        // A thread whose locals are gone has no entries any more.
        let entry = ENTRIES.try_with(|entries| {
            let mut entries = entries.borrow_mut();
            let place = entries.iter().position(|entry| entry.number == self.number)?;
            Some(entries.remove(place))
        });
        drop(entry); // Perhaps the last owner of a runtime: with the list released.
    }
}

/// The runtime that this thread belongs to, if any.
pub(crate) fn current() -> Option<Arc<Shared>> {
    of_current(|entry| Arc::clone(&entry.shared))
}

/// The driver of the runtime that this thread belongs to, if any.
pub(crate) fn current_driver() -> Option<Arc<Driver>> {
    of_current(|entry| Arc::clone(&entry.driver))
}

/// A driver in the hands of a sleep. When it is dropped it stays with the thread, if that belongs to the
/// same runtime, and the next sleep made there takes it over. To change the count of a shared thing
/// twice for each timer costs 3 % of the timer (`timer-drop-1`, medians of 16 interleaved runs, November 2026).
#[derive(Debug)]
pub(crate) struct Lent(Option<Arc<Driver>>);

impl Lent {
    /// That of the runtime that this thread belongs to, if any.
    #[inline]
    pub(crate) fn of_current() -> Option<Self> {
        let lend = |entry: &mut Entry| {
            Self(Some(entry.spare.take().unwrap_or_else(|| Arc::clone(&entry.driver))))
        };
        ENTRIES.try_with(|entries| entries.borrow_mut().last_mut().map(lend)).ok().flatten()
    }

    pub(crate) fn new(driver: Arc<Driver>) -> Self {
        Self(Some(driver))
    }
}

impl Deref for Lent {
    type Target = Arc<Driver>;

    #[inline]
    fn deref(&self) -> &Arc<Driver> {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for Lent {
    #[inline]
    fn drop(&mut self) {
        // A thread whose locals are gone keeps nothing.
        let kept = ENTRIES.try_with(|entries| {
            if let Some(entry) = entries.borrow_mut().last_mut()
                && entry.spare.is_none()
                && self.0.as_ref().is_some_and(|driver| Arc::ptr_eq(driver, &entry.driver))
            {
                entry.spare = self.0.take();
            }
        });
        kept.unwrap_or(());
    }
}

/// `f` runs with the list borrowed, so it must not be anybody's code.
fn of_current<R>(f: impl FnOnce(&Entry) -> R) -> Option<R> {
    ENTRIES.try_with(|entries| entries.borrow().last().map(f)).ok().flatten()
}

/// Is this one of the threads of `shared`, which a shutdown of it would wait for?
pub(crate) fn is_thread_of(shared: &Shared) -> bool {
    let is_own = |entry: &Entry| {
        entry.role == Role::Thread && std::ptr::eq(Arc::as_ptr(&entry.shared), shared)
    };
    // A thread still is when it calls the hooks, and when its locals are dropped.
    shared.threads.own_this_thread()
        || ENTRIES.try_with(|entries| entries.borrow().iter().any(is_own)).unwrap_or(false)
}
