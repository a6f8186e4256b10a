//! Proofs: bounds that no ratio tells, shown by figures, each with an exit code.
//!
//! A test waits for events under a watchdog; what needs a clock, a count of context switches or a million repetitions
//! is shown here instead. Each proof is small by default and has its recorded size behind `--full`.
//!
//! A proof fails by naming the bound that is broken, with exit code 1; one that hangs is ended by its watchdog, which
//! says how far it came.
//!
//! Book: chapter 19

mod bugs;
mod idle;
mod process;
mod runtimes;
mod start;
mod stress;
mod wakes;

pub(crate) use bugs::one as bug;

use crate::machine::Machine;
use crate::stats::quantile;
use std::process::ExitCode;
use std::time::Duration;

struct Proof {
    name: &'static str,
    what: &'static str,
    run: fn(Scale) -> Result<(), String>,
}

/// How large a proof is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scale {
    /// The recorded size, not the small one.
    pub(crate) full: bool,
    /// How long, for a proof that lasts as long as it is told.
    pub(crate) time: Option<Duration>,
    /// For a proof that throws dice.
    pub(crate) seed: Option<u64>,
}

const PROOFS: [Proof; 6] = [
    Proof {
        name: "runtimes",
        what: "runtimes built, used and dropped leave no thread, descriptor or memory behind",
        run: |scale| runtimes::run(scale.full),
    },
    Proof {
        name: "idle",
        what: "1,000 open connections and 1,000 far timers cost nothing while nothing happens",
        run: |scale| idle::run(scale.full),
    },
    Proof {
        name: "wakes",
        what: "no wake-up is lost, however it falls together with a worker falling asleep",
        run: |scale| wakes::run(scale.full),
    },
    Proof {
        name: "start",
        what: "an idle runtime begins with a new task at once",
        run: |scale| start::run(scale.full),
    },
    Proof {
        name: "bugs",
        what: "four bugs of other runtimes, here and there: ours has none of them",
        run: |scale| bugs::run(scale.full),
    },
    Proof {
        name: "stress",
        what: "everything at once, at random; and then nothing is left",
        run: stress::run,
    },
];

/// Prints the proofs.
pub(crate) fn list() {
    for proof in &PROOFS {
        println!("{:9} {}", proof.name, proof.what);
    }
}

/// Runs one proof.
///
/// # Errors
///
/// One line, if there is no such proof.
pub(crate) fn run(name: &str, scale: Scale) -> Result<ExitCode, String> {
    let proof = PROOFS.iter().find(|proof| proof.name == name);
    let proof = proof.ok_or_else(|| format!("no proof `{name}`; `proof --list` prints them"))?;
    println!("{}\n\n{}\n", Machine::here().lines().join("\n"), proof.what);
    Ok(match (proof.run)(scale) {
        Ok(()) => {
            println!("\nholds");
            ExitCode::SUCCESS
        }
        Err(broken) => {
            println!("\nBROKEN: {broken}");
            ExitCode::FAILURE
        }
    })
}

/// Prints where `nanos` lie, in us, and gives the value at `share`.
fn distribution(label: &str, nanos: &mut [u64], share: f64) -> u64 {
    nanos.sort_unstable();
    let micros = |q| quantile(nanos, q).map_or(f64::NAN, |value| value as f64 / 1e3);
    println!(
        "{label}: {} samples, us: p50 {:.1}, p90 {:.1}, p99 {:.1}, p99.9 {:.1}, max {:.1}",
        nanos.len(),
        micros(0.5),
        micros(0.9),
        micros(0.99),
        micros(0.999),
        micros(1.0)
    );
    quantile(nanos, share).unwrap_or(0)
}

/// `Err` with a sentence, unless the bound holds.
fn bound(holds: bool, sentence: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(sentence.to_owned()) }
}
