use exercises::ch20_1::{median, ratio};

#[test]
fn the_median_is_the_middle() {
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[3.0]), Some(3.0));
    assert_eq!(median(&[9.0, 1.0, 4.0]), Some(4.0));
    assert_eq!(median(&[9.0, 1.0, 4.0, 6.0]), Some(5.0));
}

#[test]
fn a_slow_phase_of_the_machine_does_not_show_in_the_ratio() {
    // Ours takes half as long, always; the machine is ten times as slow in the last rounds.
    let theirs = [2.0, 2.0, 2.0, 20.0, 20.0].map(Some);
    let ours = [1.0, 1.0, 1.0, 10.0, 10.0].map(Some);
    assert_eq!(ratio(&ours, &theirs), Some(0.5));
}

#[test]
fn a_round_in_which_one_failed_is_left_out() {
    let ours = [Some(1.0), None, Some(4.0), Some(3.0)];
    let theirs = [Some(2.0), Some(1.0), Some(8.0), None];
    assert_eq!(ratio(&ours, &theirs), Some(0.5), "the ratio of the medians is 1.5");
    assert_eq!(ratio(&[None], &[Some(1.0)]), None);
}
