//! Time for hyper: without a timer its time-outs are silently off, or panic when they are set.
//!
//! Book: chapter 23.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use waterwheel::time;

/// Runs hyper's time-outs on the runtime's clock.
///
/// # Examples
///
/// ```
/// use hyper::server::conn::http1;
/// use std::time::Duration;
/// use waterwheel_adapters::hyper::Timer;
///
/// let mut server = http1::Builder::new();
/// server.timer(Timer).header_read_timeout(Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timer;

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep(time::sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep(time::sleep_until(deadline)))
    }

    /// The runtime's clock, so that deadlines are right on a paused one too.
    fn now(&self) -> Instant {
        time::now()
    }

    /// Sets a sleep of ours anew, in place: a keep-alive connection does this at each request.
    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, new_deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(ours) => Pin::new(&mut ours.get_mut().0).reset(new_deadline),
            None => *sleep = self.sleep_until(new_deadline),
        }
    }
}

/// Our sleep, under hyper's trait.
struct Sleep(time::Sleep);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl hyper::rt::Sleep for Sleep {}
