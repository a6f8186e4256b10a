//! Chapter 4, step 5: HTTP by hand. Run: `cargo run --release --example ch04_5_http`
//!
//! A small client and a small server of HTTP/1.1, the same reader for both sides. What comes from a
//! peer is bounded: the head in bytes, the body in bytes, the request in time. A body is bytes, not
//! text, and its end is where its framing says: a length, chunks, or the end of the connection.
//!
//! Book: chapter 4.

use std::net::SocketAddr;
use std::time::Duration;
use std::{fmt, io};

use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, StreamExt};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{Runtime, spawn_task, time};

/// The most that the start line and the headers may have together, in bytes.
const HEAD_LIMIT: usize = 8 << 10;
/// The most that a body may have, in bytes.
const BODY_LIMIT: usize = 1 << 20;
/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a server reads, and throws away, of a client that it has refused, in bytes.
const LEFTOVERS: u64 = 256 << 10;

/// Why a message could not be read.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The connection ended where a message might have begun: not an error.
    NoMore,
    HeadTooLarge,
    BodyTooLarge,
    Malformed(&'static str),
    Io(io::Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NoMore => f.write_str("the connection ended"),
            Fault::HeadTooLarge => write!(f, "a head of more than {HEAD_LIMIT} bytes"),
            Fault::BodyTooLarge => write!(f, "a body of more than {BODY_LIMIT} bytes"),
            Fault::Malformed(what) => f.write_str(what),
            Fault::Io(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Io(error)
    }
}

/// Which way a message goes. Only a response may be ended by the end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Response,
}

#[derive(Debug)]
pub(crate) struct Message {
    /// `GET / HTTP/1.1`, or `HTTP/1.1 200 OK`.
    pub(crate) start: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// The value of a header that may come once at most.
    fn header(&self, name: &str) -> Result<Option<&str>, Fault> {
        let mut found = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Fault::Malformed("a header that comes twice")),
            (first, None) => Ok(first.map(|(_, value)| value.as_str())),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        let second = self.start.split(' ').nth(1);
        second.and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

type Input<'a> = BufReader<&'a TcpStream>;

/// One line without its end. It takes its length from what is `left` of the head.
async fn line(input: &mut Input<'_>, left: &mut usize) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    let count = input.take(*left as u64).read_until(b'\n', &mut bytes).await?;
    *left -= count;
    if bytes.pop() != Some(b'\n') {
        return Err(match (*left, count) {
            (0, _) => Fault::HeadTooLarge,
            (_, 0) => Fault::NoMore,
            _ => Fault::Malformed("the connection ended inside a line"),
        });
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    String::from_utf8(bytes).map_err(|_| Fault::Malformed("a head is text"))
}

pub(crate) async fn read_message(input: &mut Input<'_>, kind: Kind) -> Result<Message, Fault> {
    let mut left = HEAD_LIMIT;
    let start = line(input, &mut left).await?;
    let version = match kind {
        Kind::Request => start.rsplit(' ').next(),
        Kind::Response => start.split(' ').next(),
    };
    if !version.is_some_and(|version| version.starts_with("HTTP/1.")) {
        return Err(Fault::Malformed("a start line names its version"));
    }
    let mut headers = Vec::new();
    loop {
        let line = match line(input, &mut left).await {
            Err(Fault::NoMore) => return Err(Fault::Malformed("the connection ended in a head")),
            line => line?,
        };
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or(Fault::Malformed("a header has a colon"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut message = Message { start, headers, body: Vec::new() };
    message.body = read_body(input, &message, kind).await?;
    Ok(message)
}

async fn read_body(input: &mut Input<'_>, message: &Message, kind: Kind) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    let length = message.header("Content-Length")?.map(|length| number(length, 10));
    match (message.header("Transfer-Encoding")?, length) {
        // Two lengths are two opinions on where the next message begins, and an old way to cheat.
        (Some(_), Some(_)) => return Err(Fault::Malformed("a body has one length")),
        (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => {
            read_chunks(input, &mut body).await?;
        }
        (Some(_), None) => return Err(Fault::Malformed("an unknown transfer coding")),
        (None, Some(length)) => read_exactly(input, length?, &mut body).await?,
        (None, None) if kind == Kind::Request => {}
        (None, None) => {
            input.take(BODY_LIMIT as u64 + 1).read_to_end(&mut body).await?;
            if body.len() > BODY_LIMIT {
                return Err(Fault::BodyTooLarge);
            }
        }
    }
    Ok(body)
}

/// Appends `length` bytes. Memory is taken as they come, not because somebody has announced them.
async fn read_exactly(
    input: &mut Input<'_>,
    length: usize,
    body: &mut Vec<u8>,
) -> Result<(), Fault> {
    if length > BODY_LIMIT - body.len() {
        return Err(Fault::BodyTooLarge);
    }
    let count = input.take(length as u64).read_to_end(body).await?;
    if count == length { Ok(()) } else { Err(Fault::Malformed("the body is cut short")) }
}

/// Digits only: the standard library would take a sign as well.
fn number(digits: &str, radix: u32) -> Result<usize, Fault> {
    let only_digits = digits.chars().all(|digit| digit.is_digit(radix));
    let number = usize::from_str_radix(digits, radix).ok().filter(|_| only_digits);
    number.ok_or(Fault::Malformed("a length is a number"))
}

async fn read_chunks(input: &mut Input<'_>, body: &mut Vec<u8>) -> Result<(), Fault> {
    // Sizes and trailers are a head of sorts: many empty extensions are as bad as one long header.
    let mut left = HEAD_LIMIT;
    loop {
        let size = line(input, &mut left).await?;
        match number(size.split(';').next().unwrap_or("").trim(), 16)? {
            0 => break,
            size => read_exactly(input, size, body).await?,
        }
        if !line(input, &mut left).await?.is_empty() {
            return Err(Fault::Malformed("a chunk ends with its line"));
        }
    }
    while !line(input, &mut left).await?.is_empty() {}
    Ok(())
}

/// What the server answers with: a status, a body, and whether it is sent in chunks.
struct Answer {
    status: &'static str,
    body: Vec<u8>,
    in_chunks: bool,
}

fn answer(request: &Message) -> Answer {
    let whole = |body: Vec<u8>| Answer { status: "200 OK", body, in_chunks: false };
    let mut words = request.start.split(' ');
    match (words.next(), words.next()) {
        (Some("GET"), Some("/hello")) => whole(b"hello from the wheel".to_vec()),
        (Some("GET"), Some("/large")) => whole(numbered(100_000)),
        (Some("GET"), Some("/chunks")) => Answer { in_chunks: true, ..whole(numbered(70_000)) },
        (Some("GET"), Some("/bytes")) => whole((0..=u8::MAX).rev().collect()),
        (Some("POST"), Some("/echo")) => whole(request.body.clone()),
        _ => Answer { status: "404 Not Found", ..whole(Vec::new()) },
    }
}

/// Bytes of which each tells where it stands.
fn numbered(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

async fn write_answer(mut stream: &TcpStream, answer: &Answer) -> io::Result<()> {
    let Answer { status, body, in_chunks } = answer;
    if !in_chunks {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await?;
        return stream.write_all(body).await;
    }
    let head = format!("HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    for chunk in body.chunks(10_000) {
        stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
        stream.write_all(chunk).await?;
        stream.write_all(b"\r\n").await?;
    }
    stream.write_all(b"0\r\n\r\n").await
}

/// Answers one request after the other until the client has no more, or has done something wrong.
async fn serve_one(stream: TcpStream) -> Result<(), Fault> {
    let mut input = BufReader::new(&stream);
    let refusal = loop {
        match time::timeout(PATIENCE, read_message(&mut input, Kind::Request)).await {
            Ok(Ok(request)) => write_answer(&stream, &answer(&request)).await?,
            Ok(Err(Fault::NoMore)) => return Ok(()),
            Ok(Err(Fault::Io(error))) => return Err(error.into()),
            Ok(Err(Fault::HeadTooLarge)) => break "431 Request Header Fields Too Large",
            Ok(Err(Fault::BodyTooLarge)) => break "413 Content Too Large",
            Ok(Err(Fault::Malformed(_))) => break "400 Bad Request",
            Err(_) => break "408 Request Timeout",
        }
    };
    let answer = Answer { status: refusal, body: Vec::new(), in_chunks: false };
    write_answer(&stream, &answer).await?;
    // Closed with bytes unread, the connection would be reset, and the answer with it.
    (&stream).close().await?;
    let leftovers = futures_lite::io::copy(input.take(LEFTOVERS), futures_lite::io::sink());
    let _ = time::timeout(PATIENCE, leftovers).await;
    Ok(())
}

pub(crate) async fn serve(listener: TcpListener) {
    let mut incoming = listener.incoming();
    while let Some(connection) = incoming.next().await {
        let Ok((stream, peer)) = connection else { continue };
        spawn_task!(async move {
            if let Err(fault) = serve_one(stream).await {
                eprintln!("{peer}: {fault}");
            }
        })
        .detach();
    }
}

/// Sends `requests` as they stand and reads `count` responses.
pub(crate) async fn ask(
    server: SocketAddr,
    requests: &[u8],
    count: usize,
) -> Result<Vec<Message>, Fault> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(requests).await?;
    let mut input = BufReader::new(&stream);
    let mut responses = Vec::new();
    for _ in 0..count {
        responses.push(read_message(&mut input, Kind::Response).await?);
    }
    Ok(responses)
}

async fn get(server: SocketAddr, path: &str) -> Result<Message, Fault> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\n\r\n");
    let mut responses = ask(server, request.as_bytes(), 1).await?;
    responses.pop().ok_or(Fault::NoMore)
}

async fn good_requests(server: SocketAddr) -> Result<(), Fault> {
    for (path, expected) in [
        ("/hello", b"hello from the wheel".to_vec()),
        ("/large", numbered(100_000)),
        ("/chunks", numbered(70_000)),
        ("/bytes", (0..=u8::MAX).rev().collect()),
    ] {
        let response = get(server, path).await?;
        let (same, text) = (response.body == expected, std::str::from_utf8(&response.body).is_ok());
        let (status, length) = (response.status(), response.body.len());
        println!("GET {path}: {status}, {length} bytes, as they should be: {same}, text: {text}");
        assert!(same && status == 200);
    }
    let mut upload = b"POST /echo HTTP/1.1\r\nContent-Length: 100000\r\n\r\n".to_vec();
    upload.extend(numbered(100_000));
    upload.extend(b"GET /hello HTTP/1.1\r\n\r\nGET /nowhere HTTP/1.1\r\n\r\n");
    let responses = ask(server, &upload, 3).await?;
    let statuses: Vec<u16> = responses.iter().map(Message::status).collect();
    println!("three requests in one breath: {statuses:?}");
    assert_eq!(statuses, [200, 200, 404]);
    assert_eq!(responses[0].body, numbered(100_000));
    Ok(())
}

async fn bad_requests(server: SocketAddr) -> Result<(), Fault> {
    let long_head = format!("GET / HTTP/1.1\r\nX-Long: {}\r\n\r\n", "x".repeat(20_000));
    for (what, request, expected) in [
        ("a head of 20 kB", long_head.as_str(), 431),
        (
            "a body of 2 MB, announced",
            "POST /echo HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n",
            413,
        ),
        ("a length that is none", "POST /echo HTTP/1.1\r\nContent-Length: much\r\n\r\n", 400),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        ("no HTTP at all", "that's so dingo!\n\n", 400),
    ] {
        let status = ask(server, request.as_bytes(), 1).await?[0].status();
        println!("{what}: {status}");
        assert_eq!(status, expected);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::builder().build()?;
    let done = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let server = listener.local_addr()?;
        spawn_task!(serve(listener)).detach();
        good_requests(server).await?;
        bad_requests(server).await
    });
    done.map_err(|fault| io::Error::other(fault.to_string()))?;
    runtime.shutdown(Duration::ZERO)?;
    Ok(())
}
