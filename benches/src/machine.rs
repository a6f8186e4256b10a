//! The machine, the compiler and the crates that a table was made with, and the clocks the workloads need.
//!
//! What a platform does not tell is left empty: a table from elsewhere is poorer, not wrong.
//!
//! Book: chapter 20

use serde::Serialize;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The lock file this program was built with; it knows every crate's version.
const LOCK: &str = include_str!("../../Cargo.lock");
/// The crates whose versions matter to a reader.
const CRATES: [&str; 10] = [
    "waterwheel",
    "tokio",
    "async-executor",
    "async-io",
    "async-task",
    "flume",
    "mio",
    "hyper",
    "polling",
    "crossbeam-deque",
];

/// Where, when and with what a table was made.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// UTC, to the minute.
    pub(crate) date: String,
    /// As typed.
    pub(crate) command: String,
    /// The processor's name.
    pub(crate) processor: String,
    /// Logical processors this program may use.
    pub(crate) cores: usize,
    /// Load averages over 1, 5 and 15 minutes when the figures were worked out: what else it was doing.
    pub(crate) load: String,
    /// Operating system and kernel.
    pub(crate) kernel: String,
    /// The compiler's version.
    pub(crate) rustc: &'static str,
    /// How cargo built this program; all contestants are in the one binary.
    pub(crate) profile: &'static str,
    /// The commit that the sources' folder is at, and whether it holds changes; empty without git.
    pub(crate) commit: String,
    /// `name version`, from the lock file.
    pub(crate) crates: Vec<String>,
}

impl Machine {
    /// Looks around.
    pub(crate) fn here() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        Self {
            date: utc(now.as_secs()),
            command: format!("cargo run --release -p waterwheel-bench -- {}", arguments.join(" ")),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_default(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            load: fs::read_to_string("/proc/loadavg").map_or_else(
                |_| String::new(),
                |load| load.split(' ').take(3).collect::<Vec<_>>().join(" "),
            ),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(
                |_| std::env::consts::OS.to_owned(),
                |release| format!("{} {}", std::env::consts::OS, release.trim()),
            ),
            rustc: env!("BENCH_RUSTC"),
            profile: env!("BENCH_PROFILE"),
            commit: commit().unwrap_or_default(),
            crates: CRATES
                .iter()
                .filter_map(|name| Some(format!("{name} {}", version(LOCK, name)?)))
                .collect(),
        }
    }

    /// The lines that stand above a table.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("date     {}", self.date),
            format!("command  {}", self.command.trim_end()),
            format!(
                "machine  {}, {} cores, {}, load {}",
                self.processor, self.cores, self.kernel, self.load
            ),
            format!("built    {}; profile {}; system allocator", self.rustc, self.profile),
            format!("crates   {}", self.crates.join(", ")),
        ];
        if !self.commit.is_empty() {
            lines.push(format!("commit   {}", self.commit));
        }
        lines
    }
}

/// The value of a `name : value` line of a file.
pub(crate) fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.split(':').next().map(str::trim) == Some(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// What git says of the folder that this program was built from.
fn commit() -> Option<String> {
    let git = |words: &[&str]| {
        let git =
            Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(words).output();
        let output = git.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let hash = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changes.is_empty() { hash } else { format!("{hash}, with changes") })
}

/// The version of a crate that this program was built with.
pub(crate) fn version_of(name: &str) -> Option<&'static str> {
    version(LOCK, name)
}

/// The version of a crate, or of the one this program uses where there are several.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, own) = lock.split_once("\nname = \"waterwheel-bench\"\n")?;
    let (own, _) = own.split_once(']')?;
    if let Some((_, version)) = own.split_once(&format!("\"{name} ")) {
        return Some(version.split_once('"')?.0);
    }
    let (_, package) = lock.split_once(&format!("\nname = \"{name}\"\nversion = \""))?;
    Some(package.split_once('"')?.0)
}

/// A date and time of day from seconds since 1970.
///
/// The civil calendar from a day count (H. Hinnant, *chrono-compatible low-level date algorithms*, 2013), for dates
/// after 1970 only.
fn utc(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (seconds % 86_400 / 3_600, seconds % 3_600 / 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// Processor time that this process has used, in all its threads.
#[cfg(unix)]
pub(crate) fn cpu_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), used.tv_nsec.unsigned_abs() as u32)
}

/// Processor time is not asked for here: the time since the first call stands in.
#[cfg(not(unix))]
pub(crate) fn cpu_time() -> Duration {
    static BEGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    BEGIN.get_or_init(std::time::Instant::now).elapsed()
}

/// Processor time that the calling thread has used.
#[cfg(unix)]
pub(crate) fn own_cpu_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), used.tv_nsec.unsigned_abs() as u32)
}

/// Not asked for here: all of the process's time counts.
#[cfg(not(unix))]
pub(crate) fn own_cpu_time() -> Duration {
    Duration::ZERO
}

/// Asks the kernel to wake this thread's sleeps as precisely as it can (Linux adds 50 us otherwise).
pub(crate) fn fine_sleeps() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1)) {
        eprintln!("note: sleeps stay coarse for every contestant: {error}");
    }
}

/// Lets this thread have a processor whenever it wants one, for whoever stands for the world outside. A thread that it
/// starts would inherit that.
pub(crate) fn before_all_others() {
    #[cfg(unix)]
    if let Err(error) = rustix::process::setpriority_process(None, -20) {
        eprintln!(
            "note: the timekeeper waits for a processor like the others, for every contestant: {error}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(utc(0), "1970-01-01 00:00 UTC");
        assert_eq!(utc(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(utc(1_795_224_240), "2026-11-21 01:24 UTC");
    }

    #[test]
    fn the_lock_file_knows_every_crate_of_the_header() {
        for name in CRATES {
            assert!(version(LOCK, name).is_some(), "{name} is not in Cargo.lock");
        }
    }
}
