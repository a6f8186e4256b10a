use exercises::ch16_2::rate;

#[test]
fn the_rates_of_this_crate_are_yours() {
    assert_eq!(rate(64, 8), 27);
    assert_eq!(rate(8, 1), 3);
}

#[test]
fn each_rate_keeps_the_promise_and_the_next_one_breaks_it() {
    let other = |parts: u32, stride: u32, rate: u32| {
        (f64::from(parts) - f64::from(stride + rate)) / f64::from(rate + 1)
    };
    for parts in 8..1_000 {
        for stride in 1..=parts / 8 {
            let rate = rate(parts, stride);
            assert!(other(parts, stride, rate) >= 1.0, "1 in {parts}, stride {stride}: {rate}");
            assert!(other(parts, stride, rate + 1) < 1.0, "1 in {parts}, stride {stride}: {rate}");
        }
    }
}
