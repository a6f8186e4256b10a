use std::cell::Cell;
use std::future::{pending, ready};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use exercises::ch02_1::First;
use futures_lite::future::yield_now;

/// Says when it is dropped.
struct Held<'a>(&'a Cell<bool>);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[test]
fn the_left_one_wins_a_tie_and_the_right_one_a_race() {
    let mut context = Context::from_waker(Waker::noop());
    let mut tie = First::new(ready("left"), ready("right"));
    assert_eq!(Pin::new(&mut tie).poll(&mut context), Poll::Ready("left"));
    let mut race = First::new(pending(), ready("right"));
    assert_eq!(Pin::new(&mut race).poll(&mut context), Poll::Ready("right"));
}

#[test]
fn both_are_polled_until_one_is_ready_and_the_loser_is_dropped() {
    let dropped = Cell::new(false);
    let polls = Cell::new(0);
    let loser = async {
        let _held = Held(&dropped);
        loop {
            polls.set(polls.get() + 1);
            yield_now().await;
        }
    };
    let winner = async {
        yield_now().await;
        yield_now().await;
        "done"
    };
    let mut context = Context::from_waker(Waker::noop());
    let mut first = First::new(loser, winner);
    for _ in 0..2 {
        assert!(Pin::new(&mut first).poll(&mut context).is_pending());
        assert!(!dropped.get(), "both are still in the race");
    }
    assert_eq!(Pin::new(&mut first).poll(&mut context), Poll::Ready("done"));
    assert_eq!(polls.get(), 3, "the left one is polled first, each time");
    assert!(dropped.get(), "the loser is gone before the winner is seen");
}
