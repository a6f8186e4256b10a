//! The echo server of an epoch, and the actions that talk to it.
//!
//! Bounded by a budget of connections a second, since each keeps a port for a minute after its end.
//!
//! Book: chapter 19

use super::actions::{Place, patience};
use super::world::{World, check, fail};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::sync::CancellationToken;
use waterwheel::{Handle, join, time};

/// Bytes read or written at once.
const CHUNK: usize = 4_096;

/// Echoes until it is stopped.
#[derive(Debug)]
pub(super) struct Server(CancellationToken, Arc<World>);

impl Server {
    pub(super) fn start(world: &Arc<World>, handle: &Handle) -> Result<Self, String> {
        let listener = handle.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.map_err(|error| format!("cannot listen: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        *world.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
        let token = CancellationToken::new();
        handle.spawn(world.track(accept(world.clone(), listener, token.clone()))).detach();
        Ok(Self(token, world.clone()))
    }

    pub(super) fn stop(self) {
        *self.1.server.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.cancel();
    }
}

async fn accept(world: Arc<World>, listener: TcpListener, token: CancellationToken) {
    while let Some(accepted) = token.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => waterwheel::spawn_task!(world.track(echo(stream))).detach(),
            // A client that has gone already; there are descriptors enough.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => fail(&format!("cannot accept: {error}")),
        }
    }
}

/// Ends with its client, however that ends.
async fn echo(mut stream: TcpStream) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// The byte at a place of a stream.
fn byte(place: usize, salt: u8) -> u8 {
    (place as u8).wrapping_mul(31).wrapping_add((place >> 8) as u8) ^ salt
}

/// Sends bytes through the server, and back they come; or hangs up on it half-way.
pub(super) async fn talk(world: Arc<World>, place: Place, mut random: fastrand::Rng) {
    let server = *world.server.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(server) = server.filter(|_| world.may_connect()) else {
        return patience(&mut random).await;
    };
    let stream = match TcpStream::connect(server).await {
        Ok(stream) => stream,
        // No port is free: too many have just been closed.
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => return,
        Err(_) if place == Place::Guest => return,
        Err(error) => fail(&format!("cannot connect: {error}")),
    };
    let total = random.usize(1..100_000);
    let (salt, hangs_up) = (random.u8(..), random.u32(..5) == 0);
    let until = if hangs_up { random.usize(..total) } else { total };
    let (mut reader, mut writer) = stream.into_split();
    let write = async {
        let bytes: Vec<u8> = (0..total).map(|place| byte(place, salt)).collect();
        let written = writer.write_all(&bytes[..until]).await;
        check(written.is_ok() || place == Place::Guest, "the echo server has hung up");
    };
    let read = read(&mut reader, until, salt, random.bool());
    let ((), read) = join!(write, read);
    check(read.is_ok() || place == Place::Guest, "not all came back");
    drop((reader, writer));
}

/// Reads `total` bytes and looks at each; gives up now and then in between, which loses none.
async fn read(
    reader: &mut (impl futures_lite::AsyncRead + Unpin),
    total: usize,
    salt: u8,
    gives_up: bool,
) -> io::Result<()> {
    let (mut seen, mut buffer) = (0, vec![0; CHUNK]);
    while seen < total {
        let limit = if gives_up { Duration::from_micros(50) } else { Duration::from_secs(3_600) };
        let Ok(count) = time::timeout(limit, reader.read(&mut buffer)).await else { continue };
        let count = count?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let right = (0..count).all(|place| buffer[place] == byte(seen + place, salt));
        check(right, "a byte has changed on its way");
        seen += count;
    }
    Ok(())
}
