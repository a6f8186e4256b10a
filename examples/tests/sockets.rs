//! The HTTP of chapter 4, step 5, against peers that do not mean well. What the sockets themselves
//! promise is tested in `tests/net/` at the root.

#[path = "../ch04_5_http.rs"]
#[expect(dead_code, reason = "its `main` and the requests in it are not run here")]
mod http;

use futures_lite::io::BufReader;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use http::{Fault, Kind, Message, ask, read_message, serve};
use std::net::SocketAddr;
use std::time::Duration;
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{Runtime, spawn_task, time};

/// Long enough for the slowest machine; a test that needs it has failed.
const WATCHDOG: Duration = Duration::from_secs(60);

fn run<T>(test: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    let runtime = Runtime::builder().build().expect("the settings are valid");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let server = listener.local_addr().expect("it is bound");
        spawn_task!(serve(listener)).detach();
        time::timeout(WATCHDOG, test(server)).await.expect("the server answers")
    })
}

#[test]
fn a_request_that_comes_byte_by_byte_is_answered() {
    run(async |server| {
        let stream = TcpStream::connect(server).await.expect("it listens");
        stream.set_nodelay(true).expect("it is an option of sockets");
        for byte in b"POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nwheel" {
            (&stream).write_all(&[*byte]).await.expect("the server reads");
            waterwheel::yield_now().await;
        }
        let response = read_message(&mut BufReader::new(&stream), Kind::Response).await;
        assert_eq!(response.expect("a response").body, b"wheel");
    });
}

#[test]
fn an_upload_in_chunks_is_put_together() {
    let request = b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
        4\r\nthat\r\nC;name=value\r\n's so dingo!\r\n0\r\nTrailer: ignored\r\n\r\n";
    let responses = run(async |server| ask(server, request, 1).await);
    assert_eq!(responses.expect("a response")[0].body, b"that's so dingo!");
}

#[test]
fn whoever_frames_a_body_badly_is_refused() {
    for (headers, body) in [
        ("Content-Length: +5", "wheel"),
        ("Content-Length: 5\r\nContent-Length: 6", "wheels"),
        ("Content-Length: 99999999999999999999999", ""),
        ("Transfer-Encoding: gzip", ""),
        ("Transfer-Encoding: chunked", "+5\r\nwheel\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "5\r\nwheels\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "five\r\nwheel\r\n0\r\n\r\n"),
        ("no colon", ""),
    ] {
        let request = format!("POST /echo HTTP/1.1\r\n{headers}\r\n\r\n{body}");
        let responses = run(async |server| ask(server, request.as_bytes(), 1).await);
        assert_eq!(responses.expect("a refusal")[0].status(), 400, "{headers} {body}");
    }
}

#[test]
fn chunks_may_not_add_up_to_more_than_the_limit() {
    let chunk = format!("40000\r\n{}\r\n", "x".repeat(0x40000));
    let request =
        format!("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(5));
    // The fifth chunk is refused by its size, and most of it is read and thrown away.
    let responses = run(async |server| ask(server, request.as_bytes(), 1).await);
    assert_eq!(responses.expect("a refusal")[0].status(), 413);
}

#[test]
fn a_request_cut_short_is_refused_and_no_request_is_none() {
    run(async |server| {
        for (sent, refused) in [
            ("GET /hello HTTP/1.1\r\nHost:", true),
            ("GET /hel", true),
            ("POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nwheel", true),
            ("", false),
        ] {
            let mut stream = TcpStream::connect(server).await.expect("it listens");
            stream.write_all(sent.as_bytes()).await.expect("the server reads");
            stream.close().await.expect("it is open");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("the server closes");
            assert_eq!(answer.starts_with("HTTP/1.1 400 "), refused, "{sent:?}: {answer:?}");
        }
    });
}

/// What our client makes of a response.
fn respond(response: Vec<u8>) -> Result<Message, Fault> {
    run(async |_| {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let server = listener.local_addr()?;
        spawn_task!(async move {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut request = [0; 18];
            let _ = stream.read_exact(&mut request).await;
            // The client may have hung up on a response that it refuses.
            let _ = stream.write_all(&response).await;
        })
        .detach();
        let mut responses = ask(server, b"GET / HTTP/1.1\r\n\r\n", 1).await?;
        responses.pop().ok_or(Fault::NoMore)
    })
}

#[test]
fn a_response_may_end_with_its_connection() {
    let response = respond(b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe not text".to_vec());
    assert_eq!(response.expect("a response").body, b"\xff\xfe not text");
}

#[test]
fn a_client_takes_only_so_much() {
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 2 << 20]].concat();
    assert!(matches!(respond(endless), Err(Fault::BodyTooLarge)));
    let announced = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n".to_vec();
    assert!(matches!(respond(announced), Err(Fault::BodyTooLarge)));
    let talkative = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 9 << 10]].concat();
    assert!(matches!(respond(talkative), Err(Fault::HeadTooLarge)));
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nwheel".to_vec();
    assert!(matches!(respond(cut), Err(Fault::Malformed(_))));
    assert!(matches!(respond(b"SSH-2.0\r\n\r\n".to_vec()), Err(Fault::Malformed(_))));
}
