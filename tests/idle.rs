//! Idle: a runtime without work sleeps, every thread of it, and one wake-up is enough to end that.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::collections::BTreeMap;
use std::future::{pending, ready};
use std::sync::mpsc;
use std::time::Duration;

use common::child::in_child;
use common::probes::{Counted, StoreWaker};
use common::{LIMIT, eventually, occupy, runtime, within};
use waterwheel::{Metrics, Priority, Runtime, block_on};

/// What a thread has used so far: nanoseconds of processor time, and times it went to sleep.
type Usage = (u64, u64);

/// The usage of each thread whose name begins so, and whether all of them sleep.
fn usage(prefix: &str) -> (BTreeMap<String, Usage>, bool) {
    let mut threads = BTreeMap::new();
    let mut all_sleep = true;
    for entry in std::fs::read_dir("/proc/self/task").expect("Linux lists them") {
        let path = entry.expect("an entry can be read").path();
        let read = |file: &str| std::fs::read_to_string(path.join(file)).unwrap_or_default();
        if !read("comm").starts_with(prefix) {
            continue;
        }
        let (status, schedstat) = (read("status"), read("schedstat"));
        if status.is_empty() || schedstat.is_empty() {
            continue; // It has ended since it was listed.
        }
        let field = |name: &str| {
            status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim()
        };
        all_sleep &= field("State:").starts_with('S');
        let sleeps = field("voluntary_ctxt_switches:").parse().expect("it is a number");
        let nanos = schedstat.split(' ').next().and_then(|n| n.parse().ok());
        threads.insert(path.display().to_string(), (nanos.expect("it is a number"), sleeps));
    }
    (threads, all_sleep)
}

/// Waits until all threads of `runtime` sleep and nothing is counted any more.
fn settle(runtime: &Runtime, prefix: &str) -> (BTreeMap<String, Usage>, Metrics) {
    let mut before = (usage(prefix).0, runtime.metrics());
    let mut same = 0;
    eventually("it comes to rest", || {
        let (threads, all_sleep) = usage(prefix);
        let now = (threads, runtime.metrics());
        same = if all_sleep && now == before { same + 1 } else { 0 };
        before = now;
        same == 100
    });
    before
}

/// The only way to see that nothing happens for a while is to let the while pass.
fn let_pass(time: Duration) {
    let (_sender, receiver) = mpsc::channel::<()>();
    assert!(receiver.recv_timeout(time).is_err(), "nobody sends");
}

#[test]
fn an_idle_runtime_uses_no_processor_and_no_thread_of_it_wakes() {
    /// For the whole second; the reading of the counters is not free of noise.
    const MOST_NANOS: u64 = 5_000_000;
    const MOST_SLEEPS: u64 = 10;
    let name = "an_idle_runtime_uses_no_processor_and_no_thread_of_it_wakes";
    let child = in_child(name, None, || {
        let builder = Runtime::builder().with_high_num(2).with_low_num(2).thread_name("idle");
        let runtime = builder.build().expect("it can be built");
        // All there is that might tick: a reserve, a watchdog and what it starts, a blocking thread,
        // timers, sockets, tasks.
        let hold = occupy(runtime.handle(), 4);
        eventually("it is noticed", || runtime.metrics().lane(Priority::Low).slow_polls == 4);
        block_on(runtime.handle().spawn_with(ready(()), Priority::High));
        drop(hold);
        block_on(runtime.handle().spawn_blocking(|| ()));
        let counted = Counted::new();
        for _ in 0..100 {
            runtime.handle().spawn(counted.of(pending::<()>())).detach();
            let far = async { waterwheel::time::sleep(Duration::from_secs(3_600)).await };
            runtime.handle().spawn(far).detach();
        }
        let listens = async {
            let listener = waterwheel::net::TcpListener::bind("127.0.0.1:0").await;
            listener.expect("the system finds a port").accept().await.expect("nobody connects");
        };
        runtime.handle().spawn(listens).detach();
        eventually("they have been polled", || counted.polls() == 100);
        // Three tries: a busy machine may count a thread's last moment into the second.
        let mut seen = Vec::new();
        let is_idle = (0..3).any(|_| {
            let (before, metrics) = settle(&runtime, "idle-");
            assert!(before.len() >= 6, "four workers, the reserve, a blocking thread");
            let_pass(Duration::from_secs(1));
            let (after, _) = usage("idle-");
            let nanos: u64 = after.iter().map(|(k, v)| v.0 - before[k].0).sum();
            let sleeps: u64 = after.iter().map(|(k, v)| v.1 - before[k].1).sum();
            seen.push((nanos, sleeps));
            nanos <= MOST_NANOS && sleeps <= MOST_SLEEPS && runtime.metrics() == metrics
        });
        assert!(is_idle, "nanoseconds and sleeps in a second: {seen:?}");
        assert_eq!(counted.polls(), 100, "a task that was not woken is not polled");
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn a_sleeping_runtime_starts_a_task_of_either_lane_at_one_wake_up() {
    within(LIMIT, || {
        for (high, low) in [(1, 1), (0, 1), (1, 0), (2, 2)] {
            let runtime = runtime(high, low);
            for n in 0..500 {
                let lane = if n % 2 == 0 { Priority::High } else { Priority::Low };
                // Every worker has been asleep at least once more than there are tasks so far.
                let parks = runtime.metrics().parks();
                assert_eq!(block_on(runtime.handle().spawn_with(ready(n), lane)), n);
                if n % 10 == 0 {
                    eventually("a worker sleeps again", || runtime.metrics().parks() > parks);
                }
            }
        }
    });
}

#[test]
fn a_wake_up_from_outside_reaches_a_task_of_a_sleeping_runtime() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        for _ in 0..500 {
            let store = StoreWaker::new();
            let task = runtime.handle().spawn(store.clone());
            eventually("it waits", || store.waker().is_some());
            store.finish();
            block_on(task);
        }
    });
}

#[test]
fn a_single_task_wakes_no_more_workers_than_it_needs() {
    const TASKS: u64 = 1_000;
    within(LIMIT, || {
        let runtime = runtime(0, 8);
        eventually("all sleep", || runtime.metrics().parks() >= 8);
        let before = runtime.metrics().parks();
        for n in 0..TASKS {
            block_on(runtime.handle().spawn(ready(n)));
        }
        // One worker, and a second one that looks for more work or takes the driver.
        let parks = runtime.metrics().parks() - before;
        assert!(parks <= 3 * TASKS, "{parks} sleeps for {TASKS} tasks");
    });
}

#[test]
fn more_workers_than_cores_by_far_come_to_rest() {
    let child = in_child("more_workers_than_cores_by_far_come_to_rest", None, || {
        let builder = Runtime::builder().with_high_num(32).with_low_num(32).thread_name("many");
        let runtime = builder.build().expect("it can be built");
        let tasks: Vec<_> =
            (0..1_000).map(|_| runtime.handle().spawn(waterwheel::yield_now())).collect();
        tasks.into_iter().for_each(block_on);
        let (threads, _) = settle(&runtime, "many-");
        assert!(threads.len() >= 64);
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn the_hooks_around_a_sleep_may_block_and_spawn() {
    within(LIMIT, || {
        let left = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(20));
        let hook = || {
            let left = std::sync::Arc::clone(&left);
            move || {
                use std::sync::atomic::Ordering;
                // Only so often: what it spawns keeps the worker from its sleep.
                if left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                    .is_ok()
                {
                    block_on(waterwheel::yield_now());
                    waterwheel::block_in_place(std::thread::yield_now);
                    waterwheel::spawn_task!(ready(())).detach();
                }
            }
        };
        let builder = Runtime::builder().with_high_num(1).with_low_num(1);
        let builder = builder.on_thread_park(hook()).on_thread_unpark(hook());
        let runtime = builder.build().expect("it can be built");
        eventually("the hooks have been called often enough", || {
            assert_eq!(block_on(runtime.handle().spawn(ready(1))), 1);
            left.load(std::sync::atomic::Ordering::SeqCst) == 0
        });
        runtime.shutdown(LIMIT).expect("nothing is stuck");
    });
}
