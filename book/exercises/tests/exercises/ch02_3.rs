use std::time::Duration;

use exercises::ch02_3::{as_tasks, joined};

#[test]
fn both_games_are_played_to_the_end() {
    let (joined, tasks) = (joined(1_000), as_tasks(1_000));
    println!("a round takes {joined:?} joined, and {tasks:?} between tasks");
    for round in [joined, tasks] {
        assert!(round > Duration::ZERO, "a measurement that is nothing measured nothing");
        assert!(round < Duration::from_millis(20), "{round:?}: somebody naps");
    }
}
