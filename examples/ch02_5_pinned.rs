//! Chapter 2, step 5: pinned. Run: `cargo run --release --example ch02_5_pinned`
//!
//! A value that knows its own address goes wrong when it is moved: the address stays behind. The futures of
//! `async` blocks are such values, as soon as they keep a reference to something of their own across an
//! `.await`. This program only compares addresses and follows none of them, so nothing can go wrong in
//! it. `PhantomPinned` and `Pin` make the move a compile error; the chapter shows it failing.
//!
//! Book: chapter 2.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::pin::{Pin, pin};
use std::ptr;
use std::task::{Context, Poll, Waker};

/// Notes where it is. It may be moved, and then the note is wrong.
#[derive(Debug)]
struct Movable {
    noted: Cell<*const Movable>,
}

impl Movable {
    fn new() -> Self {
        Self { noted: Cell::new(ptr::null()) }
    }

    fn note(&self) {
        self.noted.set(self);
    }

    fn is_right(&self) -> bool {
        ptr::eq(self.noted.get(), self)
    }
}

/// Notes where it is, and must not be moved once it is pinned.
#[derive(Debug)]
struct Pinned {
    noted: Cell<*const Pinned>,
    _never_moved: PhantomPinned,
}

impl Pinned {
    fn new() -> Self {
        Self { noted: Cell::new(ptr::null()), _never_moved: PhantomPinned }
    }

    /// Only a pinned one can note where it is: what is not pinned may still be moved.
    fn note(self: Pin<&Self>) {
        self.noted.set(&raw const *self);
    }

    fn is_right(self: Pin<&Self>) -> bool {
        ptr::eq(self.noted.get(), &raw const *self)
    }
}

/// Keeps a reference to its own `numbers` across an `.await`.
async fn largest() -> u32 {
    let numbers = [3, 9, 4];
    let mut best = &numbers[0];
    for number in &numbers {
        waterwheel::yield_now().await;
        if number > best {
            best = number;
        }
    }
    *best
}

/// Whether a type may be moved even when pinned is known at compile time.
fn may_move<T: Unpin>(_: &T) -> &'static str {
    "may be moved"
}

fn main() {
    let first = Movable::new();
    first.note();
    let before = first.is_right();
    let second = Box::new(first); // Moved, from the stack to the heap.
    println!("movable: right before the move {before}, after it {}", second.is_right());

    let pinned = Box::pin(Pinned::new());
    pinned.as_ref().note();
    let before = pinned.as_ref().is_right();
    let elsewhere = [pinned]; // The box is moved; what it points to stays.
    println!("pinned:  right before {before}, after {}", elsewhere[0].as_ref().is_right());

    let on_the_stack = pin!(Pinned::new());
    on_the_stack.as_ref().note();
    println!("pinned on the stack: {}", on_the_stack.as_ref().is_right());

    // Some polls, with the box moved about in between: the future does not notice.
    let mut context = Context::from_waker(Waker::noop());
    let mut future: Pin<Box<dyn Future<Output = u32>>> = Box::pin(largest());
    let mut polls = 1;
    let best = loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(best) => break best,
            Poll::Pending => future = *Box::new(future), // There and back again.
        }
        polls += 1;
    };
    println!("the future held a reference into itself over {polls} polls: {best}");
    println!("a number {}, a box {}", may_move(&1), may_move(&future));

    assert!(before && !second.is_right() && elsewhere[0].as_ref().is_right());
    assert!(on_the_stack.as_ref().is_right());
    assert_eq!((best, polls), (9, 4));
}
