use exercises::ch17_1::{Eyes, Shown};

/// The looks at which a poll is found slow.
fn slow_at(shown: &[(u64, bool)]) -> Vec<usize> {
    let mut eyes = Eyes::default();
    let looks =
        shown.iter().map(|(polls, is_inside)| Shown { polls: *polls, is_inside: *is_inside });
    let found: Vec<bool> = looks.map(|shown| eyes.look(shown)).collect();
    found.iter().enumerate().filter(|(_, slow)| **slow).map(|(look, _)| look).collect()
}

#[test]
fn the_third_look_at_the_same_poll_finds_it_slow_and_no_later_one_again() {
    assert_eq!(slow_at(&[(7, true); 8]), [2]);
}

#[test]
fn a_worker_that_moves_is_never_slow() {
    assert_eq!(slow_at(&[(1, true), (1, true), (2, true), (2, true), (3, true)]), [0; 0]);
}

#[test]
fn a_worker_that_sleeps_is_never_slow() {
    assert_eq!(slow_at(&[(5, false); 8]), [0; 0]);
    assert_eq!(slow_at(&[(5, true), (5, true), (5, false), (5, false)]), [0; 0]);
}

#[test]
fn the_next_slow_poll_is_found_as_well() {
    assert_eq!(
        slow_at(&[(1, true), (1, true), (1, true), (2, true), (2, true), (2, true)]),
        [2, 5]
    );
}
