use std::cell::{Cell, RefCell};

use exercises::ch13_1::Doorbell;

/// A queue, a worker's doorbell, and whether the worker has been unparked: all on one thread, since
/// the tests say what comes when.
#[derive(Default)]
struct Pool {
    queued: RefCell<Vec<u32>>,
    bell: Doorbell,
    unparked: Cell<u32>,
}

impl Pool {
    fn push(&self) {
        self.queued.borrow_mut().push(1);
        if self.bell.must_wake() {
            self.unparked.set(self.unparked.get() + 1);
        }
    }

    fn has_work(&self) -> bool {
        !self.queued.borrow().is_empty()
    }

    /// The worker sleeps; a task that is queued then must have unparked it.
    fn park(&self) {
        assert!(!self.has_work() || self.unparked.get() > 0, "a task is slept over");
    }
}

#[test]
fn a_push_before_the_worker_falls_asleep_is_seen() {
    let pool = Pool::default();
    pool.push();
    assert_eq!(pool.unparked.get(), 0, "nobody was asleep");
    pool.bell.sleep(|| pool.has_work(), || panic!("there is work"));
}

#[test]
fn a_push_right_before_or_after_any_look_is_not_slept_over() {
    for before in [true, false] {
        for at in 0..3 {
            let (pool, looks) = (Pool::default(), Cell::new(0));
            let look = || {
                if before && looks.get() == at {
                    pool.push();
                }
                let has_work = pool.has_work();
                if !before && looks.get() == at {
                    pool.push();
                }
                looks.set(looks.get() + 1);
                has_work
            };
            pool.bell.sleep(look, || pool.park());
            assert!(looks.get() > 0, "nobody has looked");
        }
    }
}

#[test]
fn a_sleeper_is_unparked_once_and_a_worker_that_is_up_is_not() {
    let pool = Pool::default();
    let parked = Cell::new(0);
    pool.bell.sleep(
        || pool.has_work(),
        || {
            parked.set(parked.get() + 1);
            pool.push();
            pool.push();
            pool.park();
        },
    );
    assert_eq!((parked.get(), pool.unparked.get()), (1, 1));
    pool.push();
    assert_eq!(pool.unparked.get(), 1, "it is up");
}
