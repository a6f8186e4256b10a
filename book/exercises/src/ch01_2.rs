//! Exercise 2 of chapter 1: all at once.
//!
//! `join!` takes a fixed number of computations. Here the number is known only when the program runs.

use std::io;
use std::net::SocketAddr;

/// Connects to every server of the list and reads what it says until it closes. All servers have been
/// asked before the first answer is waited for; the answers come in the order of the list, and
/// one that fails does not disturb the others.
#[expect(unused_variables, reason = "this is for you to write")]
pub async fn ask_all(servers: Vec<SocketAddr>) -> Vec<io::Result<String>> {
    todo!("spawn a task for each, keep all the handles, and only then await one after the other")
}
