//! A limit on how long a future may take.
//!
//! Book: chapter 15.

use super::Sleep;
use crate::runtime::context;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{error, fmt, io};

/// Gives `future` at most `duration`, counted from this call.
///
/// # Errors
///
/// [`Elapsed`], not before `duration` has passed, if the future is not ready by then. It has been
/// dropped when the error is seen, so all it held is free again. A future that is ready at its
/// first poll wins even if `duration` is zero.
///
/// # Cancel safety
///
/// Dropping it drops the future.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use waterwheel::time::timeout;
///
/// waterwheel::block_on(async {
///     assert_eq!(timeout(Duration::from_secs(60), async { 42 }).await, Ok(42));
///
///     let never = std::future::pending::<()>();
///     assert!(timeout(Duration::from_millis(1), never).await.is_err());
/// });
/// ```
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout {
        future: Some(future.into_future()),
        limit: Sleep::after(context::lent_driver(), duration),
    }
}

pin_project! {
    /// The future of [`timeout`].
    ///
    /// # Panics
    ///
    /// Polling panics if it has been ready before, or if its runtime has been shut down (see
    /// [`Sleep`]).
    #[derive(Debug)]
    #[must_use = "a timeout does nothing unless it is awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: Option<F>,
        limit: Sleep,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let future = this.future.as_mut().as_pin_mut();
        let future = future.expect("a timeout must not be polled after it was ready");
        if let Poll::Ready(output) = future.poll(cx) {
            this.future.set(None);
            return Poll::Ready(Ok(output));
        }
        // Not charged: also a future that always uses up the whole budget must meet its limit.
        ready!(this.limit.poll_elapsed(cx));
        this.future.set(None);
        Poll::Ready(Err(Elapsed(())))
    }
}

/// The time given to [`timeout`] has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deadline has elapsed")
    }
}

impl error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> Self {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}
