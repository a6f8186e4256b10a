//! An HTTP server and its client in one process. Run:
//! `cargo run --release -p examples-net --example hello_http`
//!
//! It shows what it takes to put hyper on Waterwheel: an `Io` around each socket, and `serve` for
//! the accept loop. tokio's runtime is not there. It asks three times over one connection, asserts
//! what it gets, stops the server in good order and ends by itself.
//!
//! Book: chapter 23.

use std::convert::Infallible;
use std::error::Error;

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::sync::CancellationToken;
use waterwheel::{Priority, spawn_task};
use waterwheel_adapters::hyper::{Io, serve};

type BoxError = Box<dyn Error + Send + Sync>;

/// What the server says. An error would end the connection, and this one cannot have any.
async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let name = request.uri().path().trim_start_matches('/');
    Ok(Response::new(Full::from(format!("hello, {name}"))))
}

#[waterwheel::main]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let server = spawn_task!({
        let stop = stop.clone();
        async move { serve(&listener, service_fn(hello), Priority::High, &stop).await }
    });

    // The connection is a future of its own: it moves the bytes while `client` asks and is answered.
    let stream = TcpStream::connect(address).await?;
    let (mut client, connection) = http1::handshake(Io::new(stream)).await?;
    let connection = spawn_task!(connection);
    for name in ["wheel", "flume", "water"] {
        client.ready().await?;
        let request = Request::get(format!("/{name}")).header("host", "localhost");
        let response = client.send_request(request.body(Empty::<Bytes>::new())?).await?;
        let (status, body) = (response.status(), response.into_body().collect().await?.to_bytes());
        println!("{status}: {}", String::from_utf8_lossy(&body));
        assert_eq!(body, format!("hello, {name}"));
    }

    stop.cancel();
    server.await; // ends when all its connections have
    connection.await?;
    println!("stopped");
    Ok(())
}
