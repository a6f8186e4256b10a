//! `--compare`: the same work twice, with lanes and in one lane, on as many workers.
//!
//! The work is fixed: so many requests, due at the same moments, and so many tasks of 50 µs, enough
//! to keep all workers busy for as long as requests are due. In one lane, a request's every step
//! (the client is woken, the server is woken, the client is woken again) waits behind the tasks that
//! were there before it. With lanes it does not.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use crate::cli::{End, Name, Options};
use crate::grind::PIECE;
use crate::host::{self, Outcome, Plan, Work};
use crate::lines::{self, grouped, millis};
use crate::shared::Lanes;
use crate::traffic::RATE;

/// Lanes must be worth at least this, in p99.
const MUST: f64 = 10.0;

/// Runs both, prints both, and says whether lanes were worth it.
pub fn run(options: &Options) -> Result<ExitCode, String> {
    let End::After(time) = options.end else { return Err("--compare needs an end".into()) };
    let workers = Workers::new(options);
    let work = Work {
        requests: whole(time.as_secs_f64() * f64::from(RATE)),
        pieces: whole(time.as_secs_f64() / PIECE.as_secs_f64() * workers.busy_cores()),
    };
    lines::say(format_args!(
        "{} requests to echo, {RATE} a second, beside {} tasks of 50 µs, on {} workers.",
        grouped(work.requests),
        grouped(work.pieces),
        workers.high + workers.low,
    ));
    let two = run_one("two lanes", options, Lanes::Two, &workers, work)?;
    let one = run_one("one lane", options, Lanes::One, &workers, work)?;
    print_ratio(&two, &one);
    let ratio = two.ratio_to(&one, 99);
    if ratio >= MUST {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("daemons: lanes made p99 {ratio:.1} times better, and should make it {MUST} times");
    Ok(ExitCode::FAILURE)
}

/// The workers of both runs.
struct Workers {
    high: usize,
    low: usize,
    cores: usize,
}

impl Workers {
    /// What was asked for, or what the runtime does by itself.
    fn new(options: &Options) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let high = options.high.unwrap_or((cores / 4).max(1));
        let low = options.low.unwrap_or(cores.saturating_sub(high).max(1));
        Self { high, low, cores }
    }

    fn busy_cores(&self) -> f64 {
        u32::try_from(self.cores.min(self.high + self.low)).map_or(1.0, f64::from)
    }
}

fn run_one(
    title: &'static str,
    options: &Options,
    lanes: Lanes,
    workers: &Workers,
    work: Work,
) -> Result<Run, String> {
    let (high, low) = match lanes {
        Lanes::Two => (workers.high, workers.low),
        Lanes::One => (0, workers.high + workers.low),
    };
    let outcome = host::run(&Plan {
        names: vec![Name::Echo, Name::Traffic, Name::Grind],
        lanes,
        end: options.end,
        work: Some(work),
        high: Some(high),
        low: Some(low),
        listen: options.listen,
        grace: options.grace,
        watch: None,
    })?;
    let run = Run { title, outcome };
    run.print();
    Ok(run)
}

struct Run {
    title: &'static str,
    outcome: Outcome,
}

impl Run {
    fn percentile(&self, percent: u64) -> Duration {
        self.outcome.shared.latency.snapshot().percentile(percent).unwrap_or_default()
    }

    /// How many times longer `other` took.
    fn ratio_to(&self, other: &Run, percent: u64) -> f64 {
        let ours = self.percentile(percent).as_secs_f64().max(f64::MIN_POSITIVE);
        other.percentile(percent).as_secs_f64() / ours
    }

    fn print(&self) {
        let shared = &self.outcome.shared;
        let mut depths = self.outcome.low_depths.clone();
        depths.sort_unstable();
        let depth = |i: usize| depths.get(i).copied().map_or_else(|| "–".into(), grouped);
        lines::say(format_args!("\n{}", self.title));
        lines::say(format_args!(
            "  from due to answered: p50 {}, p99 {}, max {}  ({} samples)",
            millis(self.percentile(50)),
            millis(self.percentile(99)),
            millis(shared.latency.max()),
            grouped(shared.requests_answered.get()),
        ));
        lines::say(format_args!(
            "  waiting in Low meanwhile: at least {}, half the time {} or more  ({} looks)",
            depth(0),
            depth(depths.len() / 2),
            grouped(depths.len() as u64),
        ));
        lines::say(format_args!(
            "  work done: {} requests, {} tasks",
            grouped(shared.requests_answered.get()),
            grouped(shared.ground.get()),
        ));
        for line in lines::lanes(&self.outcome.metrics).to_string().lines() {
            lines::say(format_args!("  {line}"));
        }
    }
}

fn print_ratio(two: &Run, one: &Run) {
    lines::say(format_args!(
        "\nWith lanes an answer comes {:.0} times sooner at the median and {:.0} times at p99.",
        two.ratio_to(one, 50),
        two.ratio_to(one, 99),
    ));
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an amount of work: positive, and far below 2^53"
)]
fn whole(amount: f64) -> u64 {
    amount.round().max(1.0) as u64
}
