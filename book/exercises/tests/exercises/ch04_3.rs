use std::time::Duration;

use exercises::ch04_3::round_trips;

const COUNT: u32 = 2_000;

#[test]
fn both_kinds_of_round_trip_take_some_time() {
    let (threads, tasks) = round_trips(COUNT).expect("sockets on the loopback work");
    let each = |all: Duration| all.as_secs_f64() * 1e6 / f64::from(COUNT);
    println!(
        "a round trip: {:.1} us between threads, {:.1} us between tasks",
        each(threads),
        each(tasks)
    );
    for took in [threads, tasks] {
        assert!(took > Duration::from_micros(u64::from(COUNT)), "{took:?} is too good to be true");
    }
}
