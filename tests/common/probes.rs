//! Futures and values that report what is done to them, or that misbehave on purpose.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Counts the polls of a future and its drops.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    polls: Arc<AtomicUsize>,
    drops: Dropped,
}

impl Counted {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    pub(crate) fn drops(&self) -> usize {
        self.drops.count()
    }

    /// Counts what happens to `future`.
    pub(crate) fn of<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let (polls, note) = (Arc::clone(&self.polls), self.drops.note());
        async move {
            let _note = note;
            let mut future = std::pin::pin!(future);
            std::future::poll_fn(|cx| {
                polls.fetch_add(1, Ordering::SeqCst);
                future.as_mut().poll(cx)
            })
            .await
        }
    }
}

/// Counts the drops of its notes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dropped(Arc<AtomicUsize>);

impl Dropped {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Something whose drop is counted.
    pub(crate) fn note(&self) -> impl Drop + Send + Sync + 'static + use<> {
        Note(Arc::clone(&self.0))
    }
}

struct Note(Arc<AtomicUsize>);

impl Drop for Note {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Panics when it is dropped; the payload of that panic is a bomb as well, until none is left.
#[derive(Debug)]
pub(crate) struct Bomb(pub(crate) u32);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 > 0 {
            std::panic::resume_unwind(Box::new(Bomb(self.0 - 1)));
        }
    }
}

/// Keeps the waker of its last poll and is ready once told so.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoreWaker {
    state: Arc<Mutex<(bool, Option<Waker>)>>,
}

impl StoreWaker {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The waker of the last poll.
    pub(crate) fn waker(&self) -> Option<Waker> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Makes it ready and wakes it.
    pub(crate) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = true;
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Future for StoreWaker {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A waker of some other executor that panics when it is woken and when it is dropped, and counts
/// how often it was woken.
pub(crate) fn hostile() -> (Waker, Arc<AtomicUsize>) {
    struct Hostile(Arc<AtomicUsize>);

    impl Wake for Hostile {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
            panic!("a hostile waker is woken");
        }
    }

    impl Drop for Hostile {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "a hostile waker is dropped");
        }
    }

    let wakes = Arc::new(AtomicUsize::new(0));
    (Waker::from(Arc::new(Hostile(Arc::clone(&wakes)))), wakes)
}
