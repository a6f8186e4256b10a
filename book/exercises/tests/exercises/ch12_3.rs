use std::time::Duration;

use exercises::ch12_3::time_of;

const PAIRS: u32 = 200_000;

#[test]
fn a_channel_is_dearer_when_two_meet_at_it() {
    let (alone, together) = time_of(PAIRS);
    let each = |all: Duration| all.as_secs_f64() * 1e9 / f64::from(PAIRS);
    println!("send and receive: {:.0} ns alone, {:.0} ns met", each(alone), each(together));
    assert!(alone > Duration::ZERO, "a measurement that is nothing measured nothing");
    assert!(together > Duration::ZERO, "the second one, too");
}
