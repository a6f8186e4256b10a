use exercises::ch13_3::{Between, looked_past};

const PAIRS: usize = 100_000;

#[test]
fn with_a_fence_nobody_looks_past_the_other() {
    // How many it is without depends on the processor; on a single one it may be none.
    println!("of {PAIRS}, without a fence: {}", looked_past(PAIRS, Between::Nothing));
    let fenced = looked_past(PAIRS, Between::Fence);
    println!("of {PAIRS}, with a fence: {fenced}");
    assert_eq!(fenced, 0);
}
