use exercises::ch19_1::orders;

/// More than there are steps: a bound that binds nothing.
const MANY: usize = 100;

#[test]
fn all_orders_are_as_many_as_chapter_13_says() {
    assert_eq!(orders([5, 5], MANY), 252);
    assert_eq!(orders([20, 20], MANY), 137_846_528_820);
    assert_eq!(orders([3, 0], MANY), 1);
}

#[test]
fn without_preemptions_one_thread_runs_after_the_other() {
    assert_eq!(orders([5, 5], 0), 2);
    assert_eq!(orders([20, 20], 0), 2);
}

#[test]
fn one_preemption_may_come_after_any_step_but_the_last() {
    assert_eq!(orders([5, 5], 1), 2 + 4 + 4);
    assert_eq!(orders([20, 20], 1), 2 + 19 + 19);
    assert_eq!(orders([1, 20], 1), 2 + 19);
}

#[test]
fn a_bound_of_three_leaves_few_of_many() {
    println!("20 and 20 steps: {:?}", (0..4).map(|n| orders([20, 20], n)).collect::<Vec<_>>());
    assert_eq!(orders([3, 3], 2), 14);
    assert_eq!(orders([20, 20], 3), 7_260);
}
