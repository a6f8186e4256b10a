//! The program `wrk` instead of our own load generator, where it is on the path and was asked for.
//!
//! Its figures are read from what it prints for people; there is no other form without a script of its own. It counts from
//! its first request on, without a warm-up, and its latencies are rounded to three digits.
//!
//! It fails, with one line, if wrk is not there, reports an error of a socket or a status, or prints something else.
//!
//! Book: chapter 20

use super::{ANSWERS, Figures, RATE};
use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What wrk is told to give up after, in seconds.
const SILENCE: u64 = 5;

/// wrk, found on the path.
#[derive(Debug)]
pub(crate) struct Wrk(PathBuf);

impl Wrk {
    /// Looks for it.
    ///
    /// # Errors
    ///
    /// One line, if it is not there.
    pub(crate) fn find() -> Result<Self, String> {
        let folders = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&folders).map(|folder| folder.join("wrk"));
        found.into_iter().find(|path| path.is_file()).map(Self).ok_or_else(|| {
            "--wrk: no program `wrk` on the path; without the option our own load generator is used"
                .to_owned()
        })
    }

    /// Loads an HTTP server for so many seconds, from one thread.
    ///
    /// # Errors
    ///
    /// One line, if it fails or reports an error.
    pub(crate) fn run(
        &self,
        server: SocketAddr,
        connections: usize,
        seconds: u64,
    ) -> Result<Figures, String> {
        let output = Command::new(&self.0)
            .args(["--threads", "1", "--latency", "--connections", &connections.to_string()])
            .args(["--duration", &format!("{seconds}s"), "--timeout", &format!("{SILENCE}s")])
            .arg(format!("http://{server}/"))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot start wrk: {error}"))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("wrk: {}", words.lines().next().unwrap_or("no word")));
        }
        figures(&String::from_utf8_lossy(&output.stdout))
    }
}

/// Reads what wrk prints.
fn figures(text: &str) -> Result<Figures, String> {
    for complaint in ["Socket errors", "Non-2xx"] {
        if let Some(line) = text.lines().find(|line| line.contains(complaint)) {
            return Err(format!("wrk: {}", line.trim()));
        }
    }
    let missing = |name: &str| format!("wrk printed no `{name}`");
    let words: Vec<Vec<&str>> =
        text.lines().map(|line| line.split_whitespace().collect()).collect();
    let after = |name: &str| {
        let line = words.iter().find(|line| line.first() == Some(&name));
        line.and_then(|line| line.get(1)).copied().ok_or_else(|| missing(name))
    };
    let latency = |name: &str| micros(after(name)?).ok_or_else(|| missing(name));
    let requests = words.iter().find(|line| line.get(1) == Some(&"requests"));
    let requests = requests.and_then(|line| line[0].parse().ok());
    let rate = after("Requests/sec:")?.parse().map_err(|_| missing("Requests/sec"))?;
    Ok([
        (ANSWERS, requests.ok_or_else(|| missing("requests"))?),
        (RATE, rate),
        ("p50 us", latency("50%")?),
        ("p99 us", latency("99%")?),
    ]
    .map(|(name, value): (&str, f64)| (name.to_owned(), value))
    .into())
}

/// `635.00us`, `1.10ms` or `2.00s` in microseconds.
fn micros(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    units.into_iter().find_map(|(unit, micros)| {
        text.strip_suffix(unit)?.parse().ok().map(|value: f64| value * micros)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
Running 2s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   500.00us  120.00us   4.00ms   90.00%
    Req/Sec   120.00k     5.00k  130.00k    70.00%
  Latency Distribution
     50%  480.00us
     75%  600.00us
     90%  700.00us
     99%    1.25ms
  240123 requests in 2.00s, 20.00MB read
Requests/sec: 120061.50
Transfer/sec:     10.00MB
";

    #[test]
    fn the_figures_are_read_from_what_it_prints() {
        let figures = figures(PRINTED).expect("all is there");
        assert_eq!(figures[ANSWERS], 240_123.0);
        assert_eq!(figures[RATE], 120_061.5);
        assert_eq!(figures["p50 us"], 480.0);
        assert_eq!(figures["p99 us"], 1_250.0);
    }

    #[test]
    fn an_error_that_it_reports_is_ours_too() {
        let line = "  Socket errors: connect 0, read 3, write 0, timeout 0\n";
        let error = figures(&format!("{PRINTED}{line}")).expect_err("sockets failed");
        assert!(error.contains("read 3"), "{error}");
        assert!(figures("nothing of the kind").is_err());
    }

    #[test]
    fn latencies_have_three_units() {
        assert_eq!(micros("635.00us"), Some(635.0));
        assert_eq!(micros("1.50ms"), Some(1_500.0));
        assert_eq!(micros("2.00s"), Some(2e6));
        assert_eq!(micros("fast"), None);
    }
}
