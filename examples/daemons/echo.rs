//! `echo`: a TCP server that sends back what it gets.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use futures_lite::io::{AsyncReadExt, AsyncWriteExt};
use futures_lite::stream::StreamExt;
use waterwheel::daemon::{BoxError, Daemon};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::sync::CancellationToken;
use waterwheel::{Priority, Task, spawn_task};

use crate::host::bind;
use crate::shared::Shared;

/// Bytes read at once.
const BUFFER: usize = 8 * 1024;

pub struct Echo {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Bound once, so that a restart keeps the port.
    listener: OnceLock<TcpListener>,
}

impl Echo {
    pub fn new(address: SocketAddr, shared: Arc<Shared>) -> Self {
        Self { address, shared, listener: OnceLock::new() }
    }
}

impl Daemon for Echo {
    fn name(&self) -> &str {
        "echo"
    }

    fn priority(&self) -> Priority {
        self.shared.lanes.urgent()
    }

    async fn prepare(&self) -> Result<(), BoxError> {
        let listener = bind(self.address).await?;
        let address = listener.local_addr()?;
        self.shared.announce(&format!("echo listens on {address}"));
        self.shared.echo_address.get_or_init(|| address);
        self.listener.get_or_init(|| listener);
        Ok(())
    }

    async fn run(&self, shutdown: CancellationToken) -> Result<(), BoxError> {
        let listener = self.listener.get().ok_or("echo has not been prepared")?;
        // Dropped with this future, and a dropped task is a cancelled one.
        let mut conversations: Vec<Task<io::Result<()>>> = Vec::new();
        let mut incoming = listener.incoming();
        while let Some(Some(accepted)) = shutdown.run_until_cancelled(incoming.next()).await {
            let (stream, _) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    eprintln!("echo: cannot accept: {error}"); // and `incoming` pauses
                    continue;
                }
            };
            self.shared.echo_connections.add(1);
            conversations.retain(|task| !task.is_finished());
            let talk = converse(stream, Arc::clone(&self.shared), shutdown.clone());
            conversations.push(spawn_task!(talk, self.priority()));
        }
        for conversation in conversations {
            // How a conversation ends is the client's business, not ours.
            let _ = conversation.outcome().await;
        }
        Ok(())
    }
}

async fn converse(
    mut stream: TcpStream,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER];
    while let Some(read) = shutdown.run_until_cancelled(stream.read(&mut buffer)).await {
        let n = read?;
        if n == 0 {
            break;
        }
        stream.write_all(&buffer[..n]).await?;
        shared.echo_bytes.add(n as u64);
    }
    stream.close().await
}
