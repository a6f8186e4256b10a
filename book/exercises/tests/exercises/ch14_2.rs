use std::time::Duration;

use exercises::ch14_2::{RAREST, polls_between_looks};

#[test]
fn the_polls_between_two_looks_fill_the_interval() {
    for (micros, polls) in [(2, 50), (10, 10), (50, 2), (60, 1)] {
        assert_eq!(polls_between_looks(Duration::from_micros(micros)), polls, "{micros} us");
    }
}

#[test]
fn short_polls_have_a_limit_and_long_ones_have_a_look_after_each() {
    assert_eq!(polls_between_looks(Duration::ZERO), RAREST);
    assert_eq!(polls_between_looks(Duration::from_nanos(100)), RAREST);
    assert_eq!(polls_between_looks(Duration::from_secs(3)), 1);
}
