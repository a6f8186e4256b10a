//! `sampler`: looks at the process each second, for the status page and for a file of its own.
//!
//! The file is in the folder that `watch` watches, if there is one, which gives `watch` something
//! to see.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use waterwheel::daemon::{BoxError, Daemon};
use waterwheel::sync::CancellationToken;
use waterwheel::{spawn_blocking, time};

use crate::latency::Counts;
use crate::shared::Shared;
use crate::vitals::Vitals;

const EVERY: Duration = Duration::from_secs(1);

pub struct Sampler {
    shared: Arc<Shared>,
    /// Where to write, if anywhere.
    folder: Option<PathBuf>,
}

impl Sampler {
    pub fn new(shared: Arc<Shared>, folder: Option<PathBuf>) -> Self {
        Self { shared, folder }
    }
}

impl Daemon for Sampler {
    fn name(&self) -> &str {
        "sampler"
    }

    async fn run(&self, shutdown: CancellationToken) -> Result<(), BoxError> {
        let mut before = Vitals::read(None);
        let mut counts = self.shared.latency.snapshot();
        let mut ticks = time::interval(EVERY);
        ticks.tick().await; // the first one is now
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            let vitals = self.sample(&before, &mut counts);
            self.shared.add_sample(vitals);
            before = vitals;
            if let Some(folder) = self.folder.clone() {
                spawn_blocking(move || append(&folder, &vitals)).await?;
            }
        }
        Ok(())
    }
}

impl Sampler {
    /// `/proc` is made of memory, so reading it here holds nobody up.
    fn sample(&self, before: &Vitals, counts: &mut Counts) -> Vitals {
        let mut vitals = Vitals::read(Some(before));
        let now = self.shared.latency.snapshot();
        let new = now.since(counts);
        vitals.answered = new.total();
        vitals.p99_ms = new.percentile(99).map(|p99| p99.as_secs_f64() * 1e3);
        *counts = now;
        vitals
    }
}

/// Adds a line to the file. A disk may be slow: this is for `spawn_blocking`.
fn append(folder: &Path, vitals: &Vitals) -> io::Result<()> {
    let path = folder.join("samples.csv");
    let mut file: File = OpenOptions::new().create(true).append(true).open(path)?;
    let (cpu, memory) = (vitals.cpu_percent.unwrap_or(0.0), vitals.memory.unwrap_or(0));
    writeln!(file, "{cpu:.1},{memory},{}", vitals.descriptors.unwrap_or(0))
}
