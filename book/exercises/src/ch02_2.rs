//! Exercise 2 of chapter 2: a mutex that is awaited.
//!
//! Who finds it locked leaves a waker in a list and is not polled until it is its turn. First come, first
//! served. And a waiter that is dropped must not take the wake-up of the next one with it.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A value that one task at a time can have.
#[derive(Debug)]
pub struct Mutex<T> {
    // A std mutex, never held across an `.await`, around: the value, while nobody has it; and who waits.
    unfinished: PhantomData<T>,
}

/// Has the value. Gives it back, and wakes who is next, when it is dropped.
#[derive(Debug)]
pub struct Guard<'a, T> {
    unfinished: PhantomData<&'a T>,
}

impl<T> Mutex<T> {
    /// Takes the value.
    #[expect(unused_variables, clippy::needless_pass_by_value, reason = "this is for you to write")]
    pub fn new(value: T) -> Self {
        todo!("an `Option` for the value and a `VecDeque` of numbered wakers")
    }

    /// Waits for the value.
    pub async fn lock(&self) -> Guard<'_, T> {
        todo!(
            "a future of your own with a `Drop`: it must leave the list, and perhaps wake the next"
        )
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        todo!("if the guard has taken the value out of the mutex, this needs no unsafe code")
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        todo!("the same")
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        todo!("put the value back, and wake the one that has waited longest, with the lock free")
    }
}
