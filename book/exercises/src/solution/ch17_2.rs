//! Exercise 2 of chapter 17, solved: give way.

/// The sum of `numbers`. Yields after each `at_once` numbers, so that no poll adds up more than that;
/// not after the last ones, when there is nothing left to do.
pub async fn sum(numbers: &[u64], at_once: usize) -> u64 {
    let mut sum = 0;
    for (n, chunk) in numbers.chunks(at_once).enumerate() {
        if n > 0 {
            waterwheel::yield_now().await;
        }
        sum += chunk.iter().sum::<u64>();
    }
    sum
}
