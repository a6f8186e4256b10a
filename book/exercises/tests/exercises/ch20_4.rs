use std::time::Duration;

use exercises::ch20_4::time_of;

const COUNT: u32 = 1_000_000;

#[test]
fn both_ways_to_count_take_some_time() {
    let (added, stored) = time_of(COUNT);
    let each = |all: Duration| all.as_secs_f64() * 1e9 / f64::from(COUNT);
    println!("an increment: {:.2} ns by fetch_add, {:.2} ns by a store", each(added), each(stored));
    assert!(
        added > Duration::ZERO && stored > Duration::ZERO,
        "the compiler has done it beforehand"
    );
}
