//! What the process uses: CPU, memory, descriptors. Read from `/proc`; elsewhere there is nothing
//! to read, and the numbers are missing.

use std::fs;
use std::time::{Duration, Instant};

/// Linux reports CPU time to processes in hundredths of a second, whatever its own clock does.
const TICK: Duration = Duration::from_millis(10);

/// Kilobytes, as `/proc` says them, in bytes.
const KIB: u64 = 1024;

/// One look at the process.
#[derive(Clone, Copy, Debug)]
pub struct Vitals {
    pub at: Instant,
    /// CPU time used so far, over all threads.
    pub cpu: Option<Duration>,
    /// CPU use since the sample before, in per cent of one core.
    pub cpu_percent: Option<f64>,
    /// Resident memory, in bytes.
    pub memory: Option<u64>,
    /// Open descriptors.
    pub descriptors: Option<u64>,
    /// Requests answered since the sample before.
    pub answered: u64,
    /// 99 % of those took no longer than this, in ms.
    pub p99_ms: Option<f64>,
}

impl Vitals {
    /// Looks at the process. `before` is what CPU use is measured against.
    pub fn read(before: Option<&Vitals>) -> Self {
        let (at, cpu) = (Instant::now(), cpu_time());
        let cpu_percent = before.and_then(|before| {
            let used = cpu?.checked_sub(before.cpu?)?;
            let passed = at.duration_since(before.at);
            Some(100.0 * used.as_secs_f64() / passed.as_secs_f64())
        });
        let (memory, descriptors) = (resident_memory(), open_descriptors());
        Self { at, cpu, cpu_percent, memory, descriptors, answered: 0, p99_ms: None }
    }
}

/// User and system time: fields 14 and 15 of `/proc/self/stat`. The name before them may hold
/// anything, so they are counted from its closing bracket, which is the last one.
fn cpu_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

fn resident_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * KIB)
}

fn open_descriptors() -> Option<u64> {
    let listed = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(listed.saturating_sub(1)) // one is the listing itself
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something_of_everything() {
        let first = Vitals::read(None);
        assert!(first.cpu_percent.is_none());
        assert!(first.memory > Some(100 * KIB) && first.descriptors >= Some(3));
        let second = Vitals::read(Some(&first));
        assert!(second.cpu >= first.cpu && second.cpu_percent >= Some(0.0));
    }
}
