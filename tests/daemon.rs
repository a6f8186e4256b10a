//! What a supervisor does with its daemons: order, restart, back-off, stop, report.
//!
//! Tests wait for events. What has to do with time runs on the paused clock; the only real time is
//! the watchdog's.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::thread::{self, ThreadId};
use std::time::Duration;

use waterwheel::daemon::{
    Backoff, BoxError, Daemon, Failure, FailureKind, Report, StartError, State, Supervisor,
};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::sync::CancellationToken;
use waterwheel::{Priority, Runtime, Task, spawn_task, time};

/// How long an event may take before the test is called hung.
const WATCHDOG: Duration = Duration::from_secs(60);
/// Long enough that no test runs into it by accident.
const NEVER: Duration = Duration::from_secs(100_000);
const MS: Duration = Duration::from_millis(1);

type End = Result<(), BoxError>;
type Run =
    Box<dyn Fn(u32, CancellationToken) -> Pin<Box<dyn Future<Output = End> + Send>> + Send + Sync>;

/// A daemon that does at its n-th run (from 1) what a closure says.
struct Scripted {
    name: &'static str,
    prepared: Mutex<Option<End>>,
    on_prepare: Box<dyn Fn() + Send + Sync>,
    runs: AtomicU32,
    run: Run,
}

fn scripted<F, Fut>(name: &'static str, run: F) -> Scripted
where
    F: Fn(u32, CancellationToken) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = End> + Send + 'static,
{
    Scripted {
        name,
        prepared: Mutex::new(Some(Ok(()))),
        on_prepare: Box::new(|| {}),
        runs: AtomicU32::new(0),
        run: Box::new(move |n, shutdown| Box::pin(run(n, shutdown))),
    }
}

/// A daemon that runs until it is asked to stop.
fn steady(name: &'static str) -> Scripted {
    scripted(name, |_, shutdown| async move {
        shutdown.cancelled().await;
        Ok(())
    })
}

impl Scripted {
    fn on_prepare(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_prepare = Box::new(f);
        self
    }

    fn prepared(self, end: End) -> Self {
        *self.prepared.lock().expect("not poisoned") = Some(end);
        self
    }
}

impl Daemon for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    async fn prepare(&self) -> End {
        (self.on_prepare)();
        self.prepared.lock().expect("not poisoned").take().expect("prepared once")
    }

    async fn run(&self, shutdown: CancellationToken) -> End {
        let n = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        (self.run)(n, shutdown).await
    }
}

/// A runtime with a supervisor at work on it.
struct Host {
    runtime: Runtime,
    shutdown: CancellationToken,
    supervisor: Option<Task<Result<Report, StartError>>>,
    failures: flume::Receiver<Failure>,
}

impl Host {
    fn start(supervisor: Supervisor) -> Self {
        Self::start_on(Runtime::builder().build().expect("a default runtime"), supervisor)
    }

    fn start_paused(supervisor: Supervisor) -> Self {
        let runtime = Runtime::builder().start_paused(true).build();
        Self::start_on(runtime.expect("a paused runtime"), supervisor)
    }

    fn start_on(runtime: Runtime, supervisor: Supervisor) -> Self {
        let shutdown = CancellationToken::new();
        let (sender, failures) = flume::unbounded();
        let supervisor = supervisor.on_failure(move |failure| {
            let _ = sender.send(failure.clone());
        });
        let running = supervisor.run(shutdown.clone());
        let supervisor = Some(runtime.handle().spawn_with(running, Priority::High));
        Self { runtime, shutdown, supervisor, failures }
    }

    /// Waits until the supervisor has come to an end by itself.
    fn wait(&mut self) -> Result<Report, StartError> {
        let supervisor = self.supervisor.take().expect("it ends once");
        let (sender, ended) = flume::bounded(1);
        let watched = async move { sender.send(supervisor.outcome().await) };
        self.runtime.handle().spawn(watched).detach();
        ended.recv_timeout(WATCHDOG).expect("the supervisor ends").expect("and does not panic")
    }

    fn stop(&mut self) -> Report {
        self.shutdown.cancel();
        self.wait().expect("it started")
    }

    fn failure(&self) -> Failure {
        next(&self.failures)
    }

    /// Moves the paused clock on until something comes.
    fn advance_until<T>(&self, events: &flume::Receiver<T>) -> T {
        let _in_runtime = self.runtime.handle().enter();
        for _ in 0..WATCHDOG.as_millis() {
            time::advance(10 * MS);
            // Not a pause but the event itself: it comes, or the clock has to go on.
            if let Ok(event) = events.recv_timeout(MS) {
                return event;
            }
        }
        panic!("nothing came, however late it got");
    }
}

fn next<T>(events: &flume::Receiver<T>) -> T {
    events.recv_timeout(WATCHDOG).expect("an event comes")
}

fn state(report: &Report, name: &str) -> State {
    report.get(name).expect("the daemon is in the report").state
}

/// A back-off so short that a test does not notice it.
fn impatient() -> Backoff {
    Backoff::new(Duration::from_micros(1), MS).expect("valid").healthy_after(NEVER)
}

#[test]
fn daemons_are_prepared_in_order_before_any_runs_and_stopped_in_reverse() {
    let (log, events) = flume::unbounded();
    let daemon = |name: &'static str| {
        let (prepare, run) = (log.clone(), log.clone());
        scripted(name, move |_, shutdown| {
            let log = run.clone();
            async move {
                log.send(("run", name))?;
                shutdown.cancelled().await;
                log.send(("stop", name))?;
                Ok(())
            }
        })
        .on_prepare(move || prepare.send(("prepare", name)).expect("the test listens"))
    };
    let supervisor = Supervisor::new().daemon(daemon("a")).daemon(daemon("b")).daemon(daemon("c"));
    let mut host = Host::start(supervisor);

    let prepared: Vec<_> = (0..3).map(|_| next(&events)).collect();
    assert_eq!(prepared, [("prepare", "a"), ("prepare", "b"), ("prepare", "c")]);
    let mut running: Vec<_> = (0..3).map(|_| next(&events)).collect();
    running.sort_unstable();
    assert_eq!(running, [("run", "a"), ("run", "b"), ("run", "c")]);

    let report = host.stop();
    let stopped: Vec<_> = (0..3).map(|_| next(&events)).collect();
    assert_eq!(stopped, [("stop", "c"), ("stop", "b"), ("stop", "a")]);
    let names: Vec<_> = report.daemons().iter().map(|daemon| &*daemon.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(report.daemons().iter().all(|d| d.state == State::Stopped && d.starts == 1));
}

#[test]
fn an_error_and_a_panic_are_restarted_alike_and_the_others_are_left_alone() {
    let (up, is_up) = flume::bounded(1);
    let unsteady = scripted("unsteady", move |n, shutdown| {
        let up = up.clone();
        async move {
            match n {
                1 => Err("first fall".into()),
                2 => panic!("second fall"),
                _ => {
                    up.send(())?;
                    shutdown.cancelled().await;
                    Ok(())
                }
            }
        }
    });
    let supervisor = Supervisor::new().backoff(impatient()).daemon(steady("rock")).daemon(unsteady);
    let mut host = Host::start(supervisor);

    let (first, second) = (host.failure(), host.failure());
    assert_eq!((first.kind, &*first.message), (FailureKind::Error, "first fall"));
    assert_eq!((second.kind, &*second.message), (FailureKind::Panic, "second fall"));
    assert!(first.restart_in.is_some() && second.restart_in.is_some());
    next(&is_up);

    let report = host.stop();
    let unsteady = report.get("unsteady").expect("it was added");
    assert_eq!((unsteady.starts, unsteady.restarts(), unsteady.state), (3, 2, State::Stopped));
    assert_eq!(unsteady.last_error.as_deref(), Some("second fall"));
    let rock = report.get("rock").expect("it was added");
    assert_eq!((rock.starts, rock.last_error.as_deref()), (1, None));
    assert_eq!(report.restarts(), 2);
}

#[test]
fn a_daemon_that_ends_well_is_finished_and_not_restarted() {
    let (done, finished) = flume::bounded(1);
    let brief = scripted("brief", move |_, _| {
        let done = done.clone();
        async move { Ok(done.send(())?) }
    });
    let mut host = Host::start(Supervisor::new().daemon(brief).daemon(steady("rock")));
    next(&finished);
    let report = host.stop();
    assert_eq!(report.get("brief").map(|d| d.starts), Some(1));
    assert_eq!(state(&report, "rock"), State::Stopped);
}

#[test]
fn a_supervisor_ends_when_all_daemons_have_finished() {
    let brief = |name| scripted(name, |_, _| async { Ok(()) });
    let report = Host::start(Supervisor::new().daemon(brief("a")).daemon(brief("b"))).wait();
    let report = report.expect("it started");
    assert_eq!((state(&report, "a"), state(&report, "b")), (State::Finished, State::Finished));

    let empty = Host::start(Supervisor::new()).wait().expect("it started");
    assert_eq!(empty.daemons(), []);
}

#[test]
fn if_one_cannot_be_prepared_nobody_runs_and_later_ones_are_not_prepared() {
    let (log, events) = flume::unbounded();
    let daemon = |name: &'static str| {
        let (prepare, run) = (log.clone(), log.clone());
        scripted(name, move |_, _| {
            let log = run.clone();
            async move { Ok(log.send(("run", name))?) }
        })
        .on_prepare(move || prepare.send(("prepare", name)).expect("the test listens"))
    };
    let supervisor = Supervisor::new()
        .daemon(daemon("a"))
        .daemon(daemon("b").prepared(Err("no port".into())))
        .daemon(daemon("c"));
    let error = Host::start(supervisor).wait().expect_err("b cannot be prepared");
    assert_eq!(error.to_string(), "cannot prepare daemon `b`");
    let source = std::error::Error::source(&error).expect("it has a cause");
    assert_eq!(source.to_string(), "no port");
    let seen: Vec<_> = events.drain().collect();
    assert_eq!(seen, [("prepare", "a"), ("prepare", "b")]);
}

#[test]
fn a_panic_while_preparing_is_an_error_with_its_message() {
    let daemon = steady("a").on_prepare(|| panic!("no legs"));
    match Host::start(Supervisor::new().daemon(daemon)).wait() {
        Err(StartError::PrepareFailed { daemon, source }) => {
            assert_eq!((&*daemon, &*source.to_string()), ("a", "no legs"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_daemons_of_one_name_are_refused_before_anything_is_prepared() {
    let (log, events) = flume::unbounded();
    let twin = || {
        let log = log.clone();
        steady("twin").on_prepare(move || log.send(()).expect("the test listens"))
    };
    let refused = Host::start(Supervisor::new().daemon(twin()).daemon(twin())).wait();
    assert!(matches!(refused, Err(StartError::DuplicateName(name)) if name == "twin"));
    assert!(events.is_empty());
}

#[test]
fn a_shutdown_before_the_start_starts_nothing() {
    let runtime = Runtime::builder().build().expect("a default runtime");
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let report = runtime.block_on(Supervisor::new().daemon(steady("a")).run(shutdown));
    let report = report.expect("nothing was wrong");
    let a = report.get("a").expect("it was added");
    assert_eq!((a.state, a.starts), (State::Idle, 0));
}

/// Tells when it is dropped.
struct Dropped(flume::Sender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn a_daemon_that_does_not_stop_is_cancelled_after_its_limit_and_named() {
    let (started, starts) = flume::bounded(1);
    let (dropped, drops) = flume::bounded(1);
    let (stopping, stops) = flume::bounded(1);
    let deaf = scripted("deaf", move |_, shutdown| {
        let (started, guard) = (started.clone(), Dropped(dropped.clone()));
        let stopping = stopping.clone();
        async move {
            let _guard = guard;
            started.send(())?;
            shutdown.cancelled().await;
            stopping.send(())?;
            pending().await
        }
    });
    let supervisor = Supervisor::new()
        .stop_limit(Duration::from_secs(1))
        .daemon(steady("below"))
        .daemon(deaf)
        .daemon(steady("above"));
    let mut host = Host::start_paused(supervisor);
    next(&starts);
    host.shutdown.cancel();
    next(&stops);
    assert!(drops.is_empty(), "its second has not begun to pass");
    host.advance_until(&drops);
    let report = host.wait().expect("it started");
    assert_eq!(state(&report, "deaf"), State::Cancelled);
    assert_eq!(
        (state(&report, "above"), state(&report, "below")),
        (State::Stopped, State::Stopped)
    );
}

#[test]
fn a_daemon_stuck_in_a_poll_is_left_behind_and_the_others_stop() {
    let (started, starts) = flume::bounded(1);
    let stuck = Arc::new(Barrier::new(2));
    let release = Arc::clone(&stuck);
    let rude = scripted("rude", move |_, shutdown| {
        let (started, stuck) = (started.clone(), Arc::clone(&stuck));
        async move {
            started.send(())?;
            shutdown.cancelled().await;
            stuck.wait(); // blocks its worker, which no runtime can help
            Ok(())
        }
    });
    let supervisor = Supervisor::new().stop_limit(MS).daemon(steady("polite")).daemon(rude);
    // Two workers for each lane: one is lost for the time being.
    let runtime = Runtime::builder().with_high_num(2).with_low_num(2).build().expect("4 workers");
    let mut host = Host::start_on(runtime, supervisor);
    next(&starts);
    let report = host.stop();
    release.wait();
    assert_eq!((state(&report, "rude"), state(&report, "polite")), (State::Stuck, State::Stopped));
}

#[test]
fn a_stop_does_not_wait_for_a_back_off() {
    let never = Backoff::new(NEVER, NEVER).expect("valid");
    let down = scripted("down", |_, _| async { Err("broken".into()) });
    let supervisor = Supervisor::new().backoff(never).daemon(down);
    let live = supervisor.live_report();
    let mut host = Host::start(supervisor);
    let failure = host.failure();
    assert!(failure.restart_in >= Some(NEVER / 2));
    assert_eq!(state(&live.snapshot(), "down"), State::Restarting);
    let report = host.stop();
    assert_eq!((state(&report, "down"), report.restarts()), (State::Failed, 0));
}

#[test]
fn a_failure_on_the_way_out_is_reported_and_not_restarted() {
    let (started, starts) = flume::bounded(1);
    let clumsy = scripted("clumsy", move |_, shutdown| {
        let started = started.clone();
        async move {
            started.send(())?;
            shutdown.cancelled().await;
            panic!("tripped over the doorstep")
        }
    });
    let mut host = Host::start(Supervisor::new().backoff(impatient()).daemon(clumsy));
    next(&starts);
    let report = host.stop();
    let failure = host.failure();
    assert_eq!((failure.kind, failure.restart_in), (FailureKind::Panic, None));
    let clumsy = report.get("clumsy").expect("it was added");
    assert_eq!((clumsy.state, clumsy.starts), (State::Failed, 1));
    assert_eq!(clumsy.last_error.as_deref(), Some("tripped over the doorstep"));
}

#[test]
fn waits_grow_to_the_cap_and_no_restart_comes_early() {
    let policy = Backoff::new(100 * MS, 1000 * MS).expect("valid").healthy_after(NEVER);
    let (started, starts) = flume::unbounded();
    let hopeless = scripted("hopeless", move |_, _| {
        let started = started.clone();
        async move {
            started.send(time::now())?;
            Err("again".into())
        }
    });
    let host = Host::start_paused(Supervisor::new().backoff(policy).daemon(hopeless));
    let mut last_start = next(&starts);
    for ceiling in [100, 200, 400, 800, 1000, 1000] {
        let wait = host.failure().restart_in.expect("it is restarted");
        assert!((ceiling * MS / 2..=ceiling * MS).contains(&wait), "{wait:?} of {ceiling} ms");
        let start = host.advance_until(&starts);
        assert!(start - last_start >= wait, "{:?} is early", start - last_start);
        last_start = start;
    }
}

#[test]
fn a_healthy_run_makes_the_next_failure_a_first_one() {
    let hour = Duration::from_secs(3600);
    let policy = Backoff::new(MS, 1000 * MS).expect("valid").healthy_after(hour);
    let (started, starts) = flume::unbounded();
    let fail = Arc::new(Mutex::new(CancellationToken::new()));
    let fail_now = Arc::clone(&fail);
    let moody = scripted("moody", move |_, _| {
        let started = started.clone();
        let now = fail_now.lock().expect("not poisoned").clone();
        async move {
            started.send(())?;
            now.cancelled().await;
            Err("in a mood".into())
        }
    });
    let host = Host::start_paused(Supervisor::new().backoff(policy).daemon(moody));
    next(&starts);
    let waits = [false, false, false, false, true, false].map(|healthy| {
        if healthy {
            let _in_runtime = host.runtime.handle().enter();
            time::advance(hour);
        }
        let fresh = CancellationToken::new();
        std::mem::replace(&mut *fail.lock().expect("not poisoned"), fresh).cancel();
        let failure = host.failure();
        assert_eq!(failure.ran_for >= hour, healthy);
        host.advance_until(&starts);
        failure.restart_in.expect("it is restarted")
    });
    assert!(waits[3] >= 4 * MS, "the fourth failure: between 4 and 8 ms");
    assert!(waits[4] <= MS, "the first after a healthy run: at most 1 ms");
    assert!(waits[5] <= 2 * MS, "and the second");
}

#[test]
fn a_hook_that_panics_does_not_disturb_the_supervision() {
    let runtime = Runtime::builder().build().expect("a default runtime");
    let unsteady =
        scripted("unsteady", |n, _| async move { if n < 4 { Err("fell".into()) } else { Ok(()) } });
    let supervisor = Supervisor::new()
        .backoff(impatient())
        .on_failure(|_| panic!("the hook fell, too"))
        .daemon(unsteady);
    let report = runtime.block_on(supervisor.run(CancellationToken::new())).expect("it started");
    let unsteady = report.get("unsteady").expect("it was added");
    assert_eq!((unsteady.state, unsteady.restarts()), (State::Finished, 3));
}

#[test]
fn dropping_the_supervisor_cancels_its_daemons() {
    let (started, starts) = flume::bounded(1);
    let (dropped, drops) = flume::bounded(1);
    let endless = scripted("endless", move |_, _| {
        let (started, guard) = (started.clone(), Dropped(dropped.clone()));
        async move {
            let _guard = guard;
            started.send(())?;
            pending().await
        }
    });
    let mut host = Host::start(Supervisor::new().daemon(endless));
    next(&starts);
    drop(host.supervisor.take());
    next(&drops);
}

#[test]
fn each_daemon_runs_in_the_lane_it_asks_for() {
    struct Lane(Priority, flume::Sender<ThreadId>);
    impl Daemon for Lane {
        fn name(&self) -> &str {
            if self.0 == Priority::High { "urgent" } else { "patient" }
        }

        fn priority(&self) -> Priority {
            self.0
        }

        async fn run(&self, _: CancellationToken) -> End {
            Ok(self.1.send(thread::current().id())?)
        }
    }
    // One worker a lane, and neither helps the other: Low tasks run on one thread only.
    let runtime = Runtime::builder()
        .with_high_num(1)
        .with_low_num(1)
        .with_stealing(Priority::High, false)
        .with_stealing(Priority::Low, false)
        .build()
        .expect("two workers");
    let low_worker = runtime.block_on(runtime.handle().spawn(async { thread::current().id() }));
    for (lane, on_low_worker) in [(Priority::Low, true), (Priority::High, false)] {
        let (ran, runs) = flume::bounded(1);
        let supervisor = Supervisor::new().daemon(Lane(lane, ran));
        runtime.block_on(supervisor.run(CancellationToken::new())).expect("it started");
        assert_eq!(next(&runs) == low_worker, on_low_worker, "{lane}");
    }
}

/// Its methods promise futures that are `Send`, so those of the sockets must be, in any context.
#[test]
fn a_daemon_may_bind_while_it_is_prepared_and_connect_while_it_runs() {
    #[derive(Default)]
    struct Caller(OnceLock<TcpListener>);
    impl Daemon for Caller {
        fn name(&self) -> &str {
            "caller"
        }

        async fn prepare(&self) -> End {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            self.0.get_or_init(|| listener);
            Ok(())
        }

        async fn run(&self, _: CancellationToken) -> End {
            let listener = self.0.get().expect("it has been prepared");
            TcpStream::connect(listener.local_addr()?).await?;
            listener.accept().await?;
            Ok(())
        }
    }
    let report = Host::start(Supervisor::new().daemon(Caller::default())).wait();
    assert_eq!(state(&report.expect("it started"), "caller"), State::Finished);
}

#[test]
fn a_daemon_may_end_its_own_supervisor() {
    let shutdown = CancellationToken::new();
    let (ours, runtime) = (shutdown.clone(), Runtime::builder().build().expect("a runtime"));
    let last_straw = scripted("last straw", move |_, _| {
        ours.cancel();
        async { Ok(()) }
    });
    let supervisor = Supervisor::new().daemon(steady("rock")).daemon(last_straw);
    let task = runtime.handle().spawn(async { spawn_task!(supervisor.run(shutdown)).await });
    let report = runtime.block_on(task).expect("it started");
    assert_eq!(state(&report, "rock"), State::Stopped);
}

#[test]
fn a_report_is_a_table_for_people() {
    let mut host =
        Host::start(Supervisor::new().daemon(scripted("brief", |_, _| async { Ok(()) })));
    let report = host.wait().expect("it started").to_string();
    let lines: Vec<_> =
        report.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(
        lines,
        [
            vec!["daemon", "state", "starts", "restarts", "last", "error"],
            vec!["brief", "finished", "1", "0", "-"],
        ]
    );
}
