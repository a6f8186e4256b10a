use std::future::Future;
use std::task::{Context, Poll, Waker};

use exercises::ch17_2::sum;

/// The sum, and in how many polls it was found.
fn polled(numbers: &[u64], at_once: usize) -> (u64, usize) {
    let mut future = std::pin::pin!(sum(numbers, at_once));
    let mut cx = Context::from_waker(Waker::noop());
    for polls in 1.. {
        if let Poll::Ready(sum) = future.as_mut().poll(&mut cx) {
            return (sum, polls);
        }
    }
    unreachable!("there are many numbers")
}

#[test]
fn a_long_list_is_added_up_in_as_many_polls_as_it_has_parts() {
    let numbers: Vec<u64> = (1..=1000).collect();
    assert_eq!(polled(&numbers, 100), (500_500, 10));
    assert_eq!(polled(&numbers, 300), (500_500, 4));
}

#[test]
fn a_short_one_and_an_empty_one_need_one_poll() {
    assert_eq!(polled(&[1, 2, 3], 3), (6, 1));
    assert_eq!(polled(&[], 3), (0, 1));
}
