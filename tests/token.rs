//! What a cancellation token promises, seen from outside: any executor, any thread, any order.

use std::future::{pending, ready};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use futures_lite::future::{block_on, poll_once, zip};
use waterwheel::sync::CancellationToken;

fn is_ready(token: &CancellationToken) -> bool {
    block_on(poll_once(token.cancelled())).is_some()
}

#[test]
fn a_token_and_its_wait_may_cross_and_be_shared_between_threads() {
    fn check<T: Send + Sync + Unpin + 'static>(_: &T) {}
    let token = CancellationToken::default();
    check(&token);
    check(&token.cancelled());
}

#[test]
fn whoever_asks_after_the_cancellation_still_gets_the_answer() {
    let token = CancellationToken::new();
    assert!(!token.is_cancelled() && !is_ready(&token));
    token.cancel();
    assert!(token.is_cancelled() && is_ready(&token) && is_ready(&token));
}

#[test]
fn clones_share_one_state() {
    let token = CancellationToken::new();
    let clone = token.clone();
    clone.cancel();
    assert!(token.is_cancelled());
}

#[test]
fn cancelling_twice_is_harmless() {
    let token = CancellationToken::new();
    token.cancel();
    token.cancel();
    assert!(is_ready(&token));
}

#[test]
fn a_child_is_cancelled_with_its_parent_and_not_the_reverse() {
    let root = CancellationToken::new();
    let (left, right) = (root.child_token(), root.child_token());
    let below_left = left.child_token();

    left.cancel();
    assert!(below_left.is_cancelled());
    assert!(!root.is_cancelled() && !right.is_cancelled());

    root.cancel();
    assert!(right.is_cancelled());
}

#[test]
fn a_child_of_a_cancelled_token_is_cancelled_from_the_start() {
    let root = CancellationToken::new();
    root.cancel();
    assert!(root.child_token().is_cancelled() && is_ready(&root.child_token().child_token()));
}

#[test]
fn a_grandchild_hears_of_it_when_its_parents_handle_is_gone() {
    let root = CancellationToken::new();
    let grandchild = root.child_token().child_token();
    root.cancel();
    assert!(grandchild.is_cancelled());
}

#[test]
fn dropping_tokens_cancels_nothing() {
    let root = CancellationToken::new();
    let child = root.child_token();
    drop(child.clone());
    drop(root);
    assert!(!child.is_cancelled());
    child.cancel();
    assert!(child.is_cancelled());
}

#[test]
fn everybody_who_waits_anywhere_in_the_tree_is_woken() {
    let root = CancellationToken::new();
    let tokens = [root.clone(), root.child_token(), root.child_token().child_token()];
    let waiting: Vec<_> = tokens
        .into_iter()
        .map(|token| thread::spawn(move || block_on(zip(token.cancelled(), token.cancelled()))))
        .collect();
    root.cancel();
    for thread in waiting {
        thread.join().expect("a waiting thread ends when the root is cancelled");
    }
}

#[test]
fn a_wait_outlives_the_handle_it_came_from() {
    let root = CancellationToken::new();
    let wait = root.child_token().cancelled();
    root.cancel();
    block_on(wait);
}

/// Says when it is woken.
struct Bell(flume::Sender<()>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.send(()).expect("the test holds the receiver");
    }
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    let token = CancellationToken::new();
    let mut wait = Box::pin(token.cancelled());
    let (first, rings_first) = flume::unbounded();
    let (second, rings_second) = flume::unbounded();
    for bell in [first, second] {
        let waker = Waker::from(Arc::new(Bell(bell)));
        let polled = wait.as_mut().poll(&mut Context::from_waker(&waker));
        assert_eq!(polled, Poll::Pending);
    }
    token.cancel();
    assert_eq!((rings_first.len(), rings_second.len()), (0, 1));
}

#[test]
fn running_until_cancelled_gives_the_output_or_none() {
    let token = CancellationToken::new();
    assert_eq!(block_on(token.run_until_cancelled(ready(7))), Some(7));
    token.cancel();
    assert_eq!(block_on(token.run_until_cancelled(pending::<u8>())), None);
    assert_eq!(block_on(token.run_until_cancelled(ready(7))), None, "the token is looked at first");
}
