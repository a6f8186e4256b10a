//! Exercise 2 of chapter 2, solved: a mutex that is awaited.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync;
use std::task::{Context, Poll, Waker};

/// A value that one task at a time can have.
#[derive(Debug)]
pub struct Mutex<T> {
    state: sync::Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    /// `None` while somebody has it.
    value: Option<T>,
    /// Who waits, by number, the longest first.
    waiting: VecDeque<(u64, Waker)>,
    next: u64,
}

impl<T> State<T> {
    /// The waker of whoever may have the value now. It stays in the list until it has come.
    fn turn(&self) -> Option<Waker> {
        let (_, waker) = self.waiting.front()?;
        self.value.is_some().then(|| waker.clone())
    }
}

/// Has the value. Gives it back, and wakes who is next, when it is dropped.
#[derive(Debug)]
pub struct Guard<'a, T> {
    mutex: &'a Mutex<T>,
    value: Option<T>,
}

impl<T> Mutex<T> {
    /// Takes the value.
    pub fn new(value: T) -> Self {
        let state = State { value: Some(value), waiting: VecDeque::new(), next: 0 };
        Self { state: sync::Mutex::new(state) }
    }

    /// Waits for the value.
    pub async fn lock(&self) -> Guard<'_, T> {
        Lock { mutex: self, number: None }.await
    }

    /// Changes the state, and wakes whose turn it is with the lock free again.
    fn change<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        let mut state = self.state.lock().expect("nobody panics with the lock held");
        let result = change(&mut state);
        let waker = state.turn();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }
}

struct Lock<'a, T> {
    mutex: &'a Mutex<T>,
    /// Its number in the list, if it is there.
    number: Option<u64>,
}

impl<'a, T> Future for Lock<'a, T> {
    type Output = Guard<'a, T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Guard<'a, T>> {
        let mutex = self.mutex;
        let mut state = mutex.state.lock().expect("nobody panics with the lock held");
        let first = state.waiting.front().map(|(number, _)| *number);
        if first == self.number && state.value.is_some() {
            // Nobody waits, or we have waited longest.
            state.waiting.pop_front();
            self.number = None;
            return Poll::Ready(Guard { mutex, value: state.value.take() });
        }
        let waker = context.waker().clone();
        match self.number {
            None => {
                let number = state.next;
                state.next += 1;
                state.waiting.push_back((number, waker));
                self.number = Some(number);
            }
            Some(number) => {
                let mine = state.waiting.iter_mut().find(|(other, _)| *other == number);
                mine.expect("who waits is in the list").1 = waker;
            }
        }
        Poll::Pending
    }
}

impl<T> Drop for Lock<'_, T> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            // If it was our turn, it is the next one's now.
            self.mutex.change(|state| state.waiting.retain(|(other, _)| *other != number));
        }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        let value = self.value.take();
        self.mutex.change(|state| state.value = value);
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("a guard has the value until it is dropped")
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("a guard has the value until it is dropped")
    }
}
