use std::time::Duration;

use exercises::ch16_3::longest_wait;

#[test]
fn high_is_served_with_stealing_and_without() {
    for stealing in [true, false] {
        let wait = longest_wait(50, stealing).expect("two threads can be started");
        println!("stealing from Low {stealing}: {} us", wait.as_micros());
        assert!(wait > Duration::ZERO, "a measurement that is nothing measured nothing");
    }
}
