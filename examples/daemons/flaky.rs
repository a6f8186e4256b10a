//! `flaky`: fails again and again, by turns with an error and with a panic, to show that a
//! supervisor restarts it either way and leaves the others alone.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use waterwheel::daemon::{BoxError, Daemon};
use waterwheel::sync::CancellationToken;
use waterwheel::time;

/// How long it keeps itself together.
const UP_FOR: Duration = Duration::from_millis(200);

#[derive(Default)]
pub struct Flaky {
    runs: AtomicU32,
}

impl Daemon for Flaky {
    fn name(&self) -> &str {
        "flaky"
    }

    async fn run(&self, shutdown: CancellationToken) -> Result<(), BoxError> {
        let run = self.runs.fetch_add(1, Relaxed) + 1;
        if shutdown.run_until_cancelled(time::sleep(UP_FOR)).await.is_none() {
            return Ok(());
        }
        if run.is_multiple_of(2) {
            panic!("run {run} was not to be");
        }
        Err(format!("run {run} went wrong").into())
    }
}
