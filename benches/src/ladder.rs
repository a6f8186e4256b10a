//! The rungs of the book's ladder, Waterwheel and tokio in the same small workloads, as ratios to tokio.
//!
//! The runtimes and the workloads are those of `examples/ladder/`, included as they stand. Each run is a process of its
//! own; rounds are outermost and the order within one rotates, as in `runner`. It fails if any run does.
//!
//! Book: chapter 20

#[path = "../../examples/ladder/mod.rs"]
mod rungs;

use crate::machine::Machine;
use crate::stats::{Ratio, median};
use rungs::ours::Ours;
use rungs::work::{self, Took};
use rungs::{
    Rung, r0_textbook, r1_own_queues, r2_stealing, r3_nothing_captured, r4_parked, r5_one_searcher,
    r6_driver, r7_handover, r8_reserve,
};
use std::io;
use std::net::TcpStream;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// A run repeats its workload for so long, and at least [`LEAST`] times; its figure is the median.
const RUN: Duration = Duration::from_millis(250);
const LEAST: usize = 5;

/// How many workers each runtime is given, table after table.
const LAYOUTS: [usize; 2] = [2, 1];

/// The workloads, in the order of the columns.
const WORKLOADS: [&str; 8] = [
    "spawn outside",
    "spawn inside",
    "yield",
    "ping-pong",
    "chained spawn",
    "wake-up",
    "echo 64",
    "echo 512",
];

/// What measures a contestant in a workload, given the workers: `None` if it cannot do that.
type Measure = fn(usize, usize) -> Option<f64>;

/// The contestants, in the order of the rows; the last one is what the others are divided by.
const CONTESTANTS: [(&str, Measure); 11] = [
    (<Arc<r0_textbook::Runtime>>::NAME, measure::<Arc<r0_textbook::Runtime>>),
    (<Arc<r1_own_queues::Runtime>>::NAME, measure::<Arc<r1_own_queues::Runtime>>),
    (<Arc<r2_stealing::Runtime>>::NAME, measure::<Arc<r2_stealing::Runtime>>),
    (<Arc<r3_nothing_captured::Runtime>>::NAME, measure::<Arc<r3_nothing_captured::Runtime>>),
    (<Arc<r4_parked::Runtime>>::NAME, measure::<Arc<r4_parked::Runtime>>),
    (<Arc<r5_one_searcher::Runtime>>::NAME, measure::<Arc<r5_one_searcher::Runtime>>),
    (<Arc<r6_driver::Runtime>>::NAME, measure::<Arc<r6_driver::Runtime>>),
    (<Arc<r7_handover::Runtime>>::NAME, measure::<Arc<r7_handover::Runtime>>),
    (<Arc<r8_reserve::Runtime>>::NAME, measure::<Arc<r8_reserve::Runtime>>),
    (Ours::NAME, measure::<Ours>),
    (Tokio::NAME, measure::<Tokio>),
];

/// Measures everything in `rounds` rounds and prints a table for each layout.
pub(crate) fn compare(rounds: usize) -> Result<(), String> {
    println!("{}\n", Machine::here().lines().join("\n"));
    println!(
        "Medians of {rounds} interleaved rounds, each run a process of its own: time divided by tokio's, with the"
    );
    println!(
        "95 % interval of the median ratio. Below 1 is quicker than tokio. The last line: tokio, in nanoseconds."
    );
    for workers in LAYOUTS {
        let mut rows = vec![String::new(); CONTESTANTS.len()];
        for workload in 0..WORKLOADS.len() {
            let samples = column(workload, workers, rounds)?;
            for (row, cell) in rows.iter_mut().zip(cells(&samples)) {
                row.push_str(&format!(" {cell} |"));
            }
        }
        println!("\n| workers: {workers} | {} |", WORKLOADS.join(" | "));
        println!("|---|{}", "--:|".repeat(WORKLOADS.len()));
        for ((name, _), row) in CONTESTANTS.iter().zip(rows) {
            println!("| {name} |{row}");
        }
    }
    println!("\nload when it ended: {}", Machine::here().load);
    Ok(())
}

/// One workload for all contestants: by contestant, then by round.
fn column(workload: usize, workers: usize, rounds: usize) -> Result<Vec<Vec<Option<f64>>>, String> {
    let mut samples = vec![Vec::new(); CONTESTANTS.len()];
    for round in 0..rounds {
        for turn in 0..CONTESTANTS.len() {
            let contestant = (turn + round) % CONTESTANTS.len();
            samples[contestant].push(run([contestant, workload, workers])?);
        }
        eprintln!("{workers} workers, {}: round {}", WORKLOADS[workload], round + 1);
    }
    Ok(samples)
}

fn cells(samples: &[Vec<Option<f64>>]) -> Vec<String> {
    let (tokio, others) = samples.split_last().expect("tokio is a contestant");
    let ratio = |ours: &Vec<Option<f64>>| match Ratio::of(ours, tokio) {
        Some(ratio) => format!("**{:.2}** {:.2}..{:.2}", ratio.median, ratio.low, ratio.high),
        None => "-".to_owned(),
    };
    let nanos: Vec<f64> = tokio.iter().copied().flatten().collect();
    let nanos = median(&nanos).map_or_else(String::new, |nanos| format!("{nanos:.0} ns"));
    others.iter().map(ratio).chain([nanos]).collect()
}

/// Has one run made by a child.
fn run(what: [usize; 3]) -> Result<Option<f64>, String> {
    let [contestant, workload, workers] = what;
    let who = format!("{} in {}", CONTESTANTS[contestant].0, WORKLOADS[workload]);
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args(["ladder-one".to_owned(), contestant.to_string(), workload.to_string()])
        .arg(workers.to_string())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{who}: cannot start: {error}"))?;
    if !output.status.success() {
        return Err(format!("{who}: {}", output.status));
    }
    match String::from_utf8_lossy(&output.stdout).trim() {
        "-" => Ok(None),
        nanos => nanos.parse().map(Some).map_err(|_| format!("{who}: no figure in `{nanos}`")),
    }
}

/// Makes one run here and prints nanoseconds for one operation, or `-`.
pub(crate) fn run_one([contestant, workload, workers]: [usize; 3]) -> Result<(), String> {
    let (_, measure) = CONTESTANTS.get(contestant).ok_or("there is no such rung")?;
    if workload >= WORKLOADS.len() || workers == 0 {
        return Err("there is no such workload".to_owned());
    }
    match measure(workload, workers) {
        Some(nanos) => println!("{nanos}"),
        None => println!("-"),
    }
    Ok(())
}

fn measure<R: Rung>(workload: usize, workers: usize) -> Option<f64> {
    let runtime = R::start(workers);
    once(&runtime, workload)?; // Warm: threads are up, memory is there.
    let begun = Instant::now();
    let mut nanos = Vec::new();
    while nanos.len() < LEAST || begun.elapsed() < RUN {
        nanos.push(once(&runtime, workload)?.nanos());
    }
    runtime.stop();
    median(&nanos)
}

fn once<R: Rung>(runtime: &R, workload: usize) -> Option<Took> {
    let echo = |connections, each| {
        work::echo(runtime, connections, each).expect("the loopback works, files may be opened")
    };
    match workload {
        0 => Some(work::spawn_outside(runtime, 10_000)),
        1 => Some(work::spawn_inside(runtime, 10_000)),
        2 => Some(work::yields(runtime, 1_000, 100)),
        3 => Some(work::ping_pong(runtime, 100, 100)),
        4 => Some(work::chain(runtime, 10_000)),
        5 => Some(work::wake_ups(runtime, 1_000)),
        6 => echo(64, 100),
        _ => echo(512, 20),
    }
}

/// tokio, multi-thread, default settings. Leaked: the process ends with it.
#[derive(Clone)]
struct Tokio(&'static Runtime);

/// A join handle that resumes a task's panic.
struct Joined<T>(JoinHandle<T>);

impl<T> Future for Joined<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let outcome = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(outcome.expect("a workload's task neither panics nor is aborted"))
    }
}

impl Rung for Tokio {
    type Task<T: Send + 'static> = Joined<T>;

    const NAME: &'static str = "tokio";

    fn start(workers: usize) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build();
        Self(Box::leak(Box::new(runtime.expect("the machine has threads and descriptors left"))))
    }

    fn spawn<F>(&self, future: F) -> Joined<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Joined(self.0.spawn(future))
    }

    fn detach<T: Send + 'static>(task: Joined<T>) {
        drop(task);
    }

    fn stop(self) {}

    fn serve(
        &self,
        stream: TcpStream,
        mut then: impl FnMut() + Send + 'static,
    ) -> Option<Joined<io::Result<usize>>> {
        Some(self.spawn(async move {
            let mut stream = tokio::net::TcpStream::from_std(stream)?;
            let (mut buffer, mut bytes) = ([0; 1024], 0);
            loop {
                let count = stream.read(&mut buffer).await?;
                if count == 0 {
                    return Ok(bytes);
                }
                then();
                stream.write_all(&buffer[..count]).await?;
                bytes += count;
            }
        }))
    }
}
