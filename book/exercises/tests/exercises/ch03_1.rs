use exercises::ch03_1::Lanes;

fn lanes(home: u32, other: u32) -> Lanes<char> {
    let (home_in, home_out) = flume::unbounded();
    let (other_in, other_out) = flume::unbounded();
    (0..home).for_each(|_| home_in.send('h').expect("the receiver is alive"));
    (0..other).for_each(|_| other_in.send('o').expect("the receiver is alive"));
    Lanes { home: home_out, other: other_out, calls: 0 }
}

fn taken(mut lanes: Lanes<char>) -> String {
    std::iter::from_fn(|| lanes.take()).collect()
}

#[test]
fn the_other_lane_has_every_fourth_turn() {
    assert_eq!(taken(lanes(9, 3)), "hhhohhhohhho");
}

#[test]
fn an_empty_lane_loses_its_turn_to_the_other() {
    assert_eq!(taken(lanes(5, 0)), "hhhhh");
    assert_eq!(taken(lanes(0, 5)), "ooooo");
}
