//! Running a future on the thread that waits for it.
//!
//! Book: chapter 2.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::budget;
use crate::scheduler::parker::Parker;
use crate::scheduler::worker;
use crate::sync::internal::thread_local;
use crate::task::native::Native;

/// Runs a future on this thread until it is done. Works on any thread.
///
/// On a worker this first hands the worker's part to another thread, as
/// [`block_in_place`](crate::block_in_place) does, so that the other tasks go on.
///
/// # Panics
///
/// A panic of the future passes through. On a worker, if no thread can take its part over: await
/// the future there instead.
///
/// ```
/// assert_eq!(waterwheel::block_on(async { 2 + 2 }), 4);
/// ```
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    worker::block_in_place(|| drive(future))
}

/// Wakes the thread that waits in `block_on`.
#[derive(Debug)]
struct Waiting(Parker);

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // It never sleeps in the driver, so there is nothing else to wake.
        let _ = self.0.unpark();
    }
}

thread_local! {
    /// One parker is kept for the next call: making one costs two allocations.
    static KEPT: RefCell<Option<Arc<Waiting>>> = const { RefCell::new(None) };
}

fn drive<F: Future>(future: F) -> F::Output {
    let kept = KEPT.try_with(|kept| kept.borrow_mut().take()).ok().flatten();
    // A nested call finds none and makes its own, so neither can swallow the other's wake-up.
    let waiting = kept.unwrap_or_else(|| Arc::new(Waiting(Parker::new())));
    let waker = Waker::from(Arc::clone(&waiting));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    let output = loop {
        budget::reset(u32::MAX);
        let native = Native::enter(&waker);
        let polled = future.as_mut().poll(&mut cx);
        drop(native);
        match polled {
            Poll::Ready(output) => break output,
            Poll::Pending => waiting.0.park(),
        }
    };
    KEPT.try_with(|kept| *kept.borrow_mut() = Some(waiting)).ok();
    output
}
