use exercises::ch19_3::{Die, tries};

/// Searches for each length: their mean is known to a tenth or so.
const SEARCHES: u64 = 300;

fn mean(harmless: usize) -> f64 {
    let all: usize = (0..SEARCHES).map(|seed| tries(harmless, &mut Die::new(seed))).sum();
    all as f64 / SEARCHES as f64
}

#[test]
fn chance_needs_the_longer_the_more_harmless_steps_there_are() {
    let means = [0, 4, 40, 400].map(|harmless| (harmless, mean(harmless)));
    for (harmless, mean) in means {
        println!("{harmless} harmless steps on either side: found in {mean:.1} runs");
    }
    // One order of six loses the task, and a fair die draws it once in eight times.
    assert!((6.0..10.0).contains(&means[0].1), "{means:?}");
    assert!(means.is_sorted_by(|(_, a), (_, b)| a < b), "{means:?}");
}
