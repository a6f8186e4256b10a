use std::sync::Arc;
use std::thread;
use std::time::Duration;

use exercises::ch13_2::Parker;

/// Nobody waits as long as this, unless a wake-up was lost.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_wake_up_that_came_before_ends_one_sleep() {
    let parker = Parker::default();
    parker.unpark();
    parker.unpark();
    assert!(parker.park_for(LONG), "it was unparked");
    assert!(!parker.park_for(Duration::ZERO), "two are remembered as one");
}

#[test]
fn a_wake_up_after_the_end_is_for_the_next_sleep() {
    let parker = Parker::default();
    assert!(!parker.park_for(Duration::from_millis(1)), "nobody has unparked it");
    parker.unpark();
    assert!(parker.park_for(Duration::ZERO), "a wake-up that is there counts, whatever the time");
}

#[test]
fn two_threads_take_turns_and_none_oversleeps() {
    let sides = Arc::new((Parker::default(), Parker::default()));
    let other = {
        let sides = sides.clone();
        thread::spawn(move || {
            for _ in 0..1_000 {
                assert!(sides.1.park_for(LONG));
                sides.0.unpark();
            }
        })
    };
    for _ in 0..1_000 {
        sides.1.unpark();
        assert!(sides.0.park_for(LONG));
    }
    other.join().expect("the other side ends");
}
