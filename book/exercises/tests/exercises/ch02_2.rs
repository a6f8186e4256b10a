use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use exercises::ch02_2::Mutex;
use waterwheel::{block_on, spawn_task, yield_now};

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicU32);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Bell {
    fn rung(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn as_many_up_as_down_end_at_zero() {
    let counter = Arc::new(Mutex::new(0));
    let add = |step: i32| {
        let counter = counter.clone();
        spawn_task!(async move {
            for _ in 0..3 {
                let mut count = counter.lock().await;
                let before = *count;
                yield_now().await; // Nobody else has it meanwhile.
                *count = before + step;
            }
        })
    };
    let tasks = [add(1), add(-1), add(1), add(-1)];
    block_on(async {
        for task in tasks {
            task.await;
        }
        assert_eq!(*counter.lock().await, 0);
    });
}

#[test]
fn who_waits_is_woken_once_and_in_order() {
    let mutex = Mutex::new(());
    let bells = [Arc::new(Bell::default()), Arc::new(Bell::default())];
    let wakers = bells.clone().map(Waker::from);
    let guard = block_on(mutex.lock());
    let (mut first, mut second) = (pin!(mutex.lock()), pin!(mutex.lock()));
    assert!(first.as_mut().poll(&mut Context::from_waker(&wakers[0])).is_pending());
    assert!(second.as_mut().poll(&mut Context::from_waker(&wakers[1])).is_pending());
    assert_eq!((bells[0].rung(), bells[1].rung()), (0, 0), "parked while the lock is held");
    drop(guard);
    assert_eq!((bells[0].rung(), bells[1].rung()), (1, 0), "the first is woken, and only it");
    let mut late = pin!(mutex.lock());
    let mut context = Context::from_waker(Waker::noop());
    assert!(late.as_mut().poll(&mut context).is_pending(), "who comes late does not push in");
    let Poll::Ready(guard) = first.as_mut().poll(&mut Context::from_waker(&wakers[0])) else {
        panic!("it was woken because it is its turn");
    };
    drop(guard);
    assert_eq!((bells[0].rung(), bells[1].rung()), (1, 1));
}

#[test]
fn a_waiter_that_is_dropped_passes_its_turn_on() {
    let mutex = Mutex::new(());
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
    let guard = block_on(mutex.lock());
    let mut second = pin!(mutex.lock());
    {
        let mut first = pin!(mutex.lock());
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(guard); // It is the turn of the first, which never comes to take it.
        assert_eq!(bell.rung(), 0);
    }
    assert_eq!(bell.rung(), 1, "now it is the turn of the second");
    assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
}
