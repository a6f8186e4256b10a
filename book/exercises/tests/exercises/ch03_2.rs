use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use exercises::ch03_2::Lanes;

/// Far longer than any of this takes; it only turns a hang into a failure.
const WATCHDOG: Duration = Duration::from_secs(30);

#[test]
fn high_is_taken_first_and_each_lane_in_order() {
    let lanes = Lanes::new();
    lanes.push_low("low 1");
    lanes.push_low("low 2");
    lanes.push_high("high 1");
    lanes.push_high("high 2");
    lanes.close();
    let taken: Vec<_> = std::iter::from_fn(|| lanes.take()).collect();
    assert_eq!(taken, ["high 1", "high 2", "low 1", "low 2"]);
}

#[test]
fn waiting_threads_hear_of_either_lane_and_of_the_end() {
    let lanes = std::sync::Arc::new(Lanes::new());
    let (taken, results) = mpsc::channel();
    for _ in 0..3 {
        let (lanes, taken) = (lanes.clone(), taken.clone());
        thread::spawn(move || {
            while let Some(task) = lanes.take() {
                taken.send(Some(task)).expect("the test listens");
            }
            taken.send(None).expect("the test listens");
        });
    }
    for round in 0..100 {
        if round % 2 == 0 {
            lanes.push_high(round);
        } else {
            lanes.push_low(round);
        }
        assert_eq!(results.recv_timeout(WATCHDOG), Ok(Some(round)));
    }
    lanes.close();
    for _ in 0..3 {
        assert_eq!(results.recv_timeout(WATCHDOG), Ok(None), "every waiter hears of the end");
    }
}
