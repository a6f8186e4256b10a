//! Puts the daemons together: one runtime, one supervisor, one token that stops it all.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_lite::future::or;
use waterwheel::daemon::{Backoff, BoxError, Report, StartError, State, Supervisor};
use waterwheel::net::TcpListener;
use waterwheel::signal::{self, Signal};
use waterwheel::sync::CancellationToken;
use waterwheel::{Metrics, Priority, Runtime, ShutdownError, spawn_task, time};

use crate::cli::{End, Name, Options};
use crate::echo::Echo;
use crate::flaky::Flaky;
use crate::grind::{self, Grind};
use crate::http::Http;
use crate::lines;
use crate::sampler::Sampler;
use crate::shared::{Lanes, Shared};
use crate::traffic::Traffic;
use crate::watch::{TemporaryFolder, Watch};

/// How long what the daemons left behind may take to end.
const GRACE: Duration = Duration::from_secs(1);
/// A daemon that fails waits from this long ...
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// ... to this long.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// How often a line is printed.
const LINE_EVERY: Duration = Duration::from_secs(1);
/// How often the queue is looked at while work is compared.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// 128 + 2: what a shell reports for a program that SIGINT killed.
const EXIT_INTERRUPTED: i32 = 130;
/// 128 + 15, for SIGTERM.
const EXIT_TERMINATED: i32 = 143;

/// What to host, and until when.
#[derive(Debug)]
pub struct Plan {
    pub names: Vec<Name>,
    pub lanes: Lanes,
    pub end: End,
    /// Ends traffic and grind after so much work, and the run when both are done.
    pub work: Option<Work>,
    pub high: Option<usize>,
    pub low: Option<usize>,
    pub listen: SocketAddr,
    /// How long each daemon may take to stop.
    pub grace: Duration,
    pub watch: Option<PathBuf>,
}

/// A fixed amount of work.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    pub requests: u64,
    pub pieces: u64,
}

impl From<&Options> for Plan {
    fn from(options: &Options) -> Self {
        Self {
            names: options.only.clone(),
            lanes: Lanes::Two,
            end: options.end,
            work: None,
            high: options.high,
            low: options.low,
            listen: options.listen,
            grace: options.grace,
            watch: options.watch.clone(),
        }
    }
}

/// What became of it.
#[derive(Debug)]
pub struct Outcome {
    pub report: Report,
    pub metrics: Metrics,
    pub shared: Arc<Shared>,
    pub names: Vec<Name>,
    /// Tasks that waited in the Low lane, each time it was looked at.
    pub low_depths: Vec<u64>,
    pub shutdown: Option<ShutdownError>,
}

impl Outcome {
    /// Whether everything came to an end when it was told to.
    pub fn ended_well(&self) -> bool {
        let left_behind = |state| matches!(state, State::Cancelled | State::Stuck);
        self.shutdown.is_none() && !self.report.daemons().iter().any(|d| left_behind(d.state))
    }
}

/// Hosts the daemons until the end that was planned. The error is one line for people.
pub fn run(plan: &Plan) -> Result<Outcome, String> {
    grind::calibrate();
    let runtime = build_runtime(plan)?;
    let shared = Shared::new(plan.lanes, plan.work.is_some());
    let folder = Folder::for_plan(plan)?;
    let supervisor = supervise(plan, &shared, folder.as_ref());
    shared.daemons.get_or_init(|| supervisor.live_report());
    let mut host = Host { plan, shared: &shared, low_depths: Vec::new() };
    let report = runtime.block_on(host.run(supervisor))?;
    let (metrics, low_depths) = (runtime.metrics(), host.low_depths);
    let shutdown = runtime.shutdown(GRACE).err();
    Ok(Outcome { report, metrics, shared, names: plan.names.clone(), low_depths, shutdown })
}

fn build_runtime(plan: &Plan) -> Result<Runtime, String> {
    let mut builder = Runtime::builder();
    if let Some(high) = plan.high {
        builder = builder.with_high_num(high);
    }
    if let Some(low) = plan.low {
        builder = builder.with_low_num(low);
    }
    builder.build().map_err(|error| one_line(&error))
}

/// The folder that is watched: the user's, or one of our own.
enum Folder {
    Users(PathBuf),
    Ours(TemporaryFolder),
}

impl Folder {
    fn for_plan(plan: &Plan) -> Result<Option<Self>, String> {
        match (&plan.watch, plan.names.contains(&Name::Watch)) {
            (_, false) => Ok(None),
            (Some(path), true) => Ok(Some(Self::Users(path.clone()))),
            (None, true) => TemporaryFolder::create().map(|folder| Some(Self::Ours(folder))),
        }
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::Users(path) => path.clone(),
            Self::Ours(folder) => folder.path().to_owned(),
        }
    }

    /// Where the sampler may write: not into the user's folder.
    fn for_samples(&self) -> Option<PathBuf> {
        matches!(self, Self::Ours(_)).then(|| self.path())
    }
}

/// Adds the daemons in the order of their names: each after what it needs.
fn supervise(plan: &Plan, shared: &Arc<Shared>, folder: Option<&Folder>) -> Supervisor {
    let backoff = Backoff::new(FIRST_BACKOFF, LONGEST_BACKOFF).unwrap_or_default();
    let supervisor = Supervisor::new()
        .backoff(backoff)
        .stop_limit(plan.grace)
        .on_failure(|failure| eprintln!("{failure}"));
    let has_page = plan.names.contains(&Name::Http);
    let any_port = SocketAddr::new(plan.listen.ip(), 0);
    let shared = || Arc::clone(shared);
    plan.names.iter().fold(supervisor, |supervisor, name| match name {
        Name::Echo => {
            supervisor.daemon(Echo::new(if has_page { any_port } else { plan.listen }, shared()))
        }
        Name::Http => supervisor.daemon(Http::new(plan.listen, shared())),
        Name::Watch => match folder {
            Some(folder) => supervisor.daemon(Watch::new(shared(), folder.path())),
            None => supervisor,
        },
        Name::Sampler => {
            let folder = folder.and_then(Folder::for_samples);
            supervisor.daemon(Sampler::new(shared(), folder))
        }
        Name::Traffic => {
            supervisor.daemon(Traffic::new(shared(), plan.work.map(|work| work.requests)))
        }
        Name::Grind => supervisor.daemon(Grind::new(shared(), plan.work.map(|work| work.pieces))),
        Name::Flaky => supervisor.daemon(Flaky::default()),
    })
}

/// Sees to it while they run.
struct Host<'a> {
    plan: &'a Plan,
    shared: &'a Arc<Shared>,
    low_depths: Vec<u64>,
}

impl Host<'_> {
    async fn run(&mut self, supervisor: Supervisor) -> Result<Report, String> {
        let shutdown = CancellationToken::new();
        stop_on_signals(&shutdown).map_err(|error| format!("cannot wait for signals: {error}"))?;
        let mut running = spawn_task!(supervisor.run(shutdown.clone()), Priority::High);
        let mut lines = lines::Lines::new(self.shared, &self.plan.names);
        let every = if self.plan.work.is_some() { LOOK_EVERY } else { LINE_EVERY };
        let started = Instant::now();
        let mut next_look = started + every;
        loop {
            let wake_at = match self.plan.end {
                End::After(time) if !self.by_work() => next_look.min(started + time),
                _ => next_look,
            };
            let look = async {
                time::sleep_until(wake_at).await;
                None
            };
            if let Some(ended) = or(async { Some((&mut running).await) }, look).await {
                return ended.map_err(|error: StartError| one_line(&error));
            }
            if Instant::now() >= next_look {
                next_look += every;
                self.look(&mut lines);
            }
            if self.is_over(started) {
                shutdown.cancel();
            }
        }
    }

    fn by_work(&self) -> bool {
        self.plan.work.is_some()
    }

    fn look(&mut self, lines: &mut lines::Lines<'_>) {
        let metrics = waterwheel::Handle::current().metrics();
        match self.plan.work {
            None => lines::say(lines.next(&metrics)),
            Some(work) if self.shared.requests_answered.get() < work.requests => {
                self.low_depths.push(metrics.lane(Priority::Low).queue_depth);
            }
            Some(_) => {}
        }
    }

    fn is_over(&self, started: Instant) -> bool {
        let Some(daemons) = self.shared.daemons.get().filter(|_| self.by_work()) else {
            return matches!(self.plan.end, End::After(time) if started.elapsed() >= time);
        };
        let report = daemons.snapshot();
        let finished = |name| report.get(name).is_none_or(|d| d.state == State::Finished);
        finished("traffic") && finished("grind")
    }
}

/// Ends the run in good order at the first Ctrl-C or SIGTERM, and at once at the next.
fn stop_on_signals(shutdown: &CancellationToken) -> io::Result<()> {
    for (signal, exit_code) in
        [(signal::ctrl_c()?, EXIT_INTERRUPTED), (signal::terminate()?, EXIT_TERMINATED)]
    {
        spawn_task!(stop_on(signal, shutdown.clone(), exit_code), Priority::High).detach();
    }
    Ok(())
}

async fn stop_on(
    mut signal: Signal,
    shutdown: CancellationToken,
    exit_code: i32,
) -> io::Result<Infallible> {
    signal.recv().await?;
    if !shutdown.is_cancelled() {
        lines::say("stopping; once more to exit at once");
        shutdown.cancel();
        signal.recv().await?;
    }
    std::process::exit(exit_code)
}

/// Listens, or says where it could not.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BoxError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| format!("cannot listen on {address}: {error}").into())
}

/// An error and its sources on one line.
fn one_line(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
