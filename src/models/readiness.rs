//! What the driver reports about a source, against the tasks that use it up and wait for more.
//!
//! Book: chapter 19.

use std::task::{Context, Wake, Waker};

use loom::thread;

use super::checked;
use super::driver::readiness::{Direction, Interest, Readiness};
use super::driver::source::Source;
use crate::sync::internal::{Arc, AtomicBool, Mutex, Ordering};

/// What the kernel keeps for us.
type Buffer = Mutex<u32>;

/// One try to read, as `TcpStream` makes it. True: there was something.
fn try_read(readiness: &Readiness, buffer: &Buffer) -> bool {
    let seen = readiness.look();
    if !seen.concerns(Direction::Read) {
        return false;
    }
    let read = std::mem::take(&mut *buffer.lock());
    if read == 0 {
        readiness.clear_blocked(seen, Direction::Read);
    }
    read > 0
}

#[test]
fn data_that_arrives_during_a_read_is_not_forgotten() {
    checked(|| {
        let readiness = Arc::new(Readiness::new(Interest::BOTH));
        let buffer = Arc::new(Buffer::new(0));
        let driver = {
            let (readiness, buffer) = (readiness.clone(), buffer.clone());
            thread::spawn(move || {
                for _ in 0..2 {
                    *buffer.lock() += 1;
                    readiness.report(Interest::READABLE);
                }
            })
        };
        try_read(&readiness, &buffer);
        try_read(&readiness, &buffer);
        driver.join().expect("the driver ends");
        let unread = *buffer.lock() > 0;
        let known = readiness.look().concerns(Direction::Read);
        assert!(!unread || known, "data waits and nobody will ever be told");
    });
}

#[test]
fn clearing_one_direction_disturbs_neither_the_other_nor_a_report() {
    checked(|| {
        let readiness = Arc::new(Readiness::new(Interest::BOTH));
        let writer = {
            let readiness = readiness.clone();
            thread::spawn(move || {
                let seen = readiness.look();
                readiness.clear_blocked(seen, Direction::Write);
                seen
            })
        };
        let driver = {
            let readiness = readiness.clone();
            thread::spawn(move || readiness.report(Interest::READ_CLOSED))
        };
        let seen = readiness.look();
        readiness.clear_short(seen, Direction::Read);
        driver.join().expect("the driver ends");
        writer.join().expect("the writer ends");
        assert!(readiness.look().concerns(Direction::Read), "the end of the stream is kept");
    });
}

/// The driver has closed itself before it reports that; a clearing comes in between.
#[test]
fn who_sees_a_report_sees_what_the_driver_did_before_it() {
    checked(|| {
        let readiness = Arc::new(Readiness::new(Interest::BOTH));
        let closed = Arc::new(AtomicBool::new(false));
        let driver = {
            let (readiness, closed) = (readiness.clone(), closed.clone());
            thread::spawn(move || {
                // Relaxed: it is the report that passes it on.
                closed.store(true, Ordering::Relaxed);
                readiness.report(Interest::GONE);
            })
        };
        let writer = {
            let readiness = readiness.clone();
            thread::spawn(move || readiness.clear_short(readiness.look(), Direction::Write))
        };
        let gone = readiness.look().driver_is_gone();
        assert!(!gone || closed.load(Ordering::Relaxed), "the report came too early");
        driver.join().expect("the driver ends");
        writer.join().expect("the writer ends");
    });
}

/// Counts wake-ups in a way that loom sees.
pub(crate) struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Woken {
    pub(crate) fn new() -> (std::sync::Arc<Self>, Waker) {
        let woken = std::sync::Arc::new(Self(AtomicBool::new(false)));
        (woken.clone(), Waker::from(woken))
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn report(source: &Source, bits: Interest) {
    let mut ready = Vec::new();
    source.report(bits, &mut ready);
    ready.into_iter().for_each(Waker::wake);
}

#[test]
fn a_task_that_waits_for_a_source_sees_the_report_or_is_woken() {
    checked(|| {
        let source = Arc::new(Source::new(Interest::NONE));
        let driver = {
            let source = source.clone();
            thread::spawn(move || report(&source, Interest::READABLE))
        };
        let (woken, waker) = Woken::new();
        let polled = source.poll_ready(&mut Context::from_waker(&waker), Direction::Read);
        driver.join().expect("the driver ends");
        assert!(polled.is_ready() || woken.is_woken(), "the task sleeps over the report");
    });
}

#[test]
fn two_tasks_that_share_a_slot_are_both_woken() {
    checked(|| {
        let source = Arc::new(Source::new(Interest::NONE));
        let tasks: Vec<_> = (0..2)
            .map(|_| {
                let source = source.clone();
                thread::spawn(move || {
                    let (woken, waker) = Woken::new();
                    let mut cx = Context::from_waker(&waker);
                    (source.poll_ready(&mut cx, Direction::Read).is_ready(), woken)
                })
            })
            .collect();
        report(&source, Interest::READABLE);
        for task in tasks {
            let (ready, woken) = task.join().expect("a task ends");
            assert!(ready || woken.is_woken(), "a task sleeps over the report");
        }
    });
}
