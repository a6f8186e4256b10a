//! Settings: what the builder accepts, what it refuses and in which words, and that a failed build
//! leaves nothing behind.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::collections::BTreeSet;
use std::error::Error;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use common::child::in_child;
use common::{LIMIT, descriptors, eventually, receive, runtime, threads, within};
use waterwheel::{BuildError, Builder, Handle, Priority, Runtime, spawn_task};

fn names_of_threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux lists them");
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .map(|name| name.trim_end().to_owned())
        .collect()
}

fn refused(builder: Builder) -> BuildError {
    builder.build().expect_err("it cannot work")
}

#[test]
fn the_default_has_at_least_one_worker_for_each_lane() {
    within(LIMIT, || {
        let runtime = Runtime::new().build().expect("the defaults work everywhere");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (high, low) =
            (runtime.metrics().workers(Priority::High), runtime.metrics().workers(Priority::Low));
        assert_eq!(high, (cores / 4).max(1));
        assert_eq!(low, cores.saturating_sub(high).max(1));
        for lane in [Priority::High, Priority::Low] {
            assert_eq!(waterwheel::block_on(runtime.handle().spawn_with(ready(1), lane)), 1);
        }
    });
}

#[test]
fn the_default_works_on_one_core() {
    let name = "the_default_works_on_one_core";
    let child = in_child(name, Some("taskset -p 1 $$ >&2"), || {
        assert_eq!(std::thread::available_parallelism().map_or(0, usize::from), 1);
        let runtime = Runtime::new().build().expect("one core is enough");
        assert_eq!(runtime.metrics().workers(Priority::High), 1);
        assert_eq!(runtime.metrics().workers(Priority::Low), 1);
        let tasks: Vec<_> = (0..100)
            .map(|n| {
                let lane = if n % 2 == 0 { Priority::High } else { Priority::Low };
                runtime.handle().spawn_with(waterwheel::yield_now(), lane)
            })
            .collect();
        tasks.into_iter().for_each(waterwheel::block_on);
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn the_numbers_of_workers_are_exact_and_all_are_up_when_build_returns() {
    let name = "the_numbers_of_workers_are_exact_and_all_are_up_when_build_returns";
    let child = in_child(name, None, || {
        for (high, low) in [(3, 2), (1, 0), (0, 1), (0, 4), (4, 0)] {
            let builder = Runtime::builder().with_high_num(high).with_low_num(low);
            let runtime = builder.thread_name("mill").build().expect("it can be built");
            let names: BTreeSet<_> =
                names_of_threads().into_iter().filter(|name| name.starts_with("mill-")).collect();
            let count = |home: &str| names.iter().filter(|name| name.contains(home)).count();
            assert_eq!((count("-high-"), count("-low-")), (high, low), "{names:?}");
            assert_eq!(runtime.metrics().threads(), high + low);
        }
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn the_hooks_are_called_once_for_each_thread_before_build_returns_and_before_it_has_ended() {
    within(LIMIT, || {
        let (started, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let count = |counter: &Arc<AtomicUsize>| {
            let counter = Arc::clone(counter);
            move || {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        };
        let runtime = Runtime::builder()
            .with_high_num(2)
            .with_low_num(3)
            .on_thread_start(count(&started))
            .on_thread_stop(count(&stopped))
            .build()
            .expect("it can be built");
        assert_eq!(started.load(Ordering::SeqCst), 5);
        assert_eq!(stopped.load(Ordering::SeqCst), 0);
        waterwheel::block_on(runtime.handle().spawn_blocking(|| ()));
        assert_eq!(started.load(Ordering::SeqCst), 6);
        drop(runtime);
        assert_eq!(stopped.load(Ordering::SeqCst), 6);
    });
}

#[test]
fn a_runtime_without_workers_is_refused() {
    let error = refused(Runtime::builder().with_high_num(0).with_low_num(0));
    assert!(matches!(error, BuildError::NoWorkers), "{error}");
    let text = error.to_string();
    assert!(text.contains("with_high_num") && text.contains("with_low_num"), "{text}");
}

#[test]
fn a_lane_that_nobody_serves_is_refused_and_one_that_is_stolen_from_is_served() {
    within(LIMIT, || {
        let (high, low) = (Priority::High, Priority::Low);
        for (lane, other, workers) in [(high, low, (0, 1)), (low, high, (1, 0))] {
            let builder = || Runtime::builder().with_high_num(workers.0).with_low_num(workers.1);
            let error = refused(builder().with_stealing(lane, false));
            assert!(matches!(error, BuildError::Unserved(l) if l == lane), "{error}");
            assert!(error.to_string().contains("stealing"), "{error}");
            let runtime = builder().with_stealing(other, false).build().expect("both are served");
            assert_eq!(waterwheel::block_on(runtime.handle().spawn_with(ready(1), lane)), 1);
            assert_eq!(waterwheel::block_on(runtime.handle().spawn_with(ready(2), other)), 2);
        }
    });
}

#[test]
fn absurd_numbers_are_refused_before_anything_is_made() {
    within(LIMIT, || {
        let max = usize::MAX;
        for (high, low) in [(max, 0), (0, max), (max, max), (1024, 1), (100_000, 100_000)] {
            let error = refused(Runtime::builder().with_high_num(high).with_low_num(low));
            assert!(matches!(error, BuildError::TooManyWorkers { most: 1024, .. }), "{error}");
            assert!(error.to_string().contains("at most 1024"), "{error}");
        }
        let error = refused(Runtime::builder().max_blocking_threads(0));
        assert!(matches!(error, BuildError::Zero("max_blocking_threads")), "{error}");
        for parts in [0, 7, 1025, u32::MAX] {
            let error = refused(Runtime::builder().lane_share(parts));
            assert!(error.to_string().contains("from 8 to 1024"), "{error}");
        }
        let error = refused(Runtime::builder().poll_budget(0));
        assert!(matches!(error, BuildError::Zero("poll_budget")), "{error}");
        let runtime = Runtime::builder()
            .with_high_num(0)
            .with_low_num(1)
            .max_blocking_threads(max)
            .thread_keep_alive(Duration::MAX)
            .poll_budget(u32::MAX)
            .build()
            .expect("these are limits, not quantities");
        assert_eq!(waterwheel::block_on(runtime.handle().spawn_blocking(|| 1)), 1);
        drop(runtime);
    });
}

#[test]
fn a_thread_name_with_a_nul_is_refused_and_any_other_works() {
    within(LIMIT, || {
        let error = refused(Runtime::builder().thread_name("mill\0stone"));
        assert!(matches!(error, BuildError::NulInThreadName(4)), "{error}");
        let odd = ["", "Mühlrad 水車", "%s%n%x", &"x".repeat(65_536)].map(str::to_owned);
        for name in odd {
            let builder = Runtime::builder().with_high_num(0).with_low_num(1);
            let runtime = builder.thread_name(name.clone()).build().expect("any other name works");
            let task = runtime.handle().spawn(async {
                std::thread::current().name().expect("workers have names").to_owned()
            });
            assert_eq!(waterwheel::block_on(task), format!("{name}-low-0"));
        }
    });
}

#[test]
fn a_stack_size_that_the_system_refuses_is_an_error_and_a_small_one_works() {
    within(LIMIT, || {
        for bytes in [usize::MAX, usize::MAX / 2] {
            let builder = Runtime::builder().with_high_num(1).with_low_num(1);
            let error = refused(builder.thread_stack_size(bytes));
            assert!(matches!(error, BuildError::Thread { worker: 1, workers: 2, .. }), "{error}");
            assert!(error.source().is_some(), "the system's reason is kept");
        }
        for bytes in [0, 1, 128 * 1024] {
            let builder = Runtime::builder().with_high_num(0).with_low_num(1);
            let runtime = builder.thread_stack_size(bytes.max(64 * 1024)).build();
            let runtime = runtime.expect("the system has a least size of its own");
            assert_eq!(waterwheel::block_on(runtime.handle().spawn(ready(bytes))), bytes);
        }
    });
}

#[test]
fn a_big_stack_is_really_there() {
    fn deep(levels: u32) -> u32 {
        let block = std::hint::black_box([levels; 1024]); // 4 KiB
        if levels == 0 { block[0] } else { deep(levels - 1) + u32::from(block[1] > 0) }
    }
    within(LIMIT, || {
        let builder = Runtime::builder().with_high_num(0).with_low_num(1);
        let runtime = builder.thread_stack_size(64 << 20).build().expect("64 MiB are there");
        // 16 MiB at least: far more than the default stack.
        assert_eq!(waterwheel::block_on(runtime.handle().spawn(async { deep(4_096) })), 4_096);
    });
}

#[test]
fn when_a_later_thread_cannot_be_started_the_earlier_ones_are_gone() {
    let name = "when_a_later_thread_cannot_be_started_the_earlier_ones_are_gone";
    // Some of eight stacks of 1 GiB fit into 4 GiB of addresses.
    let child = in_child(name, Some("ulimit -v 4194304"), || {
        let before = (threads(), descriptors());
        let builder = || Runtime::builder().with_high_num(4).with_low_num(4);
        for _ in 0..3 {
            let error = refused(builder().thread_stack_size(1 << 30));
            let BuildError::Thread { worker, workers: 8, .. } = &error else { panic!("{error}") };
            assert!((2..=8).contains(worker), "{error}");
            let text = format!("the thread of worker {worker} of 8 could not be started");
            assert_eq!(error.to_string(), text);
            assert!(error.source().is_some(), "the system's reason is kept");
            eventually("the kernel has let go of the threads", || threads() == before.0);
            assert_eq!(descriptors(), before.1);
        }
        let runtime = builder().build().expect("with small stacks there is room");
        assert_eq!(waterwheel::block_on(runtime.handle().spawn(ready(1))), 1);
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn without_descriptors_the_driver_is_named_as_the_reason() {
    let name = "without_descriptors_the_driver_is_named_as_the_reason";
    let child = in_child(name, Some("ulimit -n 16"), || {
        let mut kept = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            kept.push(file);
        }
        let error = refused(Runtime::builder().with_high_num(1).with_low_num(1));
        assert!(matches!(error, BuildError::Driver(_)), "{error}");
        assert!(error.source().is_some(), "the system's reason is kept");
        drop(kept);
        let runtime = runtime(1, 1);
        assert_eq!(waterwheel::block_on(runtime.handle().spawn(ready(1))), 1);
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn a_second_process_default_is_refused_and_the_first_one_stays() {
    let name = "a_second_process_default_is_refused_and_the_first_one_stays";
    let child = in_child(name, None, || {
        assert!(Handle::try_current().is_none(), "nothing was started");
        let bad = Runtime::builder().with_high_num(0).with_low_num(0).run();
        assert!(matches!(bad, Err(BuildError::NoWorkers)), "a failed start is a value");
        let builder = Runtime::builder().with_high_num(2).with_low_num(3);
        let first = builder.run().expect("a failed start spoils nothing");
        let second = Runtime::builder().with_high_num(1).with_low_num(1).run();
        let error = second.expect_err("there is one already");
        assert!(matches!(error, BuildError::AlreadyRunning), "{error}");
        assert!(error.to_string().contains("call run() once"), "{error}");
        assert_eq!(first.metrics().workers(Priority::High), 2);
        let handle = Handle::try_current().expect("the default is current everywhere");
        assert_eq!(handle.metrics().workers(Priority::Low), 3);
        assert_eq!(waterwheel::block_on(spawn_task!(ready(1))), 1);
        assert_eq!(first.metrics().tasks_spawned(), 1);
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn spawning_without_a_runtime_starts_the_default_one_and_building_others_still_works() {
    let name = "spawning_without_a_runtime_starts_the_default_one_and_building_others_still_works";
    let child = in_child(name, None, || {
        let meeting = Arc::new(Barrier::new(16));
        let racers: Vec<_> = (0..16)
            .map(|n| {
                let meeting = Arc::clone(&meeting);
                std::thread::spawn(move || {
                    meeting.wait();
                    waterwheel::block_on(spawn_task!(async move { n }))
                })
            })
            .collect();
        let sum: i32 = racers.into_iter().map(|r| r.join().expect("it can be spawned")).sum();
        assert_eq!(sum, 120);
        let handle = Handle::current();
        assert_eq!(handle.metrics().tasks_spawned(), 16, "all went to one runtime");
        let error = Runtime::builder().run().expect_err("the default has been started");
        assert!(matches!(error, BuildError::AlreadyRunning), "{error}");
        let other = runtime(1, 1);
        assert_eq!(other.block_on(async { spawn_task!(ready(2)).await }), 2);
        assert_eq!(other.metrics().tasks_spawned(), 1);
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn asking_for_the_current_runtime_where_there_is_none_says_what_to_do() {
    let name = "asking_for_the_current_runtime_where_there_is_none_says_what_to_do";
    let child = in_child(name, None, || {
        let payload = common::panic_of(Handle::current);
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or_default();
        assert!(text.starts_with("no runtime on this thread"), "{text}");
        assert!(Handle::try_current().is_none(), "asking starts nothing");
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn two_runtimes_with_different_settings_live_side_by_side() {
    within(LIMIT, || {
        let named = |name: &str, high, low| {
            let builder = Runtime::builder().with_high_num(high).with_low_num(low);
            builder.thread_name(name).build().expect("it can be built")
        };
        let (one, two) = (named("one", 1, 2), named("two", 3, 0));
        let name =
            || async { std::thread::current().name().expect("workers have names").to_owned() };
        for lane in [Priority::High, Priority::Low] {
            let on_one = waterwheel::block_on(one.handle().spawn_with(name(), lane));
            let on_two = waterwheel::block_on(two.handle().spawn_with(name(), lane));
            assert!(on_one.starts_with("one-") && on_two.starts_with("two-"));
        }
        assert_eq!(one.metrics().workers(Priority::Low), 2);
        assert_eq!(two.metrics().workers(Priority::High), 3);
        one.shutdown(LIMIT).expect("nothing runs");
        assert_eq!(waterwheel::block_on(two.handle().spawn(ready(1))), 1, "the other goes on");
    });
}

#[test]
fn settings_leave_no_trace_in_the_environment_and_take_none_from_it() {
    let name = "settings_leave_no_trace_in_the_environment_and_take_none_from_it";
    let garbage = "export HIGH_NUM=-1 LOW_NUM=1e30 WATERWHEEL_HIGH=x WATERWHEEL_THREADS=";
    let child = in_child(name, Some(garbage), || {
        let environment = || std::env::vars_os().collect::<BTreeSet<_>>();
        let before = environment();
        let runtime = Runtime::builder().with_high_num(2).with_low_num(1).build();
        let runtime = runtime.expect("the environment does not matter");
        assert_eq!(runtime.metrics().workers(Priority::High), 2);
        assert_eq!(waterwheel::block_on(spawn_task!(ready(1))), 1); // The default starts too.
        assert_eq!(environment(), before);
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn the_library_prints_nothing() {
    let name = "the_library_prints_nothing";
    let child = in_child(name, None, || {
        let runtime = runtime(1, 1);
        let (sender, receiver) = mpsc::channel();
        for n in 0..100 {
            let sender = sender.clone();
            let tell = async move {
                waterwheel::yield_now().await;
                sender.send(n).expect("the test listens");
            };
            runtime.handle().spawn(tell).detach();
        }
        assert_eq!((0..100).map(|_| receive(&receiver)).sum::<i32>(), 4_950);
        waterwheel::block_on(runtime.handle().spawn_blocking(|| ()));
        drop(runtime);
    });
    if let Some(child) = child {
        child.ended_well();
        assert_eq!(child.stderr().trim_end(), common::child::BEGUN);
        let out = String::from_utf8_lossy(&child.output.stdout).into_owned();
        let ours = out.lines().filter(|line| !line.is_empty() && !line.starts_with("test"));
        assert_eq!(ours.filter(|line| !line.starts_with("running")).count(), 0, "{out}");
    }
}
