//! The attributes and the spawn macro as a user meets them: what they keep of the function they
//! stand on, what they set, and what the compiler says when they are used wrongly.

use std::num::ParseIntError;
use std::time::Duration;
use waterwheel::{Handle, Priority, spawn_task, time};

const WORKERS: usize = 2;

/// The workers at home in High and in Low.
fn workers() -> (usize, usize) {
    let metrics = Handle::current().metrics();
    (metrics.workers(Priority::High), metrics.workers(Priority::Low))
}

#[waterwheel::test]
async fn a_test_runs_inside_a_runtime() {
    assert!(Handle::try_current().is_some());
    assert_eq!(spawn_task!(async { 6 * 7 }, Priority::High).await, 42);
}

#[waterwheel::test(high = 1, low = WORKERS,)]
async fn high_and_low_set_the_number_of_workers() {
    assert_eq!(workers(), (1, WORKERS));
}

#[waterwheel::test(high = WORKERS - 2, low = usize::from(true))]
async fn a_value_is_any_expression() {
    assert_eq!(workers(), (0, 1));
}

#[waterwheel::test(high = 0, low = 1, seed = 7, start_paused = true)]
async fn a_paused_clock_moves_when_it_is_told_to() {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    let nap = spawn_task!(time::sleep(YEAR));
    time::advance(YEAR);
    nap.await;
}

#[waterwheel::test]
async fn a_test_may_return_a_result() -> Result<(), ParseIntError> {
    let number: u32 = spawn_task!(async { "12".parse() }).await?;
    assert_eq!(number, 12);
    Ok(())
}

#[waterwheel::test]
#[should_panic(expected = "out of range")]
async fn should_panic_keeps_its_meaning() {
    panic!("out of range");
}

#[waterwheel::test(high = 0, low = 0)]
#[should_panic(expected = "the runtime cannot start")]
async fn a_refused_setting_fails_the_test_with_the_reason() {}

#[cfg(any())]
#[waterwheel::test]
async fn an_item_that_is_configured_away_stays_away() {
    this_does_not_exist();
}

/// Functions under the attribute may have any name, those of the expansion's locals too.
mod names {
    #[waterwheel::test]
    async fn runtime() {}

    #[waterwheel::test]
    async fn future() {}

    #[waterwheel::test]
    async fn error() {}
}

/// The attribute for `main` works on a function of any name and visibility.
mod programs {
    #[waterwheel::main]
    pub(crate) async fn answer() -> u32 {
        waterwheel::spawn_task!(async { 42 }).await
    }

    /// Documented, generic in what it returns.
    #[waterwheel::main(high = 1, low = 1, start_paused = false)]
    pub(super) async fn words() -> impl Iterator<Item = &'static str> {
        "turn the wheel".split(' ')
    }
}

#[test]
fn a_main_returns_what_its_body_returns() {
    assert_eq!(programs::answer(), 42);
    assert_eq!(programs::words().count(), 3);
}

#[test]
fn misuse_is_a_clear_compile_error() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
