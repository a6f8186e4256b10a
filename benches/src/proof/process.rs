//! What the kernel says about this process.
//!
//! Read from `/proc`, so these proofs are for Linux; elsewhere they say so instead of passing.
//!
//! Book: chapter 19

use crate::machine::field;
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

/// A thread that was joined may stand in `/proc` for a moment longer.
const SETTLE: Duration = Duration::from_secs(2);

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holdings {
    /// Threads.
    pub(super) threads: usize,
    /// Open descriptors, without pipes: no runtime has any, and a sanitizer talks to its helper through a pair.
    pub(super) descriptors: usize,
    /// Resident memory, in KiB.
    pub(super) memory: u64,
}

impl Holdings {
    /// What it holds now.
    pub(super) fn now() -> Result<Self, String> {
        let list = |path: &str| fs::read_dir(path).map_err(|error| linux_only(&error));
        let is_pipe = |entry: io::Result<fs::DirEntry>| {
            let target = entry.and_then(|entry| fs::read_link(entry.path()));
            target.is_ok_and(|target| target.to_string_lossy().starts_with("pipe:"))
        };
        Ok(Self {
            threads: list("/proc/self/task")?.count(),
            descriptors: list("/proc/self/fd")?.map(is_pipe).filter(|is_pipe| !is_pipe).count(),
            memory: kibibytes("VmRSS").ok_or("no VmRSS in /proc/self/status")?,
        })
    }

    /// What it holds once threads and descriptors are back where `before` was, or after two seconds.
    pub(super) fn settled(before: Self) -> Result<Self, String> {
        let begin = Instant::now();
        loop {
            let now = Self::now()?;
            let back = now.threads <= before.threads && now.descriptors <= before.descriptors;
            if back || begin.elapsed() > SETTLE {
                return Ok(now);
            }
            thread::yield_now();
        }
    }
}

fn linux_only(error: &std::io::Error) -> String {
    format!("this proof reads /proc, which is not to be had here: {error}")
}

fn kibibytes(name: &str) -> Option<u64> {
    field("/proc/self/status", name)?.split(' ').next()?.parse().ok()
}

/// Context switches of every thread of this process but the calling one, with the thread's name.
pub(super) fn context_switches() -> Result<Vec<(String, u64)>, String> {
    let own = fs::read_link("/proc/thread-self").map_err(|error| linux_only(&error))?;
    let tasks = fs::read_dir("/proc/self/task").map_err(|error| linux_only(&error))?;
    let mut threads = Vec::new();
    for task in tasks.flatten() {
        if own.ends_with(task.file_name()) {
            continue;
        }
        let status = task.path().join("status");
        let status = status.to_string_lossy();
        let count = |name| field(&status, name).and_then(|value| value.parse::<u64>().ok());
        let switches = count("voluntary_ctxt_switches").unwrap_or(0)
            + count("nonvoluntary_ctxt_switches").unwrap_or(0);
        threads.push((field(&status, "Name").unwrap_or_default(), switches));
    }
    Ok(threads)
}
