//! Exercise 1 of chapter 2: the first of two.
//!
//! `join!` waits for both. This future waits for whichever is ready first, and lets go of the other.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Ready with the output of whichever of two futures is ready first. The left one wins a tie.
///
/// The futures are boxed, so that this one may be moved and you need no pin projection.
#[derive(Debug)]
pub struct First<A, B> {
    // Where do the two futures live, and where are they once one of them has won?
    unfinished: PhantomData<(Box<A>, Box<B>)>,
}

impl<A, B> First<A, B> {
    /// Takes both futures; neither is polled before this one is.
    #[expect(unused_variables, clippy::needless_pass_by_value, reason = "this is for you to write")]
    pub fn new(left: A, right: B) -> Self {
        todo!("`Option<(Pin<Box<A>>, Pin<Box<B>>)>` can let go of both at once")
    }
}

impl<T, A: Future<Output = T>, B: Future<Output = T>> Future for First<A, B> {
    type Output = T;

    #[expect(unused_variables, reason = "this is for you to write")]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        todo!("poll the left, then the right; the loser is dropped before this one says `Ready`")
    }
}
