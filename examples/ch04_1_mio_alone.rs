//! Chapter 4, step 1: mio alone. Run: `cargo run --release --example ch04_1_mio_alone`
//!
//! No future and no task: one thread asks the operating system which sockets have news, and looks at
//! those. It serves three clients side by side. Before that, it makes the mistake that everybody
//! makes once: it takes one piece of news for one client.
//!
//! Book: chapter 4.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// What we call the listener. Connections are 1, 2, 3 ...
const LISTENER: Token = Token(0);

/// After so long without news, we believe that there is none.
const QUIET: Duration = Duration::from_millis(50);

/// How many clients an event of the listener stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accept {
    One,
    AllThereAre,
}

struct Connection {
    stream: TcpStream,
    heard: Vec<u8>,
}

struct Server {
    poll: Poll,
    listener: TcpListener,
    connections: HashMap<Token, Connection>,
    last: Token,
    messages: Vec<String>,
}

impl Server {
    fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let (connections, messages) = (HashMap::new(), Vec::new());
        Ok(Self { poll, listener, connections, last: LISTENER, messages })
    }

    /// Serves whoever has something to say, until nobody has.
    fn serve(&mut self, accept: Accept) -> io::Result<()> {
        let mut events = Events::with_capacity(16);
        loop {
            match self.poll.poll(&mut events, Some(QUIET)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if events.is_empty() {
                return Ok(());
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(accept)?,
                    token => self.read(token)?,
                }
            }
        }
    }

    fn accept(&mut self, accept: Accept) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            self.last = Token(self.last.0 + 1);
            self.poll.registry().register(&mut stream, self.last, Interest::READABLE)?;
            self.connections.insert(self.last, Connection { stream, heard: Vec::new() });
            if accept == Accept::One {
                return Ok(());
            }
        }
    }

    fn read(&mut self, token: Token) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&token) else { return Ok(()) };
        let mut buffer = [0; 1024];
        loop {
            match connection.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => connection.heard.extend_from_slice(&buffer[..count]),
                // Not the end of the message: that is all there is *for now*.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let heard = self.connections.remove(&token).map(|connection| connection.heard);
        self.messages.push(String::from_utf8_lossy(&heard.unwrap_or_default()).into_owned());
        Ok(())
    }
}

/// Three clients connect; each sends half of a message, and the other half when the server has
/// nothing more to do. Says how many messages came through.
fn three_clients(accept: Accept) -> io::Result<usize> {
    let mut server = Server::new()?;
    let address = server.listener.local_addr()?;
    let connect = |_| std::net::TcpStream::connect(address);
    let mut clients = (0..3).map(connect).collect::<io::Result<Vec<_>>>()?;
    for client in &mut clients {
        client.write_all(b"that's so ")?;
    }
    server.serve(accept)?;
    println!("  half of each message sent: {} connections", server.connections.len());
    for client in &mut clients {
        client.write_all(b"dingo!")?;
        client.shutdown(Shutdown::Write)?;
    }
    server.serve(accept)?;
    println!("  the rest sent: heard {:?}", server.messages);
    Ok(server.messages.len())
}

fn main() -> io::Result<()> {
    println!("one client accepted for each event");
    let with_one = three_clients(Accept::One)?;
    println!("clients accepted until there are none");
    let with_all = three_clients(Accept::AllThereAre)?;
    assert_eq!((with_one, with_all), (1, 3));
    Ok(())
}
