use std::time::Duration;

use exercises::ch17_3::wait_behind_a_stuck_worker;

#[test]
fn a_task_behind_a_stuck_worker_is_polled_while_that_is_stuck() {
    for millis in [2, 10, 50] {
        let limit = Duration::from_millis(millis);
        let wait = wait_behind_a_stuck_worker(limit);
        println!("limit {limit:?}: polled after {wait:?}");
        assert!(wait > Duration::ZERO, "a measurement that is nothing measured nothing");
    }
}
