//! Giving the other tasks a turn.
//!
//! Book: chapter 2.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Puts the current task behind the others of its lane that are ready to run.
///
/// A long computation that calls this now and then starves nobody.
///
/// # Cancel safety
///
/// It holds nothing: dropping it loses nothing.
///
/// ```
/// # waterwheel::block_on(async {
/// for _block in 0..3 {
///     // ... some work ...
///     waterwheel::yield_now().await;
/// }
/// # });
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
