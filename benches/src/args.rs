//! The command line: one `Command`, or one clear line and exit code 2.
//!
//! `run-one`, `load`, `hold` and `bug` are what the program says to itself when it starts its own children; they are not in
//! the help. Every other mistake names the argument and what would have been understood.
//!
//! Book: chapter 20

use crate::load::{Protocol, Wrk};
use crate::proof::Scale;
use crate::rows::{Effort, Generator};
use lexopt::prelude::*;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Rounds of a full comparison, unless `--rounds` says otherwise.
const FULL_ROUNDS: usize = 11;
/// Rounds of a quick one.
const QUICK_ROUNDS: usize = 3;
/// More would take days; a larger number is a slip.
const MAX_ROUNDS: usize = 1_000;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Waterwheel beside tokio, smol and the textbook runtime: same work, same workers, a process per run.

  waterwheel-bench [--quick] [--rounds N] [--out DIR] [--wrk] [FILTER ...]
      compare; a FILTER is a part of a row's name, several are joined by `or`
  waterwheel-bench --list
      the rows: what each measures, and how it could be unfair
  waterwheel-bench instructions [FILTER ...]
      count instructions instead of time, under valgrind: the same on a busy machine
  waterwheel-bench ladder [--rounds N]
      the book's ladder of small runtimes, each rung's time divided by tokio's
  waterwheel-bench proof NAME [--full] [--for TIME] [--seed N]
  waterwheel-bench proof --list
      show that a bound holds, with figures; exit code 1 if it does not

  --quick      five rows in about a minute
  --rounds N   measure everything N times, interleaved (default 11; with --quick 3)
  --wrk        load the HTTP servers with the program wrk from the path, not with our own load generator
  --out DIR    where report.json, chart.svg, table.md and index.html go
               (default: target/bench, and for index.html, the page to look at, target/report)";

/// What the program was asked to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Print [`HELP`].
    Help,
    /// Print the rows.
    List,
    /// Compare the contestants.
    Compare(Compare),
    /// Compare the rungs of the ladder, in so many rounds.
    Ladder(usize),
    /// Measure one rung in one workload, once: its place, the workload's place, how many workers.
    LadderOne([usize; 3]),
    /// Print the proofs.
    ProofList,
    /// Count instructions in the rows whose names contain one of these.
    Instructions(Vec<String>),
    /// Run one proof.
    Proof {
        /// Its name.
        name: String,
        /// Its size.
        scale: Scale,
    },
    /// Measure one contestant in one row, once, and print a line of JSON.
    RunOne(RunOne),
    /// Load an echo server and print a line of JSON.
    Load(Load),
    /// Hold connections open until standard input ends.
    Hold(SocketAddr, usize),
    /// Run one of the scenarios of the proof `bugs` and print what came out.
    Bug {
        /// The scenario's name.
        name: String,
        /// The runtime's name.
        contestant: String,
        /// How long a round may wait.
        patience: Duration,
    },
}

/// The settings of a comparison.
#[derive(Debug, PartialEq)]
pub(crate) struct Compare {
    /// Fewer rows, shorter runs.
    pub(crate) quick: bool,
    /// How often everything is measured.
    pub(crate) rounds: usize,
    /// Parts of row names; none means all.
    pub(crate) filters: Vec<String>,
    /// Where the report goes.
    pub(crate) out: Option<PathBuf>,
    /// What loads the HTTP servers.
    pub(crate) generator: Generator,
}

/// One run of one contestant.
#[derive(Debug, PartialEq)]
pub(crate) struct RunOne {
    /// The row's name.
    pub(crate) row: String,
    /// The contestant's name.
    pub(crate) contestant: String,
    /// How long it measures.
    pub(crate) effort: Effort,
    /// Turns of the spinning loop that take 50 us on this machine.
    pub(crate) spin: u64,
    /// What loads an HTTP server.
    pub(crate) generator: Generator,
}

/// What the load generator does.
#[derive(Debug, PartialEq)]
pub(crate) struct Load {
    /// The server.
    pub(crate) server: SocketAddr,
    /// Connections, each with one message under way.
    pub(crate) connections: usize,
    /// How long it measures, in milliseconds.
    pub(crate) millis: u64,
    /// What it asks.
    pub(crate) protocol: Protocol,
}

/// Understands a command line without the program's name.
///
/// # Errors
///
/// One line that names the argument that was not understood.
pub(crate) fn parse(
    args: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<Command, String> {
    let mut parser = lexopt::Parser::from_args(args);
    let mut compare = Compare::untouched();
    while let Some(arg) = parser.next().map_err(|error| error.to_string())? {
        match arg {
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("list") => return Ok(Command::List),
            Long("quick") => compare.quick = true,
            Long("rounds") => compare.rounds = rounds(&value(&mut parser, "--rounds")?)?,
            Long("wrk") => {
                Wrk::find()?;
                compare.generator = Generator::Wrk;
            }
            Long("out") => compare.out = Some(value(&mut parser, "--out")?.into()),
            Value(word) if compare == Compare::untouched() => {
                let word = text(word)?;
                match word.as_str() {
                    "proof" => return proof(parser),
                    "ladder" => return ladder(parser),
                    "ladder-one" => return ladder_one(&rest(parser)?),
                    "instructions" => return Ok(Command::Instructions(rest(parser)?)),
                    "run-one" => return run_one(&rest(parser)?),
                    "load" => return load(&rest(parser)?),
                    "hold" => return hold(&rest(parser)?),
                    "bug" => return bug(&rest(parser)?),
                    _ => compare.filters.push(word),
                }
            }
            Value(word) => compare.filters.push(text(word)?),
            other => return Err(other.unexpected().to_string()),
        }
    }
    if compare.rounds == 0 {
        compare.rounds = if compare.quick { QUICK_ROUNDS } else { FULL_ROUNDS };
    }
    Ok(Command::Compare(compare))
}

impl Compare {
    fn untouched() -> Self {
        let generator = Generator::Own;
        Self { quick: false, rounds: 0, filters: Vec::new(), out: None, generator }
    }
}

fn proof(mut parser: lexopt::Parser) -> Result<Command, String> {
    let mut name = None;
    let mut scale = Scale::default();
    while let Some(arg) = parser.next().map_err(|error| error.to_string())? {
        match arg {
            Long("list") => return Ok(Command::ProofList),
            Long("full") => scale.full = true,
            Long("for") => scale.time = Some(duration(&value(&mut parser, "--for")?)?),
            Long("seed") => scale.seed = Some(number(&value(&mut parser, "--seed")?)?),
            Value(word) if name.is_none() => name = Some(text(word)?),
            other => return Err(other.unexpected().to_string()),
        }
    }
    let name = name.ok_or("proof needs a name; `proof --list` prints them")?;
    Ok(Command::Proof { name, scale })
}

fn ladder(mut parser: lexopt::Parser) -> Result<Command, String> {
    let mut count = FULL_ROUNDS;
    while let Some(arg) = parser.next().map_err(|error| error.to_string())? {
        match arg {
            Long("rounds") => count = rounds(&value(&mut parser, "--rounds")?)?,
            other => return Err(other.unexpected().to_string()),
        }
    }
    Ok(Command::Ladder(count))
}

fn ladder_one(words: &[String]) -> Result<Command, String> {
    let [rung, workload, workers] = words else {
        return Err("ladder-one needs RUNG WORKLOAD WORKERS".to_owned());
    };
    Ok(Command::LadderOne([number(rung)?, number(workload)?, number(workers)?]))
}

fn run_one(words: &[String]) -> Result<Command, String> {
    let [row, contestant, effort, spin, generator] = words else {
        return Err("run-one needs ROW CONTESTANT EFFORT SPIN GENERATOR".to_owned());
    };
    let (row, contestant) = (row.clone(), contestant.clone());
    let (effort, spin, generator) = (effort.parse()?, number(spin)?, generator.parse()?);
    Ok(Command::RunOne(RunOne { row, contestant, effort, spin, generator }))
}

fn load(words: &[String]) -> Result<Command, String> {
    let [server, connections, millis, protocol] = words else {
        return Err("load needs ADDRESS CONNECTIONS MILLISECONDS PROTOCOL".to_owned());
    };
    let server = address(server)?;
    let (connections, millis) = (number(connections)?, number(millis)?);
    Ok(Command::Load(Load { server, connections, millis, protocol: protocol.parse()? }))
}

fn hold(words: &[String]) -> Result<Command, String> {
    let [server, connections] = words else {
        return Err("hold needs ADDRESS CONNECTIONS".to_owned());
    };
    Ok(Command::Hold(address(server)?, number(connections)?))
}

fn bug(words: &[String]) -> Result<Command, String> {
    let [name, contestant, millis] = words else {
        return Err("bug needs NAME CONTESTANT MILLISECONDS".to_owned());
    };
    let (name, contestant) = (name.clone(), contestant.clone());
    Ok(Command::Bug { name, contestant, patience: Duration::from_millis(number(millis)?) })
}

fn rest(mut parser: lexopt::Parser) -> Result<Vec<String>, String> {
    let words = parser.raw_args().map_err(|error| error.to_string())?;
    words.map(text).collect()
}

fn value(parser: &mut lexopt::Parser, option: &str) -> Result<String, String> {
    text(parser.value().map_err(|_| format!("{option} needs a value"))?)
}

fn text(word: OsString) -> Result<String, String> {
    word.into_string().map_err(|word| format!("argument is not text: {}", word.display()))
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{word}` is not a number"))
}

/// A whole number of seconds or minutes.
fn duration(word: &str) -> Result<Duration, String> {
    let bad = || format!("`{word}` is no duration; write it as in 90s or 30m");
    let (digits, seconds) = match (word.strip_suffix('s'), word.strip_suffix('m')) {
        (Some(digits), _) => (digits, 1),
        (_, Some(digits)) => (digits, 60),
        _ => return Err(bad()),
    };
    let count: u32 = digits.parse().map_err(|_| bad())?;
    Ok(Duration::from_secs(u64::from(count) * seconds))
}

fn address(word: &str) -> Result<SocketAddr, String> {
    word.parse().map_err(|_| format!("`{word}` is not an address with a port"))
}

fn rounds(word: &str) -> Result<usize, String> {
    match word.parse() {
        Ok(count @ 1..=MAX_ROUNDS) => Ok(count),
        _ => Err(format!("--rounds needs a number from 1 to {MAX_ROUNDS}, not `{word}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace())
    }

    #[test]
    fn no_argument_compares_everything() {
        let all = Compare { rounds: FULL_ROUNDS, ..Compare::untouched() };
        assert_eq!(words(""), Ok(Command::Compare(all)));
    }

    #[test]
    fn options_and_filters_mix_in_any_order() {
        let Ok(Command::Compare(compare)) = words("yield --quick echo --rounds 7 --out here")
        else {
            panic!("these are arguments of a comparison");
        };
        assert!(compare.quick);
        assert_eq!(compare.rounds, 7);
        assert_eq!(compare.filters, ["yield", "echo"]);
        assert_eq!(compare.out, Some(PathBuf::from("here")));
        assert!(matches!(words("--quick"), Ok(Command::Compare(Compare { rounds: 3, .. }))));
    }

    #[test]
    fn a_bad_argument_is_one_line_that_names_it() {
        for (line, part) in [
            ("--rounds", "--rounds needs a value"),
            ("--rounds 0", "`0`"),
            ("--rounds many", "`many`"),
            ("--fast", "--fast"),
            ("proof", "proof --list"),
            ("proof idle wakes", "wakes"),
            ("run-one yield-1", "run-one needs"),
            ("load somewhere 64 1000 echo", "somewhere"),
            ("load 127.0.0.1:1 64 1000 gopher", "gopher"),
            ("ladder yield", "yield"),
            ("ladder --rounds 0", "`0`"),
            ("ladder-one 0", "ladder-one needs"),
            ("hold 127.0.0.1:1 few", "few"),
            ("bug tokio-4730 ours soon", "soon"),
            ("proof stress --for 5h", "`5h`"),
        ] {
            let error = words(line).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
            assert_eq!(error.lines().count(), 1, "{line}: {error}");
        }
    }

    #[test]
    fn proofs_have_a_name_and_a_size() {
        let idle = |full| Command::Proof {
            name: "idle".to_owned(),
            scale: Scale { full, ..Scale::default() },
        };
        assert_eq!(words("proof idle"), Ok(idle(false)));
        assert_eq!(words("proof --full idle"), Ok(idle(true)));
        assert_eq!(words("proof --list"), Ok(Command::ProofList));
        let Ok(Command::Proof { scale, .. }) = words("proof stress --for 2m --seed 7") else {
            panic!("these are arguments of a proof");
        };
        let time = Some(Duration::from_secs(120));
        assert_eq!(scale, Scale { full: false, time, seed: Some(7) });
    }

    #[test]
    fn a_childs_command_line_comes_back_whole() {
        let run = RunOne {
            row: "yield-1".to_owned(),
            contestant: "ours:0+1".to_owned(),
            effort: Effort::Quick,
            spin: 12_345,
            generator: Generator::Wrk,
        };
        assert_eq!(words("run-one yield-1 ours:0+1 quick 12345 wrk"), Ok(Command::RunOne(run)));
        let server = "127.0.0.1:80".parse().expect("an address");
        let load = Load { server, connections: 64, millis: 500, protocol: Protocol::Http };
        assert_eq!(words("load 127.0.0.1:80 64 500 http"), Ok(Command::Load(load)));
        assert_eq!(words("hold 127.0.0.1:80 9"), Ok(Command::Hold(server, 9)));
        assert_eq!(words("ladder-one 8 2 1"), Ok(Command::LadderOne([8, 2, 1])));
    }
}
