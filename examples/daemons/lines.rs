//! What the program prints: a line each second, a table at the end.

use std::fmt::{self, Display, Write as _};
use std::io::{self, Write as _};
use std::time::Duration;

use waterwheel::{Metrics, Priority};

use crate::cli::Name;
use crate::host::Outcome;
use crate::latency::Counts;
use crate::shared::Shared;

/// Prints a line. A reader who has gone away (`| head`) is no reason to fail.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Makes the line of each second, out of what changed since the last.
pub struct Lines<'a> {
    shared: &'a Shared,
    names: &'a [Name],
    seconds: u64,
    latency: Counts,
    ground: u64,
}

impl<'a> Lines<'a> {
    pub fn new(shared: &'a Shared, names: &'a [Name]) -> Self {
        Self { shared, names, seconds: 0, latency: shared.latency.snapshot(), ground: 0 }
    }

    /// The line of the second that ends now. It tells of the daemons that are hosted.
    pub fn next(&mut self, metrics: &Metrics) -> String {
        self.seconds += 1;
        let mut parts = vec![format!("{:>3} s", self.seconds)];
        for name in self.names {
            parts.extend(self.part(*name, metrics));
        }
        let restarts = self.shared.report().restarts();
        if restarts > 0 {
            parts.push(format!("restarts {restarts}"));
        }
        parts.join(" | ")
    }

    fn part(&mut self, name: Name, metrics: &Metrics) -> Option<String> {
        let shared = self.shared;
        Some(match name {
            Name::Http => format!("page {}", grouped(shared.http_requests.get())),
            Name::Watch => format!("files {}", grouped(shared.file_events.get())),
            Name::Sampler => {
                let last = *shared.samples().last()?;
                let mut text = format!("cpu {:>3.0} %", last.cpu_percent?);
                write!(text, ", {}", mebibytes(last.memory?)).ok()?;
                write!(text, ", {} fds", last.descriptors?).ok()?;
                text
            }
            Name::Traffic => {
                let now = shared.latency.snapshot();
                let new = now.since(&self.latency);
                self.latency = now;
                let p99 = new.percentile(99).map_or_else(|| "–".into(), millis);
                format!("echo {:>5}/s, p99 {p99:>8}", grouped(new.total()))
            }
            Name::Grind => {
                let ground = shared.ground.get();
                let new = ground - std::mem::replace(&mut self.ground, ground);
                let waiting = grouped(metrics.lane(Priority::Low).queue_depth);
                format!("grind {:>6}/s, {waiting} waiting", grouped(new))
            }
            Name::Echo | Name::Flaky => return None,
        })
    }
}

/// The table at the end.
pub fn table(outcome: &Outcome) -> impl Display {
    fmt::from_fn(|f| {
        writeln!(f, "\n{}", lanes(&outcome.metrics))?;
        services(f, outcome)?;
        write!(f, "\n{}", outcome.report)
    })
}

/// Per lane: tasks, polls, steals, and how long a woken task waits for its poll.
pub fn lanes(metrics: &Metrics) -> impl Display {
    fmt::from_fn(|f| {
        write!(
            f,
            "{:5} {:>10} {:>10} {:>8}  {:>16} {:>10} {:>8}",
            "lane", "tasks", "polls", "steals", "wake to poll p50", "p99", "samples"
        )?;
        for priority in Priority::ALL {
            let lane = metrics.lane(priority);
            let wait = |q| lane.wake_to_poll.quantile(q).map_or_else(|| "–".into(), millis);
            write!(
                f,
                "\n{:5} {:>10} {:>10} {:>8}  {:>16} {:>10} {:>8}",
                priority.to_string(),
                grouped(metrics.spawned(priority)),
                grouped(lane.polls),
                grouped(lane.steals),
                wait(0.5),
                wait(0.99),
                grouped(lane.wake_to_poll.count()),
            )?;
        }
        Ok(())
    })
}

fn services(f: &mut fmt::Formatter<'_>, outcome: &Outcome) -> fmt::Result {
    let shared = &outcome.shared;
    for name in &outcome.names {
        match name {
            Name::Echo => writeln!(
                f,
                "echo     {} connections, {} bytes",
                grouped(shared.echo_connections.get()),
                grouped(shared.echo_bytes.get())
            )?,
            Name::Http => writeln!(f, "http     {} requests", grouped(shared.http_requests.get()))?,
            Name::Watch => {
                writeln!(f, "watch    {} changes to files", grouped(shared.file_events.get()))?;
            }
            Name::Traffic => {
                let counts = shared.latency.snapshot();
                let within =
                    |percent| counts.percentile(percent).map_or_else(|| "–".into(), millis);
                writeln!(
                    f,
                    "traffic  {} requests, {} answered; from due to answered: p50 {}, p99 {}, max {}",
                    grouped(shared.requests_sent.get()),
                    grouped(shared.requests_answered.get()),
                    within(50),
                    within(99),
                    millis(shared.latency.max()),
                )?;
            }
            Name::Grind => writeln!(f, "grind    {} tasks of 50 µs", grouped(shared.ground.get()))?,
            Name::Sampler | Name::Flaky => {}
        }
    }
    Ok(())
}

/// 1234567 as 1,234,567.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in ms, with three digits that mean something.
pub fn millis(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    let decimals = if ms < 1.0 {
        3
    } else if ms < 10.0 {
        2
    } else {
        usize::from(ms < 100.0)
    };
    format!("{ms:.decimals$} ms")
}

/// Bytes in MiB.
pub fn mebibytes(bytes: u64) -> String {
    let tenths = bytes * 10 / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(millis(Duration::from_micros(412)), "0.412 ms");
        assert_eq!(millis(Duration::from_micros(51_240)), "51.2 ms");
        assert_eq!(mebibytes(13 * 1024 * 1024 + 200 * 1024), "13.1 MiB");
    }
}
