//! A TCP echo server, loaded from a process of its own.
//!
//! The server is a task that accepts and a task per connection, each with a buffer of 1 KiB; a message is 64 bytes. The
//! load generator (`load`) keeps one message under way on each connection and is the same program for every contestant.
//!
//! Book: chapter 20

use super::{Effort, Run, Sample};
use crate::machine::cpu_time;
use crate::peer::{Connection, Serves};
use std::env;
use std::process::{Command, Stdio};

/// A connection's buffer, in bytes.
const BUFFER: usize = 1_024;
/// How long a run is loaded, in ms.
const FULL: u64 = 1_500;
/// How long a quick run is loaded, in ms.
const QUICK: u64 = 500;

/// Serves until the load generator is done; gives its figures and the server's processor time per message.
pub(super) fn serve<P: Serves>(run: Run, connections: usize) -> Result<Sample, String> {
    let peer = P::start(run.layout);
    let (mut listener, address) =
        peer.block_on(peer.listen()).map_err(|error| format!("cannot listen: {error}"))?;
    P::detach(peer.spawn(async move {
        while let Ok(connection) = P::accept(&mut listener).await {
            P::detach(peer.spawn(echo(connection)));
        }
    }));
    let busy_before = cpu_time();
    let load = Command::new(env::current_exe().map_err(|error| error.to_string())?)
        .args(["load", &address.to_string(), &connections.to_string()])
        .arg(if run.effort == Effort::Full { FULL } else { QUICK }.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start the load generator: {error}"))?;
    let busy = cpu_time().saturating_sub(busy_before);
    if !load.status.success() {
        return Err(String::from_utf8_lossy(&load.stderr).trim().to_owned());
    }
    let mut sample: Sample =
        serde_json::from_slice(&load.stdout).map_err(|error| error.to_string())?;
    let messages = sample.remove("messages").unwrap_or(f64::NAN);
    sample.insert("cpu us/message".to_owned(), busy.as_secs_f64() * 1e6 / messages);
    Ok(sample)
}

async fn echo<C: Connection>(mut connection: C) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(length @ 1..) = connection.read(&mut buffer).await {
        if connection.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
