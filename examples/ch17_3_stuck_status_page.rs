//! Chapter 17, step 3: nobody knew. Run: `cargo run --release --example ch17_3_stuck_status_page`
//!
//! Two workers, a status page, and one task in each lane that falls into a busy loop. Nobody has
//! said so beforehand. The watchdog names both, and the status page of the same runtime answers all the
//! while; how fast goes to stderr. Without `--for` the loops last 1 s.
//!
//! Book: chapter 17.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use waterwheel::net::{self, TcpListener};
use waterwheel::task::SlowPoll;
use waterwheel::{Handle, Priority, Runtime};

/// A request fits, with room to spare.
const REQUEST_LIMIT: usize = 1024;

/// Answers each connection with what the runtime has counted.
async fn status_page(listener: TcpListener, handle: Handle) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let page = answer(stream, handle.clone());
        handle.spawn_with(async move { drop(page.await) }, Priority::High).detach();
    }
}

async fn answer(mut stream: net::TcpStream, handle: Handle) -> std::io::Result<()> {
    let mut request = [0; REQUEST_LIMIT];
    let mut end = 0;
    while !request[..end].ends_with(b"\r\n\r\n") && end < REQUEST_LIMIT {
        match stream.read(&mut request[end..]).await? {
            0 => break,
            bytes => end += bytes,
        }
    }
    let metrics = handle.metrics();
    let slow: u64 = Priority::ALL.iter().map(|lane| metrics.lane(*lane).slow_polls).sum();
    let body = format!("slow polls: {slow}, replacements: {}\n", metrics.replacements());
    let head =
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    stream.close().await
}

/// A busy loop without an `.await`: nothing but the clock ends it.
async fn jam(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Asks for the page once, from outside the runtime; gives what it says.
fn ask(page: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(page)?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().last().unwrap_or_default().to_owned())
}

/// `--for 5s`, or `--for 400ms`.
fn time_given() -> Option<Duration> {
    let mut args = std::env::args().skip_while(|arg| arg != "--for");
    let time = args.nth(1)?;
    match time.strip_suffix("ms") {
        Some(millis) => millis.parse().ok().map(Duration::from_millis),
        None => time.strip_suffix('s')?.parse().ok().map(Duration::from_secs),
    }
}

fn print_distribution(mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let (p50, p90, p99) = (at(50), at(90), at(99));
    eprintln!("{} answers: p50 {p50:?}, p90 {p90:?}, p99 {p99:?}, max {:?}", times.len(), at(100));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (report, reports) = mpsc::channel::<SlowPoll>();
    let builder = Runtime::builder().with_high_num(1).with_low_num(1);
    let runtime =
        builder.on_slow_poll(move |slow| report.send(slow.clone()).unwrap_or(())).build()?;
    let handle = runtime.handle();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let page = listener.local_addr()?;
    let serving = status_page(listener, handle.clone());
    handle.spawn_with(async move { drop(serving.await) }, Priority::High).detach();
    println!("before, does the page answer? {}", ask(page)?.starts_with("slow polls"));

    let time = time_given().unwrap_or(Duration::from_secs(1));
    let in_low = handle.spawn(jam(time));
    let in_high = handle.spawn_with(jam(time), Priority::High);
    let stuck = [&in_high, &in_low].map(|task| (task.priority(), task.id()));
    let mut sites = [None; 2];
    while sites.contains(&None) {
        let slow = reports.recv()?; // Of anybody: on a busy machine the page may be slow, too.
        if let Some(place) = stuck.iter().position(|(_, id)| slow.id() == Some(*id)) {
            sites[place] = slow.spawn_site();
        }
    }
    for ((lane, _), site) in stuck.iter().zip(sites.into_iter().flatten()) {
        println!("stuck in lane {lane}: spawned at {site}");
    }

    let mut times = Vec::new();
    while !in_low.is_finished() && !in_high.is_finished() {
        let begun = Instant::now();
        let answer = ask(page)?;
        times.push(begun.elapsed());
        assert!(!answer.starts_with("slow polls: 0"), "{answer}");
    }
    println!("while both were stuck, did the page answer? {}", !times.is_empty());
    print_distribution(times);
    runtime.block_on(async { (in_low.await, in_high.await) });
    runtime.shutdown(Duration::from_secs(5))?;
    println!("both have returned, and nothing is left");
    Ok(())
}
