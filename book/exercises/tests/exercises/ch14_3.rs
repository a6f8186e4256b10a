use std::time::Duration;

use exercises::ch14_3::time_of;

const LOOKS: u32 = 20_000;

#[test]
fn a_look_is_a_system_call_and_costs_like_one() {
    let time = time_of(LOOKS).expect("the system has a poller and a socket");
    println!("a look: {:.0} ns", time.as_secs_f64() * 1e9 / f64::from(LOOKS));
    assert!(time > Duration::ZERO, "a measurement that is nothing measured nothing");
}
