//! What the rungs of the ladder are given to do.
//!
//! Each workload returns how long it took, for how many operations, and panics if a task was lost
//! or ran twice. Starting and stopping the runtime is not in the time.
//!
//! Book: chapter 12.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_lite::future;

use super::Rung;
use super::sockets::Sockets;

/// How long something took, in all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    time: Duration,
    operations: usize,
}

impl Took {
    /// Nanoseconds for one operation.
    pub(crate) fn nanos(self) -> f64 {
        self.time.as_nanos() as f64 / self.operations as f64
    }
}

/// Yields once: the task goes to the back of a queue.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Spawns tasks from outside and awaits them all.
pub(crate) fn spawn_outside<R: Rung>(runtime: &R, tasks: usize) -> Took {
    let begun = Instant::now();
    future::block_on(spawn_and_join(runtime.clone(), tasks));
    Took { time: begun.elapsed(), operations: tasks }
}

/// Spawns tasks from a task and awaits them all there.
pub(crate) fn spawn_inside<R: Rung>(runtime: &R, tasks: usize) -> Took {
    let begun = Instant::now();
    future::block_on(runtime.spawn(spawn_and_join(runtime.clone(), tasks)));
    Took { time: begun.elapsed(), operations: tasks }
}

async fn spawn_and_join<R: Rung>(runtime: R, tasks: usize) {
    let ran = Arc::new(AtomicUsize::new(0));
    let count = |ran: Arc<AtomicUsize>, task| async move {
        ran.fetch_add(1, Ordering::Relaxed);
        task
    };
    let spawned: Vec<_> =
        (0..tasks).map(|task| runtime.spawn(count(Arc::clone(&ran), task))).collect();
    let mut sum = 0;
    for task in spawned {
        sum += task.await;
    }
    assert_eq!(ran.load(Ordering::SeqCst), tasks, "every task ran once");
    assert_eq!(sum, tasks * (tasks - 1) / 2, "every task gave its own value");
}

/// Tasks that yield, a thousand at a time.
pub(crate) fn yields<R: Rung>(runtime: &R, tasks: usize, each: usize) -> Took {
    let begun = Instant::now();
    let spinner = || async move {
        for _ in 0..each {
            Yield(false).await;
        }
        each
    };
    let spawned: Vec<_> = (0..tasks).map(|_| runtime.spawn(spinner())).collect();
    let sum = future::block_on(async {
        let mut sum = 0;
        for task in spawned {
            sum += task.await;
        }
        sum
    });
    assert_eq!(sum, tasks * each, "every task yielded as often as it should");
    Took { time: begun.elapsed(), operations: tasks * each }
}

/// Pairs of tasks that send a message to and fro.
pub(crate) fn ping_pong<R: Rung>(runtime: &R, pairs: usize, each: usize) -> Took {
    let begun = Instant::now();
    let pair = || {
        let (ping, pinged) = flume::bounded::<usize>(1);
        let (pong, ponged) = flume::bounded::<usize>(1);
        let echo = runtime.spawn(async move {
            while let Ok(ball) = pinged.recv_async().await {
                pong.send_async(ball + 1).await.expect("the other one listens");
            }
        });
        let serve = runtime.spawn(async move {
            let mut ball = 0;
            for _ in 0..each {
                ping.send_async(ball).await.expect("the other one listens");
                ball = ponged.recv_async().await.expect("the other one answers");
            }
            ball
        });
        (echo, serve)
    };
    let spawned: Vec<_> = (0..pairs).map(|_| pair()).collect();
    let sum = future::block_on(async {
        let mut sum = 0;
        for (echo, serve) in spawned {
            sum += serve.await;
            echo.await;
        }
        sum
    });
    assert_eq!(sum, pairs * each, "no message was lost");
    Took { time: begun.elapsed(), operations: pairs * each }
}

/// Each task spawns the next one and ends.
pub(crate) fn chain<R: Rung>(runtime: &R, links: usize) -> Took {
    let begun = Instant::now();
    let (done, all) = flume::bounded(1);
    R::detach(runtime.spawn(link(runtime.clone(), links, done)));
    assert_eq!(all.recv(), Ok(()), "the chain has no missing link");
    Took { time: begun.elapsed(), operations: links }
}

fn link<R: Rung>(
    runtime: R,
    left: usize,
    done: flume::Sender<()>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if left == 0 {
            done.send(()).expect("somebody waits for the end");
        } else {
            R::detach(runtime.spawn(link(runtime.clone(), left - 1, done)));
        }
    })
}

/// One message at a time from a thread outside to a task, and an answer: each is a wake-up that finds
/// the workers asleep, or on their way to sleep.
pub(crate) fn wake_ups<R: Rung>(runtime: &R, each: usize) -> Took {
    let begun = Instant::now();
    let (ask, asked) = flume::unbounded::<usize>();
    let (answer, answered) = flume::unbounded::<usize>();
    let task = runtime.spawn(async move {
        while let Ok(question) = asked.recv_async().await {
            answer.send(question).expect("somebody waits for the answer");
        }
    });
    for question in 0..each {
        ask.send(question).expect("the task listens");
        assert_eq!(answered.recv(), Ok(question), "the answer to this question");
    }
    drop(ask);
    future::block_on(task);
    Took { time: begun.elapsed(), operations: each }
}

/// Connections whose tasks send back what they read; a thread outside writes to all, then reads from
/// all. `None` if the runtime knows no sockets.
pub(crate) fn echo<R: Rung>(
    runtime: &R,
    connections: usize,
    each: usize,
) -> io::Result<Option<Took>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (mut clients, mut tasks) = (Vec::new(), Vec::new());
    for _ in 0..connections {
        let client = TcpStream::connect(listener.local_addr()?)?;
        let server = listener.accept()?.0;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        server.set_nonblocking(true)?;
        let Some(task) = runtime.serve(server, || {}) else { return Ok(None) };
        clients.push(client);
        tasks.push(task);
    }
    let begun = Instant::now();
    let mut answer = [0; 64];
    for round in 0..each {
        let question = [round as u8; 64];
        for client in &mut clients {
            client.write_all(&question)?;
        }
        for client in &mut clients {
            client.read_exact(&mut answer)?;
            assert_eq!(answer, question, "each gets back what it sent");
        }
    }
    let took = Took { time: begun.elapsed(), operations: connections * each };
    drop(clients);
    for task in tasks {
        assert_eq!(future::block_on(task)?, each * answer.len(), "every byte went to and fro");
    }
    Ok(Some(took))
}

/// Sends back what it reads, until the other side closes; returns how many bytes that were.
pub(super) fn serve<T: FnMut() + Send + 'static>(
    sockets: &Sockets,
    stream: TcpStream,
    mut then: T,
) -> impl Future<Output = io::Result<usize>> + use<T> {
    let mut stream = mio::net::TcpStream::from_std(stream);
    let readable = sockets.register(&mut stream);
    async move {
        let readable = readable?;
        let (mut buffer, mut bytes) = ([0; 1024], 0);
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(bytes),
                Ok(count) => {
                    bytes += count;
                    then();
                    stream.write_all(&buffer[..count])?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => readable.wait().await,
                Err(error) => return Err(error),
            }
        }
    }
}
