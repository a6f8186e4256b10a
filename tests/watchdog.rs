//! The watchdog: a poll that takes too long is noticed from outside, and nothing starves behind it.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::future::ready;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use common::{LIMIT, eventually, receive, within};
use waterwheel::{BuildError, Priority, Runtime, block_on, task, yield_now};

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
        assert!(report.waiting() >= 6, "{report}"); // One may wait in the LIFO slot.
        drop(release);
        block_on(spawner);
    });
}

#[test]
fn a_worker_that_yields_or_sleeps_or_blocks_in_place_is_never_slow() {
    within(LIMIT, || {
        let (runtime, reports) = reporting(1, 1);
        let (future, release) = stuck();
        let blocks =
            runtime.handle().spawn(async { waterwheel::block_in_place(|| block_on(future)) });
        let (ticks, ticked) = mpsc::channel();
        let sleeps = runtime.handle().spawn(async move {
            for _ in 0..10 {
                waterwheel::time::sleep(SLOW).await;
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
        let mut sleep = std::pin::pin!(waterwheel::time::sleep(Duration::from_millis(1)));
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
