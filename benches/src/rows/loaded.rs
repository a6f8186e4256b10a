//! Putting a server under load from another process, and asking what that took.
//!
//! Book: chapter 20

use super::{Effort, Generator, Run, Sample};
use crate::load::{ANSWERS, Figures, Protocol, RATE, Wrk};
use crate::machine::cpu_time;
use std::env;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// How long a run is loaded, in ms.
const FULL: u64 = 1_500;
/// How long a quick run is loaded, in ms.
const QUICK: u64 = 500;
/// The same for wrk, which takes whole seconds.
const FULL_WRK: u64 = 2;
const QUICK_WRK: u64 = 1;

/// Loads the server at `address`, which runs in this process; gives rate, latencies, and this process's processor time for
/// each answer. `unit` is what an answer is called.
pub(super) fn under_load(
    run: Run,
    address: SocketAddr,
    connections: usize,
    protocol: Protocol,
    unit: &str,
) -> Result<Sample, String> {
    let full = run.effort == Effort::Full;
    let busy_before = cpu_time();
    let mut figures = if (protocol, run.generator) == (Protocol::Http, Generator::Wrk) {
        Wrk::find()?.run(address, connections, if full { FULL_WRK } else { QUICK_WRK })?
    } else {
        let millis = if full { FULL } else { QUICK };
        own(&[
            &address.to_string(),
            &connections.to_string(),
            &millis.to_string(),
            &protocol.to_string(),
        ])?
    };
    let busy = cpu_time().saturating_sub(busy_before);
    let [answers, rate] = [ANSWERS, RATE].map(|name| figures.remove(name).unwrap_or(f64::NAN));
    figures.insert(format!("{unit}s/s"), rate);
    figures.insert(format!("cpu us/{unit}"), busy.as_secs_f64() * 1e6 / answers);
    Ok(figures)
}

/// Runs our own load generator.
fn own(words: &[&str]) -> Result<Figures, String> {
    let load = Command::new(env::current_exe().map_err(|error| error.to_string())?)
        .arg("load")
        .args(words)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start the load generator: {error}"))?;
    if !load.status.success() {
        return Err(String::from_utf8_lossy(&load.stderr).trim().to_owned());
    }
    serde_json::from_slice(&load.stdout).map_err(|error| error.to_string())
}
