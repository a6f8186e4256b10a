//! Cancelling a token against waiting for it, and against a child that is born meanwhile.
//!
//! Book: chapter 19.

use std::future::Future;
use std::pin::pin;
use std::task::Context;

use loom::thread;

use super::checked;
use super::readiness::Woken;
use crate::token::CancellationToken;

#[test]
fn a_wait_that_begins_during_a_cancellation_is_ready_or_woken() {
    checked(|| {
        let token = CancellationToken::new();
        let canceller = {
            let token = token.clone();
            thread::spawn(move || token.cancel())
        };
        let (woken, waker) = Woken::new();
        let wait = pin!(token.cancelled());
        let polled = wait.poll(&mut Context::from_waker(&waker));
        canceller.join().expect("the canceller ends");
        assert!(polled.is_ready() || woken.is_woken(), "the wait sleeps over the cancellation");
    });
}

#[test]
fn a_child_born_during_a_cancellation_is_cancelled() {
    checked(|| {
        let token = CancellationToken::new();
        let canceller = {
            let token = token.clone();
            thread::spawn(move || token.cancel())
        };
        let grandchild = token.child_token().child_token();
        canceller.join().expect("the canceller ends");
        assert!(grandchild.is_cancelled(), "the child escaped");
    });
}
