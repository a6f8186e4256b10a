//! Exercise 2 of chapter 18, solved: what does containment cost?

use std::future::poll_fn;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How long `polls` polls of a small future take, first as it is, then inside `catch_unwind`.
pub fn time_of(polls: u32) -> (Duration, Duration) {
    let mut count = 0_u32;
    let mut future = pin!(poll_fn(|_| {
        count = black_box(count).wrapping_add(1);
        Poll::<()>::Pending
    }));
    let mut context = Context::from_waker(Waker::noop());

    let begun = Instant::now();
    for _ in 0..polls {
        let _ = black_box(future.as_mut().poll(&mut context));
    }
    let plain = begun.elapsed();

    let begun = Instant::now();
    for _ in 0..polls {
        let poll = AssertUnwindSafe(|| future.as_mut().poll(&mut context));
        let _ = black_box(catch_unwind(poll));
    }
    (plain, begun.elapsed())
}
