use exercises::ch20_3::a_over_a;

#[test]
fn nothing_differs_by_less_when_it_is_asked_more_often() {
    let mut ratios = a_over_a(301);
    assert_eq!(ratios.len(), 301);
    let first = ratios.iter().take(5).map(|ratio| format!("{ratio:.2}")).collect::<Vec<_>>();
    ratios.sort_by(f64::total_cmp);
    let (least, middle, most) = (ratios[0], ratios[150], ratios[300]);
    println!("the first five: {}", first.join(" "));
    println!("of 301: from {least:.2} to {most:.2}, the middle {middle:.3}");
    assert!(least < most, "a clock that never differs does not run");
    assert!((0.5..2.0).contains(&middle), "the same work is not {middle} times itself");
}
