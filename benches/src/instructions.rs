//! Instructions for one operation, counted by valgrind: where wall time is too noisy to see a gain.
//!
//! A run with 2 batches and one with 6 differ by 4 batches of work and nothing else, so starting up, warming up and
//! ending cancel. Only rows with one worker are counted: valgrind runs one thread at a time, which says little about two.
//! An instruction is not a time (an atomic one costs as much as twenty plain ones), but a count repeats to a percent on a
//! busy machine.
//!
//! It fails, with one line, where valgrind is not installed.
//!
//! Book: chapter 20

use crate::catalogue::{Contestant, Row, Who};
use crate::rows::{Effort, Generator, OPERATIONS, Sample};
use std::env;
use std::process::Command;

const FEW: usize = 2;
const MANY: usize = 6;

/// Counts and prints the rows that work in batches and have one worker.
///
/// # Errors
///
/// One line, if valgrind cannot be run or a run fails.
pub(crate) fn count(rows: &[&'static Row]) -> Result<(), String> {
    let countable =
        |row: &&&Row| row.workload.is_batched() && row.contestants[0].layout.total() == 1;
    for row in rows.iter().filter(countable) {
        let mut ours = None;
        // The textbook's sleeping form differs from the other one in nothing but its sleep.
        let contestants = row.contestants.iter().filter(|one| one.who != Who::TextbookSleep);
        for contestant in contestants.copied() {
            let count = instructions(row, contestant)?;
            let ours = *ours.get_or_insert(count);
            let name = contestant.to_string();
            println!("{:16} {name:18} {count:8.0}   ours {:.2} of it", row.name, ours / count);
        }
    }
    Ok(())
}

/// Instructions for one operation.
fn instructions(row: &Row, contestant: Contestant) -> Result<f64, String> {
    let (few, sample) = run(row, contestant, FEW)?;
    let (many, _) = run(row, contestant, MANY)?;
    let operations = sample.get(OPERATIONS).ok_or("the run does not say how much it did")?;
    Ok((many - few) / ((MANY - FEW) as f64 * operations))
}

fn run(row: &Row, contestant: Contestant, batches: usize) -> Result<(f64, Sample), String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["run-one", row.name, &contestant.argument()])
        .args([Effort::Batches(batches).to_string(), "1".to_owned(), Generator::Own.to_string()])
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    let collected = words.lines().find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    let sample = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string());
    match (count, sample) {
        (Some(count), Ok(sample)) => Ok((count, sample)),
        _ => Err(format!("{}, {contestant}: {}", row.name, words.lines().last().unwrap_or(""))),
    }
}
