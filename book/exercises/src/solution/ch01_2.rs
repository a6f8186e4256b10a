//! Exercise 2 of chapter 1, solved: all at once.

use std::io;
use std::net::SocketAddr;

use futures_lite::AsyncReadExt;
use waterwheel::net::TcpStream;
use waterwheel::{Task, spawn_task};

/// Connects to every server of the list and reads what it says until it closes. All servers have been
/// asked before the first answer is waited for; the answers come in the order of the list, and
/// one that fails does not disturb the others.
pub async fn ask_all(servers: Vec<SocketAddr>) -> Vec<io::Result<String>> {
    // The `collect` matters: an iterator alone would spawn each task when its turn to be awaited comes.
    let asked: Vec<Task<_>> = servers.into_iter().map(|server| spawn_task!(ask(server))).collect();
    let mut answers = Vec::with_capacity(asked.len());
    for task in asked {
        answers.push(task.await);
    }
    answers
}

async fn ask(server: SocketAddr) -> io::Result<String> {
    let mut answer = String::new();
    TcpStream::connect(server).await?.read_to_string(&mut answer).await?;
    Ok(answer)
}
