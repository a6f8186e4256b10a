//! The hooks around a poll: what they are told, and that nothing they do comes through.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::future::ready;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use common::{LIMIT, receive, within};
use waterwheel::{Builder, Priority, Runtime, TaskPoll, block_on, yield_now};

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Start,
    End,
}

/// A runtime whose hooks send what they are told, and from which thread.
fn listening(builder: Builder) -> (Runtime, Receiver<(When, TaskPoll, ThreadId)>) {
    let (start, told) = mpsc::channel();
    let end = start.clone();
    let send = |sender: &mpsc::Sender<_>, when, poll: &TaskPoll| {
        // The receiver may be gone when the runtime ends.
        sender.send((when, poll.clone(), thread::current().id())).unwrap_or(());
    };
    let runtime = builder
        .on_poll_start(move |poll| send(&start, When::Start, poll))
        .on_poll_end(move |poll| send(&end, When::End, poll))
        .build()
        .expect("it can be built");
    (runtime, told)
}

#[test]
fn each_poll_has_a_start_and_an_end_on_one_worker() {
    within(LIMIT, || {
        let (runtime, told) = listening(Runtime::builder().with_high_num(1).with_low_num(2));
        let work = async {
            for _ in 0..20 {
                yield_now().await;
            }
        };
        let task = waterwheel::task::Builder::new().name("counted").priority(Priority::High);
        let line = line!() + 1;
        let task = task.spawn_on(runtime.handle(), work);
        let id = task.id();
        block_on(task);
        for _ in 0..21 {
            let ((start, before, by), (end, after, then_by)) = (receive(&told), receive(&told));
            assert_eq!((start, end), (When::Start, When::End));
            assert_eq!((by, before.worker()), (then_by, after.worker()));
            for poll in [before, after] {
                assert_eq!((poll.id(), poll.name()), (id, Some("counted")));
                assert_eq!((poll.lane(), poll.spawn_site().line()), (Priority::High, line));
                assert!(poll.worker() < runtime.metrics().per_worker().len());
            }
        }
        assert!(told.try_recv().is_err(), "a poll too many");
    });
}

#[test]
fn the_worker_is_the_one_that_counts_the_poll() {
    within(LIMIT, || {
        let (runtime, told) = listening(Runtime::builder().with_high_num(0).with_low_num(3));
        let tasks: Vec<_> = (0..100).map(|_| runtime.handle().spawn(yield_now())).collect();
        tasks.into_iter().for_each(block_on);
        let metrics = runtime.metrics();
        drop(runtime);
        let starts: Vec<_> = told.iter().filter(|(when, ..)| *when == When::Start).collect();
        assert_eq!(starts.len(), 200);
        for worker in metrics.per_worker() {
            let polls = starts.iter().filter(|(_, poll, _)| poll.worker() == worker.number).count();
            assert_eq!(polls as u64, worker.lane(Priority::Low).polls);
        }
    });
}

#[test]
fn a_poll_that_panics_has_an_end_and_a_panic_in_a_hook_stays_there() {
    within(LIMIT, || {
        let ends = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&ends);
        let runtime = Runtime::builder()
            .on_poll_start(|_| panic!("in the first hook"))
            .on_poll_end(move |_| {
                *counted.lock().expect("no test panics with it") += 1;
                panic!("in the second hook");
            })
            .on_task_panic(|_| ())
            .build()
            .expect("it can be built");
        let bad = runtime.handle().spawn(async { panic!("in the task") });
        assert!(block_on(bad.outcome()).is_err());
        assert_eq!(block_on(runtime.handle().spawn(ready(7))), 7);
        let metrics = runtime.metrics();
        assert_eq!(metrics.task_panics(), 1, "those of the hooks are no tasks'");
        drop(runtime);
        assert_eq!(*ends.lock().expect("no test panics with it"), 2);
    });
}

#[test]
fn blocking_calls_and_block_on_are_no_polls() {
    within(LIMIT, || {
        let (runtime, told) = listening(Runtime::builder());
        block_on(runtime.handle().spawn_blocking(|| ()));
        runtime.block_on(yield_now());
        drop(runtime);
        assert_eq!(told.iter().count(), 0);
    });
}
