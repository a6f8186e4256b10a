//! Running the contestants: a process for each run, round after round, the order rotated.
//!
//! A run is this program again, with `run-one`; it prints one line of JSON and ends, so no runtime inherits another
//! one's threads, heap or caches. Rounds are outermost and contestants innermost: two contestants of a row are measured
//! within seconds of each other, and a slow phase of the machine touches both.
//!
//! A run that fails or outlasts the watchdog is left out of its round and reported; the others go on.
//!
//! Book: chapter 20

use crate::args::Compare;
use crate::catalogue::{Contestant, Row, Who};
use crate::rows::{Effort, Sample, calibrate};
use std::io::{self, IsTerminal};
use std::process::{ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// No run takes a quarter of this, even the textbook's.
const WATCHDOG: Duration = Duration::from_secs(60);
/// A task of lane Low spins for this long.
const LOW_TASK: Duration = Duration::from_micros(50);

/// What was measured in one row.
#[derive(Debug)]
pub(crate) struct Results {
    /// The row.
    pub(crate) row: &'static Row,
    /// The contestants that took part, in the catalogue's order.
    pub(crate) contestants: Vec<Contestant>,
    /// By contestant, then by round; `None` where a run failed.
    pub(crate) samples: Vec<Vec<Option<Sample>>>,
}

/// Measures `rows` in as many rounds as asked for; also gives a line for each run that failed.
pub(crate) fn compare(rows: &[&'static Row], compare: &Compare) -> (Vec<Results>, Vec<String>) {
    let &Compare { rounds, quick, generator, .. } = compare;
    let effort = if quick { Effort::Quick } else { Effort::Full };
    let settings = [effort.to_string(), calibrate(LOW_TASK).to_string(), generator.to_string()];
    let mut failures = Vec::new();
    let mut results: Vec<Results> = rows.iter().map(|row| Results::empty(row, quick)).collect();
    let runs: usize = results.iter().map(|result| result.contestants.len()).sum();
    let mut progress = Progress { done: 0, all: runs * rounds, begin: Instant::now() };
    for round in 0..rounds {
        for result in &mut results {
            let count = result.contestants.len();
            for turn in 0..count {
                let index = (turn + round) % count;
                let contestant = result.contestants[index];
                progress.show(round, result.row.name, contestant);
                let sample = run(result.row, contestant, &settings).map_err(|error| {
                    failures.push(format!("{}, {contestant}: {error}", result.row.name));
                });
                result.samples[index].push(sample.ok());
            }
        }
    }
    progress.finish();
    (results, failures)
}

impl Results {
    fn empty(row: &'static Row, quick: bool) -> Self {
        let takes_part = |one: &&Contestant| !(quick && one.who == Who::TextbookSleep);
        let contestants: Vec<_> = row.contestants.iter().filter(takes_part).copied().collect();
        Self { row, samples: vec![Vec::new(); contestants.len()], contestants }
    }
}

fn run(row: &Row, contestant: Contestant, settings: &[String]) -> Result<Sample, String> {
    let mut child = Command::new(std::env::current_exe().map_err(|error| error.to_string())?)
        .args(["run-one", row.name, &contestant.argument()])
        .args(settings)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start: {error}"))?;
    let output = read_until_closed(child.stdout.take(), child.stderr.take());
    let output = output.recv_timeout(WATCHDOG);
    if output.is_err() {
        child.kill().map_err(|error| error.to_string())?;
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let (json, words) = output.map_err(|_| format!("no result after {} s", WATCHDOG.as_secs()))?;
    if !status.success() {
        return Err(format!("{status}: {}", words.lines().next().unwrap_or("no word")));
    }
    serde_json::from_str(&json).map_err(|error| format!("its figures make no sense: {error}"))
}

/// Sends what a child printed, once it has closed both of its outputs.
fn read_until_closed(
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
) -> mpsc::Receiver<(String, String)> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // What cannot be read is left out; the exit status or the JSON will be wrong then.
        let json = out.and_then(|out| io::read_to_string(out).ok()).unwrap_or_default();
        let words = err.and_then(|err| io::read_to_string(err).ok()).unwrap_or_default();
        sender.send((json, words)).ok();
    });
    receiver
}

/// One line on standard error, rewritten on a terminal.
struct Progress {
    done: usize,
    all: usize,
    begin: Instant,
}

impl Progress {
    fn show(&mut self, round: usize, row: &str, contestant: Contestant) {
        let elapsed = self.begin.elapsed();
        let left = if self.done == 0 {
            String::new()
        } else {
            let left = elapsed.mul_f64(self.all as f64 / self.done as f64 - 1.0);
            format!(", {} s left", left.as_secs())
        };
        let line =
            format!("[{}/{}{left}] round {}: {row}, {contestant}", self.done, self.all, round + 1);
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[2K{line}");
        } else if self.done.is_multiple_of(10) {
            eprintln!("{line}");
        }
        self.done += 1;
    }

    fn finish(&self) {
        let clear = if io::stderr().is_terminal() { "\r\x1b[2K" } else { "" };
        eprintln!("{clear}{} runs in {} s", self.all, self.begin.elapsed().as_secs());
    }
}
