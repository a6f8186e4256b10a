//! What chapters 1 and 2 claim and their programs do not show, and the names in appendix B.
//!
//! The mutex that is awaited is the solution of an exercise, taken in as it stands.

#[path = "../../tests/common/mod.rs"]
#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;
#[path = "../../book/exercises/src/solution/ch02_2.rs"]
#[expect(unreachable_pub, reason = "in the package of the exercises it can be reached")]
mod mutex;

use std::future::{pending, poll_fn, ready};
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex as BlockingMutex, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fs, thread};

use common::{LIMIT, eventually, receive, within};
use mutex::Mutex;
use waterwheel::{Runtime, join, time, yield_now};

fn workers(low: usize) -> Runtime {
    Runtime::builder().with_high_num(0).with_low_num(low).build().expect("threads can be started")
}

/// How many of four computations are under way at once, at most, when each is a task on `workers`.
fn side_by_side(low: usize) -> usize {
    let runtime = workers(low);
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    // Each computation lasts until as many as there are workers have met.
    let meeting = Arc::new(Barrier::new(low));
    let tasks = [(); 4].map(|()| {
        let (running, most, meeting) = (running.clone(), most.clone(), meeting.clone());
        runtime.handle().spawn(async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            meeting.wait();
            running.fetch_sub(1, Ordering::SeqCst);
        })
    });
    for task in tasks {
        runtime.block_on(task);
    }
    most.load(Ordering::SeqCst)
}

#[test]
fn computations_run_side_by_side_on_as_many_workers_as_there_are() {
    within(LIMIT, || {
        assert_eq!(side_by_side(1), 1, "with one worker tasks are no better than a join");
        assert_eq!(side_by_side(2), 2, "with two, four computations take two rounds");
    });
}

/// Steps a shared count three times by `step`, one step a poll. The lock is never held longer than
/// that, so a blocking one will do.
struct Steps {
    count: Arc<BlockingMutex<i32>>,
    step: i32,
    done: u32,
}

impl Future for Steps {
    type Output = Result<(), &'static str>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut count) = self.count.lock() else {
            // To try again would be to try for ever: a poisoned lock stays poisoned.
            return Poll::Ready(Err("somebody panicked with the lock held"));
        };
        *count += self.step;
        drop(count);
        self.done += 1;
        if self.done == 3 {
            return Poll::Ready(Ok(()));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn as_many_steps_up_as_down_end_at_zero_and_contention_is_no_error() {
    within(LIMIT, || {
        let runtime = workers(2);
        for _ in 0..100 {
            let count = Arc::new(BlockingMutex::new(0));
            let steps = |step| Steps { count: count.clone(), step, done: 0 };
            let (up, down) = (runtime.handle().spawn(steps(1)), runtime.handle().spawn(steps(-1)));
            assert_eq!(runtime.block_on(async { join!(up, down) }), (Ok(()), Ok(())));
            assert_eq!(*count.lock().expect("nobody panicked"), 0);
        }
    });
}

#[test]
fn a_poisoned_lock_is_reported_at_the_first_poll_and_nobody_spins() {
    let count = Arc::new(BlockingMutex::new(0));
    let theirs = count.clone();
    let panicked = thread::spawn(move || {
        let _held = theirs.lock().expect("nobody has panicked yet");
        std::panic::resume_unwind(Box::new("with the lock held"));
    });
    panicked.join().expect_err("it panicked");
    let polls = AtomicU32::new(0);
    let mut steps = pin!(Steps { count, step: 1, done: 0 });
    let outcome = waterwheel::block_on(poll_fn(|context| {
        polls.fetch_add(1, Ordering::Relaxed);
        steps.as_mut().poll(context)
    }));
    assert_eq!((outcome.is_err(), polls.into_inner()), (true, 1));
}

/// Locks the mutex, and says so; counts the polls that this takes.
async fn lock_counted(mutex: Arc<Mutex<u32>>, polls: Arc<AtomicU32>, locked: mpsc::Sender<u32>) {
    let mut lock = pin!(mutex.lock());
    let mut guard = poll_fn(|context| {
        polls.fetch_add(1, Ordering::SeqCst);
        lock.as_mut().poll(context)
    })
    .await;
    *guard += 1;
    locked.send(*guard).expect("the test listens");
}

#[test]
fn tasks_that_wait_for_a_mutex_are_parked_and_not_polled_while_it_is_held() {
    within(LIMIT, || {
        let runtime = workers(1);
        let mutex = Arc::new(Mutex::new(0));
        let guard = runtime.block_on(mutex.lock());
        let polls = [Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0))];
        let (locked, seen) = mpsc::channel();
        let tasks = polls.clone().map(|polls| {
            runtime.handle().spawn(lock_counted(mutex.clone(), polls, locked.clone()))
        });
        let counts = || polls.clone().map(|polls| polls.load(Ordering::SeqCst));
        eventually("both wait", || counts() == [1, 1]);
        // Other tasks have their turns on the same worker, and those that wait have none.
        runtime.block_on(runtime.handle().spawn(async {
            for _ in 0..100 {
                yield_now().await;
            }
        }));
        assert_eq!(counts(), [1, 1], "parked");
        drop(guard);
        assert_eq!((receive(&seen), receive(&seen)), (1, 2));
        assert_eq!(counts(), [2, 2], "each is woken when it is its turn, and once");
        for task in tasks {
            runtime.block_on(task);
        }
    });
}

#[test]
fn a_task_that_gives_up_waiting_for_a_mutex_takes_nobodys_turn_with_it() {
    within(LIMIT, || {
        let runtime = workers(1);
        let mutex = Arc::new(Mutex::new(0));
        let guard = runtime.block_on(mutex.lock());
        let polls = [Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0))];
        let (locked, seen) = mpsc::channel();
        let [first, second] = polls.clone().map(|polls| {
            let task = lock_counted(mutex.clone(), polls.clone(), locked.clone());
            let task = runtime.handle().spawn(task);
            eventually("it waits", || polls.load(Ordering::SeqCst) == 1);
            task
        });
        // The worker is held while the lock is given back and the first one, whose turn it is, is dropped.
        let gate = Arc::new(Barrier::new(2));
        let theirs = gate.clone();
        let keeper = runtime.handle().spawn(async move {
            theirs.wait();
            theirs.wait();
        });
        gate.wait();
        drop(guard);
        drop(first);
        gate.wait();
        runtime.block_on(keeper);
        assert_eq!(receive(&seen), 1, "the second one has it");
        runtime.block_on(second);
    });
}

#[test]
fn a_timeout_gives_the_value_or_an_error_with_the_future_gone() {
    let runtime = Runtime::builder().start_paused(true).build().expect("threads can be started");
    runtime.block_on(async {
        let second = Duration::from_secs(1);
        assert_eq!(time::timeout(Duration::ZERO, ready(1)).await, Ok(1), "ready wins");
        let held = Arc::new(());
        let theirs = held.clone();
        let never = async move {
            let _held = theirs;
            pending::<()>().await;
        };
        let mut limited = pin!(time::timeout(second, never));
        let mut polled = async || poll_fn(|cx| Poll::Ready(limited.as_mut().poll(cx))).await;
        time::advance(second - Duration::from_nanos(1));
        assert!(polled().await.is_pending(), "not before its time");
        assert_eq!(Arc::strong_count(&held), 2);
        time::advance(Duration::from_nanos(1));
        assert!(matches!(polled().await, Poll::Ready(Err(_))));
        assert_eq!(Arc::strong_count(&held), 1, "what the future held is free");
        let value = time::timeout(Duration::MAX, yield_now()).await;
        assert_eq!(value, Ok(()), "a limit beyond all reckoning is no limit");
    });
}

/// What `text` has between back ticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Every Rust file below `folder`, joined.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).expect("a source is text");
        }
    }
    text
}

#[test]
fn every_program_and_test_that_the_appendix_of_the_lessons_names_exists() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = include_str!("../../book/src/appendix_b.md");
    let tests = sources(&examples.join("../tests")) + &sources(&examples.join("tests"));
    let mut entries = 0;
    for entry in page.split("\n- **").skip(1) {
        let entry = entry.split("\n\n").next().unwrap_or(entry);
        let (programs, named) = match entry.split_once("*Example:*") {
            Some((_, rest)) => rest.split_once("; *test").unwrap_or((rest, "")),
            None => ("", entry.split_once("*Test").map_or("", |(_, rest)| rest)),
        };
        for program in quoted(programs) {
            let there = examples.join(format!("{program}.rs")).is_file();
            let chapter = examples.join(format!("../book/src/{}.md", &program[..4]));
            // A chapter that is still to come may be named with the programs it will have.
            assert!(there || !chapter.exists(), "there is no program {program}");
        }
        for test in quoted(named) {
            assert!(tests.contains(&format!("fn {test}()")), "there is no test {test}");
        }
        entries += 1;
    }
    assert!(entries > 50, "the entries were found");
}
