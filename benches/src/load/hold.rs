//! Connections that are open and silent, from a process of their own.
//!
//! Book: chapter 20

use super::SILENCE;
use std::env;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

/// Descriptors that a process needs besides its connections.
const OTHERS: u64 = 100;

/// A process that holds connections; they are closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Holder(Child);

impl Holder {
    /// Starts the process; it begins to connect at once.
    ///
    /// # Errors
    ///
    /// One line, if it cannot be started.
    pub(crate) fn start(server: SocketAddr, count: usize) -> Result<Self, String> {
        let cannot = |error: io::Error| format!("cannot start the holder: {error}");
        let program = env::current_exe().map_err(cannot)?;
        let child = Command::new(program)
            .args(["hold", &server.to_string(), &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(cannot)?;
        Ok(Self(child))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Its standard input ends, and so does the holder.
        drop(self.0.stdin.take());
        if let Err(error) = self.0.wait() {
            eprintln!("note: the holder was not waited for: {error}");
        }
    }
}

/// Opens connections and holds them until standard input ends.
///
/// # Errors
///
/// One line, if a connection cannot be had.
pub(crate) fn hold(server: SocketAddr, count: usize) -> Result<(), String> {
    allow_descriptors(count);
    let connections: io::Result<Vec<_>> =
        (0..count).map(|_| TcpStream::connect_timeout(&server, SILENCE)).collect();
    let connections = connections.map_err(|error| format!("cannot connect: {error}"))?;
    io::stdin().read_to_end(&mut Vec::new()).map_err(|error| error.to_string())?;
    drop(connections);
    Ok(())
}

/// Raises the limit on open descriptors as far as so many connections need and the system allows.
pub(crate) fn allow_descriptors(connections: usize) {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let count = connections as u64 + OTHERS;
        let mut limit = getrlimit(Resource::Nofile);
        if limit.current.is_some_and(|current| current < count) {
            limit.current = Some(limit.maximum.map_or(count, |most| most.min(count)));
            if let Err(error) = setrlimit(Resource::Nofile, limit) {
                eprintln!("note: the limit on open descriptors stays: {error}");
            }
        }
    }
    #[cfg(not(unix))]
    let _ = connections;
}
