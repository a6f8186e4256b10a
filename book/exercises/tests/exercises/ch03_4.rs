use std::time::Duration;

use exercises::ch03_4::median_wait;

#[test]
fn a_waiting_worker_is_far_quicker_than_a_napping_one() {
    let median = median_wait(101);
    println!("median wait for the first poll: {median:?}");
    assert!(median > Duration::ZERO, "a measurement that is nothing measured nothing");
    assert!(median < Duration::from_millis(50), "{median:?} is what a nap would give");
}
