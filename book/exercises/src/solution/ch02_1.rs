//! Exercise 1 of chapter 2, solved: the first of two.

use std::pin::Pin;
use std::task::{Context, Poll};

type Both<A, B> = (Pin<Box<A>>, Pin<Box<B>>);

/// Ready with the output of whichever of two futures is ready first. The left one wins a tie.
#[derive(Debug)]
pub struct First<A, B> {
    both: Option<Both<A, B>>,
}

impl<A, B> First<A, B> {
    /// Takes both futures; neither is polled before this one is.
    pub fn new(left: A, right: B) -> Self {
        Self { both: Some((Box::pin(left), Box::pin(right))) }
    }
}

impl<T, A: Future<Output = T>, B: Future<Output = T>> Future for First<A, B> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let (left, right) = self.both.as_mut().expect("polled after it was ready");
        let mut polled = left.as_mut().poll(context);
        if polled.is_pending() {
            polled = right.as_mut().poll(context);
        }
        if polled.is_ready() {
            self.both = None;
        }
        polled
    }
}
