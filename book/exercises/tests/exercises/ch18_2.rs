use std::time::Duration;

use exercises::ch18_2::time_of;

const POLLS: u32 = 1_000_000;

#[test]
fn containment_costs_far_less_than_a_microsecond() {
    let (plain, contained) = time_of(POLLS);
    let each = |all: Duration| all.as_secs_f64() * 1e9 / f64::from(POLLS);
    println!("per poll: {:.2} ns plain, {:.2} ns contained", each(plain), each(contained));
    assert!(contained > Duration::ZERO, "a measurement that is nothing measured nothing");
    assert!(each(contained) < each(plain) + 1000.0, "{contained:?} against {plain:?}");
}
