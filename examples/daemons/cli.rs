//! The command line: what may be asked for, and one clear line for what may not.

use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lexopt::prelude::*;

pub const HELP: &str = "\
Six supervised services on one Waterwheel runtime.

Usage: daemons [OPTIONS]

  --only NAME,...   host only these: echo, http, watch, sampler, traffic, grind;
                    or flaky, which fails again and again (off by default)
  --for TIME        stop after 10s (default), 500ms, 2m, ...; 0: run until Ctrl-C
  --high N          workers whose home is the High lane
  --low N           workers whose home is the Low lane
  --listen ADDR     address of the status page (or of echo, if there is no page);
                    default 127.0.0.1:0, where 0 takes any free port
  --grace TIME      how long each daemon may take to stop; default 2s
  --watch DIR       the folder to watch; default a new one that is removed again
  --compare         run the same work with lanes and in one lane, and compare
  --help            print this

Ctrl-C stops everything in reverse order; a second Ctrl-C exits at once.";

const DEFAULT_FOR: Duration = Duration::from_secs(10);
const DEFAULT_GRACE: Duration = Duration::from_secs(2);
/// Each of the two runs of a comparison.
const DEFAULT_COMPARE_FOR: Duration = Duration::from_secs(5);

/// What to do.
#[derive(Debug)]
pub enum Command {
    Help,
    Host(Options),
    Compare(Options),
}

/// How to do it.
#[derive(Debug)]
pub struct Options {
    pub only: Vec<Name>,
    pub end: End,
    pub high: Option<usize>,
    pub low: Option<usize>,
    pub listen: SocketAddr,
    pub grace: Duration,
    pub watch: Option<PathBuf>,
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    After(Duration),
    WhenAsked,
}

/// A daemon that can be hosted, in the order in which they are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    Echo,
    Http,
    Watch,
    Sampler,
    Traffic,
    Grind,
    Flaky,
}

impl Name {
    const ALL: [Name; 7] = [
        Self::Echo,
        Self::Http,
        Self::Watch,
        Self::Sampler,
        Self::Traffic,
        Self::Grind,
        Self::Flaky,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Http => "http",
            Self::Watch => "watch",
            Self::Sampler => "sampler",
            Self::Traffic => "traffic",
            Self::Grind => "grind",
            Self::Flaky => "flaky",
        }
    }

    /// Everything but the daemon that fails on purpose.
    fn default_set() -> Vec<Name> {
        Self::ALL.into_iter().filter(|name| *name != Self::Flaky).collect()
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.into_iter().map(Self::as_str).collect();
            format!("unknown daemon `{text}`; there are {}", known.join(", "))
        })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the arguments; the error is one line for people.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    parse_args(lexopt::Parser::from_args(args)).map_err(|error| error.to_string())
}

fn parse_args(mut args: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut options = Options {
        only: Name::default_set(),
        end: End::After(DEFAULT_FOR),
        high: None,
        low: None,
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        grace: DEFAULT_GRACE,
        watch: None,
    };
    let (mut compare, mut end) = (false, None);
    while let Some(arg) = args.next()? {
        match arg {
            Long("only") => options.only = args.value()?.parse_with(parse_names)?,
            Long("for") => end = Some(args.value()?.parse_with(parse_end)?),
            Long("high") => options.high = Some(args.value()?.parse()?),
            Long("low") => options.low = Some(args.value()?.parse()?),
            Long("listen") => options.listen = args.value()?.parse_with(parse_address)?,
            Long("grace") => options.grace = args.value()?.parse_with(parse_duration)?,
            Long("watch") => options.watch = Some(args.value()?.into()),
            Long("compare") => compare = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    if compare {
        options.end = end.unwrap_or(End::After(DEFAULT_COMPARE_FOR));
        if options.end == End::WhenAsked {
            return Err("--compare needs an end: give --for a time".into());
        }
        return Ok(Command::Compare(options));
    }
    options.end = end.unwrap_or(options.end);
    Ok(Command::Host(options))
}

/// A list of names, in starting order. The clients bring the server they talk to.
fn parse_names(text: &str) -> Result<Vec<Name>, String> {
    let mut names =
        text.split(',').map(|name| name.trim().parse()).collect::<Result<Vec<_>, _>>()?;
    if names.contains(&Name::Traffic) {
        names.push(Name::Echo);
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn parse_end(text: &str) -> Result<End, String> {
    if text == "0" {
        return Ok(End::WhenAsked);
    }
    parse_duration(text).map(End::After)
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("`{text}` is no address; write it as in 127.0.0.1:8080"))
}

/// A whole number with a unit: ms, s, m or h.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is no duration; write it as in 500ms, 10s, 2m or 1h");
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| bad())?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return Err(bad()),
    };
    match number.checked_mul(unit_ms) {
        Some(0) => Err(format!("`{text}` is no time at all; 0 without a unit runs until Ctrl-C")),
        Some(ms) => Ok(Duration::from_millis(ms)),
        None => Err(format!("`{text}` is longer than this program can count")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn options(line: &str) -> Options {
        match parse_line(line) {
            Ok(Command::Host(options) | Command::Compare(options)) => options,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn error(line: &str) -> String {
        parse_line(line).expect_err(line)
    }

    #[test]
    fn without_arguments_all_but_flaky_run_for_ten_seconds() {
        let options = options("");
        assert_eq!(options.only.len(), 6);
        assert!(!options.only.contains(&Name::Flaky));
        assert_eq!(options.end, End::After(Duration::from_secs(10)));
        assert!(options.listen.ip().is_loopback() && options.listen.port() == 0);
    }

    #[test]
    fn names_come_in_starting_order_once_and_traffic_brings_echo() {
        assert_eq!(options("--only http,echo,http").only, [Name::Echo, Name::Http]);
        assert_eq!(options("--only traffic").only, [Name::Echo, Name::Traffic]);
    }

    #[test]
    fn durations_have_units() {
        for (text, ms) in [("10s", 10_000), ("500ms", 500), ("2m", 120_000), ("1h", 3_600_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)));
        }
        assert_eq!(options("--for 0").end, End::WhenAsked);
        for bad in ["", "s", "10", "-1s", "1.5s", "10 s", "10x", "99999999999999999999s", "0s"] {
            assert!(parse_end(bad).is_err(), "{bad}");
        }
        assert!(parse_end("9999999999999999999h").is_err());
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for (line, says) in [
            ("--only ecco", "unknown daemon `ecco`"),
            ("--for soon", "`soon` is no duration"),
            ("--listen here", "`here` is no address"),
            ("--high many", "many"),
            ("--frobnicate", "--frobnicate"),
            ("extra", "extra"),
            ("--only", "--only"),
            ("--compare --for 0", "needs an end"),
        ] {
            let error = error(line);
            assert!(error.contains(says) && !error.contains('\n'), "{line}: {error}");
        }
    }
}
