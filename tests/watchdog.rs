//! The watchdog: a poll that takes too long is noticed from outside, and nothing starves behind it.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::future::{Future, pending, ready};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use common::child::in_child;
use common::probes::Dropped;
use common::{LIMIT, eventually, receive, within};
use waterwheel::net::{TcpListener, TcpStream};
use waterwheel::{
    BuildError, Handle, Priority, Runtime, ShutdownError, block_in_place, block_on, task, time,
    yield_now,
};

/// Short, so that the tests are; no test fails because a machine is slower.
const SLOW: Duration = Duration::from_millis(4);

/// A runtime that reports its slow polls, as text, and how it was built.
fn reporting(high: usize, low: usize) -> (Runtime, Receiver<task::SlowPoll>) {
    let (sender, reports) = mpsc::channel();
    let runtime = Runtime::builder()
        .with_high_num(high)
        .with_low_num(low)
        .slow_poll_after(SLOW)
        .on_slow_poll(move |slow| sender.send(slow.clone()).unwrap_or(()))
        .build()
        .expect("it can be built");
    (runtime, reports)
}

/// A future that blocks its worker until the sender is dropped.
fn stuck() -> (impl Future<Output = ()> + Send, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel::<()>();
    (async move { released.recv().unwrap_or(()) }, release)
}

/// A runtime with Low workers, that many of which may be replaced.
fn replacing(workers: usize, most: usize) -> Runtime {
    let builder = Runtime::builder().with_high_num(0).with_low_num(workers);
    let builder = builder.slow_poll_after(SLOW).replacement_workers(most);
    builder.thread_keep_alive(Duration::from_millis(1)).build().expect("it can be built")
}

/// Blocks that many workers or replacements, each until its sender is dropped.
fn jam(handle: &Handle, workers: usize) -> Vec<mpsc::Sender<()>> {
    common::occupy(handle, workers)
}

/// Only the workers are left, and the watchdog.
fn calms_down(runtime: &Runtime, workers: usize) {
    eventually("the replacements leave", || {
        let metrics = runtime.metrics();
        metrics.replacements() == 0 && metrics.threads() == workers + 1
    });
}

fn thread_name() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

#[test]
fn a_stuck_worker_is_reported_once_with_name_and_site_and_lane() {
    within(LIMIT, || {
        let (runtime, reports) = reporting(1, 1);
        let (future, release) = stuck();
        let builder = task::Builder::new().name("jammed").priority(Priority::High);
        let line = line!() + 1;
        let jammed = builder.spawn_on(runtime.handle(), future);
        let report = receive(&reports);
        assert_eq!(report.name(), Some("jammed"));
        assert_eq!(report.id(), Some(jammed.id()));
        assert_eq!(report.lane(), Priority::High);
        assert!(report.duration() >= SLOW);
        let site = report.spawn_site().expect("the task lives");
        assert_eq!((site.file(), site.line()), (file!(), line));
        drop(release);
        block_on(jammed);
        // A second slow poll: its report is the next one, so the first was reported once.
        let (future, release) = stuck();
        let second = runtime.handle().spawn(future);
        assert_eq!(receive(&reports).id(), Some(second.id()));
        drop(release);
        block_on(second);
        let metrics = runtime.metrics();
        let counted = Priority::ALL.map(|lane| metrics.lane(lane).slow_polls);
        assert_eq!(counted, [1, 1]);
        assert!(reports.try_recv().is_err());
    });
}

#[test]
fn the_report_tells_how_many_tasks_wait_behind_the_slow_poll() {
    within(LIMIT, || {
        let (runtime, reports) = reporting(0, 1);
        let (future, release) = stuck();
        let handle = runtime.handle().clone();
        let spawner = runtime.handle().spawn(async move {
            (0..7).for_each(|_| handle.spawn(ready(())).detach());
            future.await;
        });
        let report = receive(&reports);
        assert_eq!(report.waiting(), 7, "{report}");
        drop(release);
        block_on(spawner);
    });
}

#[test]
fn a_worker_that_yields_or_sleeps_or_blocks_in_place_is_never_slow() {
    within(LIMIT, || {
        let (runtime, reports) = reporting(1, 1);
        let (future, release) = stuck();
        let blocks = runtime.handle().spawn(async { block_in_place(|| block_on(future)) });
        let (ticks, ticked) = mpsc::channel();
        let sleeps = runtime.handle().spawn(async move {
            for _ in 0..10 {
                time::sleep(SLOW).await;
                ticks.send(()).unwrap_or(());
            }
        });
        while ticked.recv().is_ok() {
            block_on(runtime.handle().spawn(yield_now()));
        }
        block_on(sleeps);
        drop(release);
        block_on(blocks);
        // On a loaded machine a worker may lose its processor between two polls, which looks the same
        // from outside; a worker that blocks in place or sleeps would be reported with that task.
        let slow: Vec<_> = reports.try_iter().collect();
        assert!(slow.iter().all(|slow| slow.duration() < 10 * SLOW), "{slow:?}");
    });
}

#[test]
fn what_waits_behind_a_stuck_worker_is_taken_by_one_that_sleeps() {
    within(LIMIT, || {
        let (runtime, _reports) = reporting(0, 2);
        let (future, release) = stuck();
        let (done, dones) = mpsc::channel();
        let handle = runtime.handle().clone();
        let stuck = runtime.handle().spawn(async move {
            for n in 0..100 {
                let done = done.clone();
                handle.spawn(async move { done.send(n).unwrap_or(()) }).detach();
            }
            drop(done);
            future.await;
        });
        let numbers: std::collections::BTreeSet<i32> = (0..100).map(|_| receive(&dones)).collect();
        assert_eq!(numbers.len(), 100);
        drop(release);
        block_on(stuck);
    });
}

#[test]
fn a_panic_in_the_hook_is_contained_and_the_next_slow_poll_is_reported() {
    within(LIMIT, || {
        let (sender, reports) = mpsc::channel();
        let runtime = Runtime::builder()
            .with_high_num(0)
            .with_low_num(1)
            .slow_poll_after(SLOW)
            .on_slow_poll(move |slow| {
                sender.send(slow.id()).unwrap_or(());
                std::panic::resume_unwind(Box::new("the hook is broken"));
            })
            .build()
            .expect("it can be built");
        for _ in 0..3 {
            let (future, release) = stuck();
            let task = runtime.handle().spawn(future);
            assert_eq!(receive(&reports), Some(task.id()));
            drop(release);
            block_on(task);
        }
    });
}

#[test]
fn a_foreign_waker_that_does_not_return_is_reported_without_a_task() {
    struct Blocks(std::sync::Mutex<Receiver<()>>);
    impl std::task::Wake for Blocks {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.lock().expect("one waits").recv().unwrap_or(());
        }
    }
    within(LIMIT, || {
        let (runtime, reports) = reporting(0, 1);
        let (release, released) = mpsc::channel();
        let waker = std::sync::Arc::new(Blocks(std::sync::Mutex::new(released))).into();
        let guard = runtime.handle().enter();
        let mut sleep = std::pin::pin!(time::sleep(Duration::from_millis(1)));
        let pending = sleep.as_mut().poll(&mut std::task::Context::from_waker(&waker));
        assert!(pending.is_pending());
        drop(guard);
        let report = receive(&reports);
        assert_eq!((report.id(), report.name(), report.spawn_site()), (None, None, None));
        assert!(report.to_string().starts_with("a foreign waker has held worker 0"), "{report}");
        drop(release);
        block_on(runtime.handle().spawn(ready(())));
    });
}

#[test]
fn without_the_hook_a_slow_poll_is_counted_if_nobody_is_left() {
    within(LIMIT, || {
        let builder = Runtime::builder().with_high_num(0).with_low_num(1).slow_poll_after(SLOW);
        let runtime = builder.build().expect("it can be built");
        let (future, release) = stuck();
        let task = runtime.handle().spawn(future);
        eventually("it is counted", || runtime.metrics().lane(Priority::Low).slow_polls == 1);
        drop(release);
        block_on(task);
    });
}

#[test]
fn without_a_limit_there_is_no_watchdog() {
    within(LIMIT, || {
        let runtime = common::unwatched(0, 1);
        let (future, release) = stuck();
        let task = runtime.handle().spawn(future);
        eventually("it is polled", || runtime.metrics().lane(Priority::Low).polls == 1);
        assert_eq!(runtime.metrics().threads(), 1);
        drop(release);
        block_on(task);
    });
}

#[test]
fn a_limit_of_zero_is_refused() {
    let built = Runtime::builder().slow_poll_after(Duration::ZERO).build();
    let error = built.expect_err("every poll would be slow");
    assert!(matches!(error, BuildError::Zero("slow_poll_after")));
    assert_eq!(error.to_string(), "slow_poll_after must be at least 1");
}

#[test]
fn what_waits_behind_a_stuck_worker_is_run_by_a_replacement_which_leaves_afterwards() {
    within(LIMIT, || {
        let runtime = replacing(1, 1);
        for round in 1..=5 {
            let release = jam(runtime.handle(), 1);
            for n in 0..100 {
                let task = runtime.handle().spawn(async move {
                    yield_now().await;
                    (n, thread_name())
                });
                assert_eq!(block_on(task), (n, "waterwheel-replacement".to_owned()));
            }
            assert_eq!(runtime.metrics().replacements_started(), round);
            drop(release);
            calms_down(&runtime, 1);
            let task = runtime.handle().spawn(async { thread_name() });
            assert_eq!(block_on(task), "waterwheel-low-0");
        }
        runtime.shutdown(LIMIT).expect("nothing is stuck");
    });
}

#[test]
fn sockets_and_timers_go_on_while_all_workers_are_stuck() {
    within(LIMIT, || {
        let builder = Runtime::builder().with_high_num(1).with_low_num(1);
        let runtime = builder.slow_poll_after(SLOW).build().expect("it can be built");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let release = jam(runtime.handle(), 2);
        let server = runtime.handle().spawn(async move {
            let (stream, _) = listener.accept().await?;
            time::sleep(Duration::from_millis(1)).await;
            Ok::<_, std::io::Error>(stream)
        });
        let client = runtime.handle().spawn_with(TcpStream::connect(address), Priority::High);
        let client = block_on(client).expect("it is connected");
        let served = block_on(server).expect("it is accepted").peer_addr().expect("it is open");
        assert_eq!(served, client.local_addr().expect("it is open"));
        drop(release);
        calms_down_to(&runtime);
    });
}

/// No replacement is left; the reserve may be.
fn calms_down_to(runtime: &Runtime) {
    eventually("the replacements leave", || runtime.metrics().replacements() == 0);
}

#[test]
fn a_replacement_keeps_the_rules_of_the_home_it_stands_in_for() {
    within(LIMIT, || {
        let builder = Runtime::builder().with_high_num(1).with_low_num(1).slow_poll_after(SLOW);
        let builder = builder.with_stealing(Priority::High, false);
        let runtime = builder.with_stealing(Priority::Low, false).build().expect("it can be built");
        let release = jam(runtime.handle(), 1); // The Low-home worker.
        for _ in 0..20 {
            let low = block_on(runtime.handle().spawn(async { thread_name() }));
            let name = async { thread_name() };
            let high = block_on(runtime.handle().spawn_with(name, Priority::High));
            assert_eq!([&*low, &*high], ["waterwheel-replacement", "waterwheel-high-0"]);
        }
        drop(release);
        calms_down(&runtime, 2);
    });
}

#[test]
fn replacements_are_bounded_and_one_that_is_stuck_is_replaced_too() {
    within(LIMIT, || {
        let runtime = replacing(1, 2);
        // The worker, its replacement, and the replacement of that.
        let mut release = jam(runtime.handle(), 3);
        let (done, dones) = mpsc::channel();
        runtime.handle().spawn(async move { done.send(thread_name()).unwrap_or(()) }).detach();
        eventually("all three are slow", || runtime.metrics().lane(Priority::Low).slow_polls == 3);
        assert_eq!(runtime.metrics().replacements(), 2);
        assert!(dones.try_recv().is_err(), "nobody is left to poll it");
        drop(release.pop());
        assert_eq!(receive(&dones), "waterwheel-replacement");
        drop(release);
        calms_down(&runtime, 1);
        assert_eq!(runtime.metrics().replacements_started(), 2);
    });
}

#[test]
fn without_replacements_what_is_queued_waits_until_the_poll_returns() {
    within(LIMIT, || {
        let runtime = replacing(1, 0);
        let release = jam(runtime.handle(), 1);
        let task = runtime.handle().spawn(async { thread_name() });
        eventually("it is slow", || runtime.metrics().lane(Priority::Low).slow_polls == 1);
        assert!(!task.is_finished());
        drop(release);
        assert_eq!(block_on(task), "waterwheel-low-0");
        assert_eq!(runtime.metrics().replacements_started(), 0);
    });
}

#[test]
fn a_replacement_that_blocks_in_place_hands_its_part_on_and_no_thread_is_lost() {
    within(LIMIT, || {
        let runtime = replacing(1, 1);
        for _ in 0..5 {
            let release = jam(runtime.handle(), 1);
            let (go, gone) = mpsc::channel::<()>();
            let blocks = runtime.handle().spawn(async move {
                block_in_place(|| gone.recv().unwrap_or(()));
                yield_now().await;
            });
            // Polled by whoever has the replacement's part now.
            assert_eq!(block_on(runtime.handle().spawn(ready(1))), 1);
            drop(release);
            eventually("the replacement leaves", || runtime.metrics().replacements() == 0);
            drop(go);
            block_on(blocks);
            calms_down(&runtime, 1);
        }
        runtime.shutdown(LIMIT).expect("nothing is stuck");
    });
}

#[test]
fn a_shutdown_while_a_worker_is_replaced_drops_everything_and_names_the_stuck_one() {
    within(LIMIT, || {
        let runtime = replacing(1, 1);
        let (future, release) = stuck();
        let builder = task::Builder::new().name("jammed");
        let jammed = builder.spawn_on(runtime.handle(), future);
        let dropped = Dropped::default();
        for _ in 0..10 {
            let note = dropped.note();
            let waits = async move {
                let _note = note;
                pending::<()>().await;
            };
            runtime.handle().spawn(waits).detach();
        }
        assert_eq!(block_on(runtime.handle().spawn(ready(1))), 1); // By the replacement.
        let Err(ShutdownError::Stuck(stuck)) = runtime.shutdown(Duration::ZERO) else {
            panic!("one is stuck");
        };
        assert_eq!(stuck.iter().map(|task| task.name()).collect::<Vec<_>>(), [Some("jammed")]);
        assert_eq!(dropped.count(), 10);
        drop(release);
        jammed.detach();
    });
}

#[test]
fn a_stuck_worker_that_returns_during_the_shutdown_is_waited_for() {
    within(LIMIT, || {
        let runtime = replacing(1, 1);
        let release = jam(runtime.handle(), 1);
        let token = runtime.handle().shutdown_token();
        runtime
            .handle()
            .spawn(async move {
                token.cancelled().await; // The replacement polls it: the shutdown has begun.
                drop(release);
            })
            .detach();
        assert_eq!(block_on(runtime.handle().spawn(ready(1))), 1);
        runtime.shutdown(LIMIT).expect("nothing is stuck any more");
    });
}

#[test]
fn a_replacement_that_is_stuck_does_not_outlive_a_shutdown_unnamed() {
    within(LIMIT, || {
        let runtime = replacing(1, 1);
        let release = jam(runtime.handle(), 2);
        let Err(ShutdownError::Stuck(stuck)) = runtime.shutdown(Duration::ZERO) else {
            panic!("two are stuck");
        };
        assert_eq!(stuck.len(), 2);
        drop(release);
    });
}

#[test]
fn a_replacement_that_cannot_be_started_is_counted_and_the_runtime_goes_on() {
    let name = "a_replacement_that_cannot_be_started_is_counted_and_the_runtime_goes_on";
    // Room for the stacks of the worker and of the watchdog, not for a third.
    let child = in_child(name, Some("ulimit -v 2621440"), || {
        let builder = Runtime::builder().with_high_num(0).with_low_num(1).slow_poll_after(SLOW);
        let runtime = builder.thread_stack_size(900 << 20).build().expect("one fits");
        for failed in 1..=3 {
            let release = jam(runtime.handle(), 1);
            let waits = runtime.handle().spawn(ready(1));
            eventually("it has failed", || runtime.metrics().failed_threads() == failed);
            drop(release);
            assert_eq!(block_on(waits), 1);
        }
        assert_eq!(runtime.metrics().replacements(), 0);
        runtime.shutdown(LIMIT).expect("nothing is stuck");
    });
    if let Some(child) = child {
        child.ended_well();
    }
}
