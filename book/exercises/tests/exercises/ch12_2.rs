use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use exercises::ch12_2::Injector;

#[test]
fn what_was_pushed_is_drained_in_order() {
    let injector = Injector::default();
    assert_eq!(injector.drain(), Vec::<u32>::new());
    (0..100).for_each(|value| injector.push(value));
    assert_eq!(injector.drain(), (0..100).collect::<Vec<u32>>());
    assert_eq!(injector.drain(), Vec::<u32>::new());
}

#[test]
fn nothing_stays_behind_an_unset_flag() {
    const PUSHES: usize = 20_000;
    for _ in 0..20 {
        let injector = Injector::default();
        let pushing = AtomicUsize::new(2);
        let taken: usize = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    (0..PUSHES).for_each(|value| injector.push(value));
                    pushing.fetch_sub(1, Ordering::SeqCst);
                });
            }
            let drainer = scope.spawn(|| {
                let mut taken = 0;
                while pushing.load(Ordering::SeqCst) > 0 {
                    taken += injector.drain().len();
                }
                taken
            });
            drainer.join().expect("the drainer does not panic")
        });
        // Every push has returned: one more look must find what is left.
        let left = injector.drain().len();
        assert_eq!(taken + left, 2 * PUSHES, "a value was left behind the flag");
    }
}
