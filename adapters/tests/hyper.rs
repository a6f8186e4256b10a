//! hyper on Waterwheel: real servers and clients over loopback.
#![cfg(feature = "hyper")]

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use futures_lite::io::{AsyncReadExt, AsyncWriteExt};
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::sync::CancellationToken;
use waterwheel::{Priority, Runtime, Task, spawn_task, time};
use waterwheel_adapters::hyper::{Io, Timer, serve};

type BoxError = Box<dyn Error + Send + Sync>;
type Body = Full<Bytes>;

/// How long an event may take before the test is called hung.
const WATCHDOG: Duration = Duration::from_secs(60);

/// Runs a test on a runtime of its own, under a watchdog.
fn on_a_runtime<F>(test: F)
where
    F: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let runtime = Runtime::builder().build().expect("a default runtime");
    let (sender, ended) = mpsc::channel();
    let task = runtime.handle().spawn(test);
    runtime.handle().spawn(async move { sender.send(task.outcome().await) }).detach();
    let outcome = ended.recv_timeout(WATCHDOG).expect("the test ends");
    outcome.expect("the test does not panic").expect("and gives no error");
}

/// A server for the test's time.
struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: Task<()>,
}

impl Server {
    /// Serves what `answer` says.
    async fn start<F, Fut>(answer: F) -> Result<Self, BoxError>
    where
        F: Fn(Request<Incoming>) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, stop) = (listener.local_addr()?, CancellationToken::new());
        let token = stop.clone();
        let task = spawn_task!(async move {
            serve(&listener, service_fn(answer), Priority::High, &token).await;
        });
        Ok(Self { address, stop, task })
    }

    async fn connect(&self) -> Result<SendRequest<Body>, BoxError> {
        let stream = TcpStream::connect(self.address).await?;
        let (client, connection) = http1::handshake(Io::new(stream)).await?;
        spawn_task!(connection, Priority::High).detach();
        Ok(client)
    }
}

async fn fetch(
    client: &mut SendRequest<Body>,
    path: &str,
) -> Result<(StatusCode, Bytes), BoxError> {
    client.ready().await?;
    let request = Request::builder().uri(path).header("host", "test").body(Body::default())?;
    let response = client.send_request(request).await?;
    Ok((response.status(), response.into_body().collect().await?.to_bytes()))
}

fn text(text: String) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::from(text)))
}

#[test]
fn a_connection_is_kept_alive_from_request_to_request() {
    on_a_runtime(async {
        let server =
            Server::start(|request| async move { text(request.uri().to_string()) }).await?;
        let mut client = server.connect().await?;
        for n in 0..100 {
            let (status, body) = fetch(&mut client, &format!("/{n}")).await?;
            assert_eq!((status, body), (StatusCode::OK, format!("/{n}").into()));
        }
        Ok(())
    });
}

#[test]
fn bodies_of_64_kib_and_more_pass_both_ways_unchanged() {
    on_a_runtime(async {
        let server = Server::start(|request: Request<Incoming>| async {
            let body = request
                .into_body()
                .collect()
                .await
                .map_or_else(|_| Bytes::new(), Collected::to_bytes);
            Ok(Response::new(Full::new(body)))
        })
        .await?;
        let mut client = server.connect().await?;
        for size in [0, 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 3 * 1024 * 1024] {
            let sent: Bytes =
                (0..size).map(|i: u32| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
            client.ready().await?;
            let request = Request::builder().method(Method::POST).body(Full::new(sent.clone()))?;
            let received = client.send_request(request).await?.into_body().collect().await?;
            assert!(received.to_bytes() == sent, "a body of {size} bytes changed on the way");
        }
        Ok(())
    });
}

#[test]
fn many_clients_at_once_are_all_answered() {
    on_a_runtime(async {
        let server = Arc::new(
            Server::start(|request| async move { text(request.uri().to_string()) }).await?,
        );
        let clients: Vec<_> = (0..32)
            .map(|client_number| {
                let server = Arc::clone(&server);
                spawn_task!(async move {
                    let mut client = server.connect().await?;
                    for n in 0..20 {
                        let path = format!("/{client_number}/{n}");
                        assert_eq!(fetch(&mut client, &path).await?.1, path);
                    }
                    Ok::<_, BoxError>(())
                })
            })
            .collect();
        for client in clients {
            client.await?;
        }
        Ok(())
    });
}

#[test]
fn a_stop_answers_the_request_under_way_and_closes_idle_connections() {
    on_a_runtime(async {
        let (arrived, go_on) = (CancellationToken::new(), CancellationToken::new());
        let gate = (arrived.clone(), go_on.clone());
        let server = Server::start(move |request| {
            let (arrived, go_on) = gate.clone();
            async move {
                if request.uri() == "/slow" {
                    arrived.cancel();
                    go_on.cancelled().await;
                }
                text("answered".to_owned())
            }
        })
        .await?;
        let fresh = TcpStream::connect(server.address).await?; // never says a word
        let mut idle = server.connect().await?;
        fetch(&mut idle, "/quick").await?;
        let mut busy = server.connect().await?;
        let under_way = spawn_task!(async move {
            let answer = fetch(&mut busy, "/slow").await?;
            Ok::<_, BoxError>((busy, answer))
        });
        arrived.cancelled().await;

        server.stop.cancel();
        assert_eq!((&fresh).read(&mut [0]).await?, 0, "the silent connection is closed");
        while !idle.is_closed() {
            waterwheel::yield_now().await;
        }
        assert!(!server.task.is_finished(), "a request is under way");
        go_on.cancel();
        let (mut busy, (_, body)) = under_way.await?;
        assert_eq!(body, "answered");
        server.task.await;
        assert!(fetch(&mut busy, "/again").await.is_err(), "not kept alive any longer");
        assert!(TcpStream::connect(server.address).await.is_err(), "the listener is gone");
        Ok(())
    });
}

#[test]
fn a_service_that_panics_ends_its_own_connection_only() {
    on_a_runtime(async {
        let server = Server::start(|request| async move {
            assert_ne!(request.uri(), "/panic", "on purpose");
            text("fine".to_owned())
        })
        .await?;
        let (mut unlucky, mut other) = (server.connect().await?, server.connect().await?);
        assert!(fetch(&mut unlucky, "/panic").await.is_err());
        assert_eq!(fetch(&mut other, "/").await?.1, "fine");
        server.stop.cancel();
        server.task.await;
        Ok(())
    });
}

#[test]
fn dropping_the_server_drops_its_connections() {
    on_a_runtime(async {
        let server = Server::start(|_| async { text("fine".to_owned()) }).await?;
        let mut silent = TcpStream::connect(server.address).await?;
        let mut client = server.connect().await?;
        fetch(&mut client, "/").await?;
        drop(server.task);
        assert_eq!(silent.read(&mut [0]).await.unwrap_or(0), 0);
        Ok(())
    });
}

/// Reads until the server hangs up, and tells the test.
fn hang_up_of(mut stream: TcpStream) -> mpsc::Receiver<()> {
    let (sender, hung_up) = mpsc::channel();
    spawn_task!(async move {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        sender.send(())
    })
    .detach();
    hung_up
}

#[test]
fn a_client_that_never_finishes_its_head_is_hung_up_on_by_the_runtimes_clock() {
    let runtime = Runtime::builder().start_paused(true).build().expect("a paused runtime");
    let _inside = runtime.handle().enter();
    let hung_up = runtime.block_on(async {
        let server = Server::start(|_| async { text("never".to_owned()) }).await?;
        let mut stream = TcpStream::connect(server.address).await?;
        stream.write_all(b"GET / HT").await?;
        server.task.detach();
        Ok::<_, BoxError>(hang_up_of(stream))
    });
    let hung_up = hung_up.expect("the server starts");
    // The limit is 30 s, which the paused clock makes short. Where the server is we do not know, so
    // the time passes in steps, each with a chance for the event that ends the test.
    let mut passed = Duration::ZERO;
    let step = Duration::from_millis(100);
    while hung_up.recv_timeout(Duration::from_millis(1)).is_err() {
        assert!(passed < Duration::from_secs(3600), "nobody hung up");
        time::advance(step);
        passed += step;
    }
    assert!(passed >= Duration::from_secs(30), "it was hung up on after only {passed:?}");
}

#[test]
fn the_timer_follows_the_runtimes_clock_and_resets_in_place() {
    use hyper::rt::Timer as _;
    let runtime = Runtime::builder().start_paused(true).build().expect("a paused runtime");
    runtime.block_on(async {
        let hour = Duration::from_secs(3600);
        let start = Timer.now();
        assert_eq!(start, time::now());
        let mut sleep = Timer.sleep(hour);
        let place: *const _ = &raw const *sleep;
        Timer.reset(&mut sleep, start + 2 * hour);
        assert!(std::ptr::addr_eq(place, &raw const *sleep), "it was not boxed anew");
        time::advance(hour);
        assert!(futures_lite::future::poll_once(&mut sleep).await.is_none(), "the old deadline");
        time::advance(hour);
        sleep.await;
        Timer.sleep_until(start).await;
    });
}

#[test]
fn tasks_of_hypers_own_are_spawned() {
    use hyper::rt::Executor as _;
    let (executor, ran) = (waterwheel_adapters::hyper::Executor::default(), AtomicUsize::new(0));
    let ran = Arc::new(ran);
    let (sender, done) = mpsc::channel();
    for _ in 0..10 {
        let (ran, sender) = (Arc::clone(&ran), sender.clone());
        executor.execute(async move {
            ran.fetch_add(1, Ordering::SeqCst);
            sender.send(()).expect("the test listens");
        });
    }
    (0..10).for_each(|_| done.recv_timeout(WATCHDOG).expect("each runs"));
    assert_eq!(ran.load(Ordering::SeqCst), 10);
}

/// hyper uses tokio's channels. Its runtime is a feature, `rt`, and nobody turns it on.
#[test]
fn of_tokio_only_the_channels_are_compiled() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", "waterwheel-adapters", "--features", "hyper"])
        .args(["-e", "normal", "--prefix", "none", "-f", "{p} {f}"])
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8(tree.stdout).expect("package names are text");
    let tokio: Vec<_> = tree.lines().filter(|line| line.starts_with("tokio ")).collect();
    assert!(!tokio.is_empty(), "hyper no longer needs tokio at all? {tree}");
    for line in tokio {
        let features = line.split_whitespace().nth(2).unwrap_or("").trim_end_matches(" (*)");
        assert!(features.split(',').all(|f| ["default", "sync"].contains(&f)), "{line}");
    }
}
