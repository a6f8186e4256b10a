//! What all parts of the stress share: tallies, the actions under way, and how a failure ends the program.
//!
//! A failure is told at once and ends the process with exit code 1: what comes after a broken invariant is not worth
//! reading. So does any panic with a message; those on purpose are thrown without one.
//!
//! Book: chapter 19

use std::collections::HashMap;
use std::future::Future;
use std::panic;
use std::pin::Pin;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;
use waterwheel::{Handle, Metrics, Priority};

use super::actions::Bell;

/// Connections opened in a second, at most: a closed one keeps its port for a minute.
const CONNECTIONS: i64 = 250;

/// See the module.
#[derive(Debug)]
pub(super) struct World {
    /// Futures made and futures dropped.
    pub(super) made: AtomicU64,
    pub(super) dropped: AtomicU64,
    /// No action begins any more.
    pub(super) stop: AtomicBool,
    pub(super) main: Mutex<Option<Handle>>,
    /// A runtime that may end at any time.
    pub(super) guest: Mutex<Option<Handle>>,
    /// Where the echo server listens, while there is one.
    pub(super) server: Mutex<Option<std::net::SocketAddr>>,
    pub(super) began: Instant,
    pub(super) done: AtomicU64,
    pub(super) cycles: AtomicU64,
    /// Shutdowns that gave up on a poll which the kernel kept from ending.
    pub(super) late: AtomicU64,
    connections: AtomicI64,
    actions: Mutex<Actions>,
    /// A thread that wakes tasks.
    ringer: Mutex<std::sync::mpsc::Sender<Arc<Bell>>>,
}

#[derive(Debug, Default)]
struct Actions {
    next: u64,
    under_way: HashMap<u64, (&'static str, Instant)>,
}

impl World {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        let (ringer, bells) = std::sync::mpsc::channel();
        super::actions::start_ringer(bells, seed);
        Arc::new(Self {
            made: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            main: Mutex::new(None),
            guest: Mutex::new(None),
            server: Mutex::new(None),
            began: Instant::now(),
            done: AtomicU64::new(0),
            cycles: AtomicU64::new(0),
            late: AtomicU64::new(0),
            connections: AtomicI64::new(0),
            actions: Mutex::default(),
            ringer: Mutex::new(ringer),
        })
    }

    fn actions(&self) -> MutexGuard<'_, Actions> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An action begins; it ends when the ticket is dropped.
    pub(super) fn begin(self: &Arc<Self>, name: &'static str) -> Ticket {
        let mut actions = self.actions();
        actions.next += 1;
        let number = actions.next;
        actions.under_way.insert(number, (name, Instant::now()));
        Ticket { world: self.clone(), number }
    }

    pub(super) fn under_way(&self) -> usize {
        self.actions().under_way.len()
    }

    /// The actions under way, oldest first.
    pub(super) fn oldest(&self) -> Vec<(&'static str, Instant)> {
        let mut all: Vec<_> = self.actions().under_way.values().copied().collect();
        all.sort_by_key(|(_, begun)| *begun);
        all
    }

    /// Tells a 50th of a second's connections.
    pub(super) fn allow_connections(&self) {
        let allowed = self.connections.load(SeqCst) + CONNECTIONS / 50;
        self.connections.store(allowed.min(CONNECTIONS / 5), SeqCst);
    }

    pub(super) fn may_connect(&self) -> bool {
        self.connections.fetch_sub(1, SeqCst) > 0
    }

    pub(super) fn ring(&self, bell: Arc<Bell>) {
        let ringer = self.ringer.lock().unwrap_or_else(PoisonError::into_inner);
        ringer.send(bell).unwrap_or_else(|_| fail("the ringer is gone"));
    }

    /// Counts a future, and sees to it that it is polled by one thread at a time and not after it was ready.
    pub(super) fn track<F: Future>(self: &Arc<Self>, future: F) -> Tracked<F> {
        self.made.fetch_add(1, SeqCst);
        let note = Note(self.clone());
        Tracked {
            future: Box::pin(future),
            polled: AtomicBool::new(false),
            done: false,
            _note: note,
        }
    }

    /// One line on how far it came.
    pub(super) fn summary(&self, metrics: &Metrics) -> String {
        let [high, low] = [Priority::High, Priority::Low].map(|lane| metrics.lane(lane).polls);
        format!(
            "{:5} s: {} actions, {} futures, polls {high} High and {low} Low, {} steals, {} parks, {} task panics, \
             {} runtimes ended ({} late)",
            self.began.elapsed().as_secs(),
            self.done.load(SeqCst),
            self.made.load(SeqCst),
            metrics.lane(Priority::High).steals + metrics.lane(Priority::Low).steals,
            metrics.parks(),
            metrics.task_panics(),
            self.cycles.load(SeqCst),
            self.late.load(SeqCst),
        )
    }
}

/// An action under way.
#[derive(Debug)]
pub(super) struct Ticket {
    world: Arc<World>,
    number: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.world.actions().under_way.remove(&self.number);
        self.world.done.fetch_add(1, SeqCst);
    }
}

/// See [`World::track`].
#[derive(Debug)]
pub(super) struct Tracked<F> {
    future: Pin<Box<F>>,
    polled: AtomicBool,
    done: bool,
    /// After `future`: dropped even if that panics.
    _note: Note,
}

#[derive(Debug)]
struct Note(Arc<World>);

impl Drop for Note {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, SeqCst);
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        check(
            !self.polled.swap(true, SeqCst),
            "two threads poll one task, or it is polled after a panic",
        );
        check(!self.done, "a finished task is polled");
        // A panic leaves `polled` set: the task must not be polled again.
        let polled = self.future.as_mut().poll(cx);
        self.done = polled.is_ready();
        self.polled.store(false, SeqCst);
        polled
    }
}

/// Ends the program unless the invariant holds.
pub(super) fn check(holds: bool, what: &str) {
    if !holds {
        fail(what);
    }
}

/// Ends the program.
pub(super) fn fail(what: &str) -> ! {
    let trace = std::backtrace::Backtrace::force_capture();
    let thread = std::thread::current();
    println!("\nBROKEN: {what}, on thread {:?}\n{trace}", thread.name());
    process::exit(1)
}

/// Every panic with a message is a failure.
pub(super) fn no_panic_goes_unseen() {
    panic::set_hook(Box::new(|info| fail(&info.to_string())));
}
