//! Waterwheel beside tokio, smol and the textbook runtime: the same work, the same workers, one run.
//!
//! `cargo run --release -p waterwheel-bench -- --quick` prints a first table in about a minute; `--help` says the rest.
//! The program is three: the *parent* compares and reports (`runner`, `report`), a *child* measures one contestant in one
//! row (`rows`, on a `peer`), and the *load generator* is the other end of the sockets (`load`). `proof` shows bounds
//! that no ratio tells.
//!
//! It fails with exit code 2 and one line on a bad argument, and with 1 if a run failed or a proof's bound is broken.
//!
//! Book: chapter 20

mod args;
mod catalogue;
mod instructions;
mod ladder;
mod load;
mod machine;
mod peer;
mod proof;
mod report;
mod rows;
mod runner;
mod stats;

use args::{Command, Compare, RunOne};
use catalogue::{Contestant, ROWS, Row};
use machine::Machine;
use report::{Report, table};
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit code of a bad argument.
const BAD_ARGUMENT: u8 = 2;

fn main() -> ExitCode {
    match args::parse(env::args_os().skip(1)).and_then(obey) {
        Ok(code) => code,
        Err(line) => {
            eprintln!("waterwheel-bench: {line}");
            ExitCode::from(BAD_ARGUMENT)
        }
    }
}

/// Does what was asked; `Err` is a bad argument.
fn obey(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Help => println!("{}", args::HELP),
        Command::List => list(),
        Command::Compare(compare) => return comparison(&compare),
        Command::Instructions(filters) => {
            let rows = select(&filters, |_| true)?;
            println!("{}\n", Machine::here().lines().join("\n"));
            return Ok(ended(instructions::count(&rows)));
        }
        Command::Ladder(rounds) => return Ok(ended(ladder::compare(rounds))),
        Command::LadderOne(run) => return Ok(ended(ladder::run_one(run))),
        Command::ProofList => proof::list(),
        Command::Proof { name, scale } => return proof::run(&name, scale),
        Command::RunOne(run) => return Ok(ended(run_one(&run))),
        Command::Load(load) => return Ok(ended(load::run(&load))),
        Command::Bug { name, contestant, patience } => {
            return Ok(ended(proof::bug(&name, &contestant, patience)));
        }
        Command::Hold(server, count) => return Ok(ended(load::hold(server, count))),
    }
    Ok(ExitCode::SUCCESS)
}

fn ended(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            eprintln!("{line}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for row in ROWS {
        let contestants: Vec<String> = row.contestants.iter().map(ToString::to_string).collect();
        let quick = if row.quick { " (in --quick)" } else { "" };
        println!("{}{quick}\n  measures  {}\n  fairness  {}", row.name, row.what, row.fair);
        println!("  runs      {}", contestants.join(", "));
    }
}

fn comparison(compare: &Compare) -> Result<ExitCode, String> {
    let by_default = if compare.quick { |row: &Row| row.quick } else { |_: &Row| true };
    let rows = select(&compare.filters, by_default)?;
    if cfg!(debug_assertions) {
        eprintln!("note: this is a debug build; only --release gives figures worth reading");
    }
    let (results, failures) = runner::compare(&rows, compare);
    let report = Report::new(&results, compare.rounds, compare.quick, failures);
    println!("{}", table::text(&report));
    if let Err(error) = write(&report, compare.out.as_deref()) {
        return Ok(ended(Err(format!("cannot write the report: {error}"))));
    }
    Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes the record and the page, both into `out` if it is given.
fn write(report: &Report, out: Option<&Path>) -> io::Result<()> {
    let folder = |name| out.map_or_else(|| default_folder(name), |out| Ok(out.to_owned()));
    let (record, page) = (folder("bench")?, folder("report")?);
    report.write(&record)?;
    report.write_page(&page)?;
    eprintln!("report.json, chart.svg and table.md are in {}", record.display());
    eprintln!("to look at: {}", page.join("index.html").display());
    Ok(())
}

/// The rows that were asked for by parts of their names; without any, those that are in it `by_default`.
fn select(filters: &[String], by_default: fn(&Row) -> bool) -> Result<Vec<&'static Row>, String> {
    for filter in filters {
        if !ROWS.iter().any(|row| row.name.contains(filter.as_str())) {
            return Err(format!("no row's name contains `{filter}`; --list prints the rows"));
        }
    }
    let asked_for = |row: &&Row| match filters {
        [] => by_default(row),
        filters => filters.iter().any(|filter| row.name.contains(filter.as_str())),
    };
    Ok(ROWS.iter().filter(asked_for).collect())
}

/// `target/NAME`, found from `target/release/waterwheel-bench`.
fn default_folder(name: &str) -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or(io::ErrorKind::NotFound)?;
    Ok(target.join(name))
}

fn run_one(run: &RunOne) -> Result<(), String> {
    let row = Row::named(&run.row).ok_or_else(|| format!("no row `{}`", run.row))?;
    let contestant = Contestant::parse(&run.contestant)?;
    let (layout, generator) = (contestant.layout, run.generator);
    let settings = rows::Run { layout, effort: run.effort, spin: run.spin, generator };
    let sample = rows::measure(row.workload, contestant.who, settings)?;
    println!("{}", serde_json::to_string(&sample).map_err(|error| error.to_string())?);
    Ok(())
}
