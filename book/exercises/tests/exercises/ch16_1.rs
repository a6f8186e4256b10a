use exercises::ch16_1::{Account, Lane};

/// The part of the other lane, in thousandths.
fn part(rate: i64, home: i64, other: i64) -> i64 {
    let mut account = Account { rate, credit: 0 };
    let mut time = [0, 0];
    while time[0] + time[1] < 1_000_000_000 {
        let lane = account.next();
        let took = if lane == Lane::Home { home } else { other };
        time[lane as usize] += took;
        account.polled(lane, took);
    }
    time[1] * 1_000 / (time[0] + time[1])
}

#[test]
fn the_part_does_not_depend_on_what_polls_take() {
    for (home, other) in [(1_000, 1_000), (50_000, 1_000), (1_000, 100_000), (30, 70_000)] {
        let part = part(9, home, other);
        assert!((99..=101).contains(&part), "{home} ns and {other} ns: {part} thousandths");
    }
}

#[test]
fn a_worker_begins_with_its_home_lane() {
    assert_eq!(Account { rate: 9, credit: 0 }.next(), Lane::Home);
}

#[test]
fn who_has_had_a_long_poll_waits_until_it_is_paid() {
    let mut account = Account { rate: 10, credit: 1 };
    assert_eq!(account.next(), Lane::Other);
    account.polled(Lane::Other, 1_000);
    let mut paid = 0;
    while account.next() == Lane::Home {
        account.polled(Lane::Home, 100);
        paid += 100;
    }
    assert!((9_900..=10_100).contains(&paid), "{paid} ns for a poll of 1,000");
}
