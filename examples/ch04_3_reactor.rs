//! Chapter 4, step 3: a reactor. Run: `cargo run --release --example ch04_3_reactor`
//!
//! One thread, and one only, asks the operating system. A future that finds nothing to do leaves its
//! waker with the reactor and is not polled until there is news. Then 64 sockets on which nothing
//! happens, waited for in three ways. Runs alone, since it measures.
//!
//! Book: chapter 4.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};
use std::{fs, thread};

use mio::event::Source;
use mio::net::TcpListener;
use mio::{Events, Interest, Token};
use waterwheel::{Priority, Runtime, Task, time};

#[path = "ch04_2_future_polls_socket.rs"]
#[expect(dead_code, reason = "its `main` and two of its trials are not run here")]
mod naive;

/// The token of the request to end.
const STOP: Token = Token(usize::MAX);

/// Who waits for a socket: one task for each direction.
#[derive(Default)]
struct Waiting {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Reactor {
    registry: mio::Registry,
    stop: mio::Waker,
    /// A socket gets a number that no other socket ever had.
    next: AtomicUsize,
    sockets: Mutex<HashMap<Token, Arc<Mutex<Waiting>>>>,
}

impl Reactor {
    fn start() -> io::Result<(Arc<Self>, thread::JoinHandle<()>)> {
        let poll = mio::Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let stop = mio::Waker::new(&registry, STOP)?;
        let (next, sockets) = (AtomicUsize::new(0), Mutex::default());
        let reactor = Arc::new(Self { registry, stop, next, sockets });
        let thread = thread::spawn({
            let reactor = reactor.clone();
            move || reactor.run(poll)
        });
        Ok((reactor, thread))
    }

    fn run(&self, mut poll: mio::Poll) {
        let mut events = Events::with_capacity(64);
        loop {
            if poll.poll(&mut events, None).is_err() {
                continue; // Interrupted by a signal: nothing has happened.
            }
            for event in &events {
                if event.token() == STOP {
                    return;
                }
                // Whoever closed the socket meanwhile wants no news of it.
                let Some(waiting) = lock(&self.sockets).get(&event.token()).cloned() else {
                    continue;
                };
                let reader = lock(&waiting).reader.take_if(|_| event.is_readable());
                let writer = lock(&waiting).writer.take_if(|_| event.is_writable());
                reader.into_iter().chain(writer).for_each(Waker::wake);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}

/// A socket that the reactor watches.
struct Socket<S: Source> {
    io: S,
    token: Token,
    waiting: Arc<Mutex<Waiting>>,
    reactor: Arc<Reactor>,
}

impl<S: Source> Socket<S> {
    fn new(reactor: &Arc<Reactor>, mut io: S) -> io::Result<Self> {
        let token = Token(reactor.next.fetch_add(1, Ordering::Relaxed));
        let waiting = Arc::<Mutex<Waiting>>::default();
        lock(&reactor.sockets).insert(token, waiting.clone());
        let both = Interest::READABLE | Interest::WRITABLE;
        reactor.registry.register(&mut io, token, both)?;
        Ok(Self { io, token, waiting, reactor: reactor.clone() })
    }

    /// Tries `operation` now, and again each time there may be something to read.
    async fn read_with<T>(&self, mut operation: impl FnMut(&S) -> io::Result<T>) -> io::Result<T> {
        poll_fn(|context| {
            // The waker comes first. News between the attempt and the waker would reach nobody.
            lock(&self.waiting).reader = Some(context.waker().clone());
            loop {
                match operation(&self.io) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    result => return Poll::Ready(result),
                }
            }
        })
        .await
    }
}

impl<S: Source> Drop for Socket<S> {
    fn drop(&mut self) {
        // It fails only if the socket was never registered.
        let _ = self.reactor.registry.deregister(&mut self.io);
        lock(&self.reactor.sockets).remove(&self.token);
    }
}

/// Waits for a client, says so, and is ready with all that the client says.
async fn listen(
    listener: Arc<Socket<TcpListener>>,
    accepted: flume::Sender<()>,
) -> io::Result<Vec<u8>> {
    let (stream, _) = listener.read_with(TcpListener::accept).await?;
    let stream = Socket::new(&listener.reactor, stream)?;
    let _ = accepted.send(());
    let mut heard = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        match stream.read_with(|mut stream| stream.read(&mut buffer)).await? {
            0 => return Ok(heard),
            count => heard.extend_from_slice(&buffer[..count]),
        }
    }
}

/// A client that speaks only after it has been accepted, and in two breaths.
fn hear(
    runtime: &Runtime,
    listener: &Arc<Socket<TcpListener>>,
    message: &[u8],
) -> io::Result<bool> {
    let (accepted, was_accepted) = flume::bounded(1);
    let mut client = std::net::TcpStream::connect(listener.io.local_addr()?)?;
    let server = runtime.handle().spawn(listen(listener.clone(), accepted));
    was_accepted.recv().expect("the client is accepted");
    let (first, second) = message.split_at(message.len() / 2);
    client.write_all(first)?;
    client.write_all(second)?;
    drop(client);
    Ok(runtime.block_on(server)? == message)
}

fn listener(reactor: &Arc<Reactor>) -> io::Result<Arc<Socket<TcpListener>>> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    Ok(Arc::new(Socket::new(reactor, listener)?))
}

/// How many sockets nothing happens on.
const IDLE: usize = 64;
/// For how long.
const WINDOW: Duration = Duration::from_millis(300);

/// What it costs to wait for sockets on which nothing happens.
struct Cost {
    polls: u64,
    processor: Duration,
    ten_turns: Duration,
}

impl Cost {
    fn measure<T: Send + 'static>(
        what: &str,
        runtime: &Runtime,
        mut wait: impl FnMut() -> io::Result<Task<T>>,
    ) -> io::Result<Self> {
        let waiting = (0..IDLE).map(|_| wait()).collect::<io::Result<Vec<_>>>()?;
        naive::ten_turns(runtime); // Each has been polled once, and waits as it means to.
        let polls = || runtime.metrics().lane(Priority::Low).polls;
        let (polls_before, processor_before) = (polls(), processor_time());
        runtime.block_on(time::sleep(WINDOW));
        let (polls, processor) = (polls() - polls_before, processor_time() - processor_before);
        let ten_turns = naive::ten_turns(runtime);
        drop(waiting);
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!("  {what}: ~{polls} polls, {:.2} ms of processor time", ms(processor));
        println!("    ten turns of a neighbour: {:.3} ms", ms(ten_turns));
        Ok(Self { polls, processor, ten_turns })
    }
}

/// How long the threads of this process have run, which Linux counts in nanoseconds; 0 elsewhere.
fn processor_time() -> Duration {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let stats =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    let ran = stats.filter_map(|stat| stat.split(' ').next()?.parse::<u64>().ok());
    Duration::from_nanos(ran.sum())
}

fn main() -> io::Result<()> {
    let (reactor, thread) = Reactor::start()?;
    let runtime = naive::one_worker();

    let door = listener(&reactor)?;
    let mut heard = 0;
    for _ in 0..1_000 {
        heard += usize::from(hear(&runtime, &door, b"that's so dingo!\n")?);
    }
    println!("clients that speak late: 1000, heard: {heard}");
    let long = hear(&runtime, &door, &[b'x'; 300_000])?;
    println!("a message of 300000 bytes came whole: {long}");
    assert!(long && heard == 1_000);
    drop(door);

    println!("64 sockets on which nothing happens, for 300 ms");
    let begun = Instant::now();
    let sitting = Duration::from_micros(500);
    let [busy, sits] = [("busy poll", Duration::ZERO), ("0.5 ms inside each poll", sitting)].map(
        |(what, patience)| {
            let wait = || Ok(runtime.handle().spawn(naive::Listening::new(patience)?.0));
            Cost::measure(what, &runtime, wait)
        },
    );
    let (busy, sits) = (busy?, sits?);
    let parked = Cost::measure("reactor", &runtime, || {
        let (door, nobody) = (listener(&reactor)?, flume::bounded(1).0);
        Ok(runtime.handle().spawn(listen(door, nobody)))
    })?;
    assert!(begun.elapsed() > WINDOW * 3);
    assert!(busy.polls > 100 * (parked.polls + 1), "nothing happened, so nobody is polled");
    // Nine whole rounds of everybody's patience, whatever else the machine does.
    assert!(sits.ten_turns > sitting * 64 * 9 && sits.ten_turns > parked.ten_turns);
    assert!(!cfg!(target_os = "linux") || busy.processor > parked.processor);

    drop(runtime); // And with it the tasks, and the sockets in them.
    println!("sockets left in the table: {}", lock(&reactor.sockets).len());
    assert!(lock(&reactor.sockets).is_empty());
    reactor.stop.wake()?;
    thread.join().expect("the reactor does not panic");
    Ok(())
}
