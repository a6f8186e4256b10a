//! What the ladder has built: rung 2's injector, used as it is from rung 5 on; rung 5's count of the
//! idle, from rung 6 on; rung 6's place to sleep, from rung 7 on; rung 7's driver, on rung 8.
//!
//! Each stands in its own rung first, and there it is explained. Added for rung 8 alone: to take one
//! task out of an injector, and to ask for certain sleepers only.
//!
//! Book: chapters 12, 13 and 14.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Condvar, Mutex};
use std::task::Waker;
use std::time::Duration;

use crossbeam_deque::Steal;
use flume::{Receiver, Sender};

use super::sockets::Sockets;

/// One worker that searches, counted above the bits of those who sleep.
const SEARCHER: u64 = 1 << 32;

/// Where tasks from outside enter. Is `filled` unset, then there is nothing, or soon set.
pub(crate) struct Injector<T> {
    sender: Sender<T>,
    receiver: Receiver<T>,
    filled: AtomicBool,
}

impl<T> Injector<T> {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = flume::unbounded();
        Self { sender, receiver, filled: AtomicBool::new(false) }
    }

    pub(crate) fn push(&self, task: T) {
        self.sender.send(task).expect("the injector has a receiver");
        fence(Ordering::SeqCst); // With the one in `drain`: the send is received, or the flag set.
        if !self.filled.load(Ordering::Relaxed) {
            self.filled.store(true, Ordering::SeqCst);
        }
    }

    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::SeqCst)
    }

    /// Gives all there is to `keep`.
    pub(crate) fn drain(&self, keep: impl FnMut(T)) {
        if self.is_filled() {
            self.filled.store(false, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            self.receiver.drain().for_each(keep);
        }
    }

    /// Takes one. Others may have been hidden for a moment: see to it that somebody looks again.
    pub(crate) fn pop(&self) -> Option<T> {
        if !self.is_filled() {
            return None;
        }
        if let Ok(task) = self.receiver.try_recv() {
            return Some(task);
        }
        self.filled.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let late = self.receiver.try_recv().ok()?;
        self.filled.store(true, Ordering::SeqCst);
        Some(late)
    }

    pub(crate) fn drop_queued(&self) {
        self.receiver.try_iter().for_each(drop);
    }
}

/// Who is idle: a bit for each worker that sleeps and, from [`SEARCHER`] up, how many search.
#[derive(Default)]
pub(crate) struct Idle(AtomicU64);

impl Idle {
    /// Makes a sleeper `among` these a searcher, if none searches; the caller wakes it.
    pub(crate) fn wake_one(&self, among: u64) -> Option<usize> {
        fence(Ordering::SeqCst); // P2
        let idle = self.0.load(Ordering::Relaxed); // P3
        let sleepers = idle & among;
        let worker = sleepers.trailing_zeros() as usize;
        (0 < sleepers && idle < SEARCHER && self.rouse(worker)).then_some(worker) // P4
    }

    /// Does nobody sleep, and nobody search?
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }

    /// A sleeper becomes a searcher, unless it is one already.
    pub(crate) fn rouse(&self, worker: usize) -> bool {
        self.change(|idle| (idle & 1 << worker != 0).then(|| idle - (1 << worker) + SEARCHER))
    }

    /// A worker without work asks to search. Refused while another one does.
    pub(crate) fn start_searching(&self) -> bool {
        self.change(|idle| (idle < SEARCHER).then_some(idle + SEARCHER))
    }

    /// A searcher has found work. Was it the last one?
    pub(crate) fn stop_searching(&self) -> bool {
        let before = self.0.fetch_sub(SEARCHER, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        before < 2 * SEARCHER
    }

    pub(crate) fn fall_asleep(&self, worker: usize, searched: bool) {
        let searcher = if searched { SEARCHER } else { 0 };
        self.change(|idle| Some(idle + (1 << worker) - searcher)); // W1
        fence(Ordering::SeqCst); // W2
    }

    fn change(&self, to: impl Fn(u64) -> Option<u64>) -> bool {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, to).is_ok()
    }
}

/// Where one worker sleeps. A wake-up that comes too early stays until it is seen.
#[derive(Default)]
pub(crate) struct Parker {
    state: Mutex<Sleep>,
    changed: Condvar,
}

#[derive(Default, PartialEq)]
enum Sleep {
    /// Awake, or asleep on `changed`.
    #[default]
    Here,
    InDriver,
    Woken,
}

impl Parker {
    pub(crate) fn park(&self) {
        let state = self.state.lock().expect("nobody panics with it held");
        let sleep = self.changed.wait_while(state, |state| *state != Sleep::Woken);
        *sleep.expect("nobody panics with it held") = Sleep::Here;
    }

    /// The worker sleeps in the driver from now on; `false` if it was woken before.
    pub(crate) fn enter_driver(&self) -> bool {
        let mut state = self.state.lock().expect("nobody panics with it held");
        let woken = *state == Sleep::Woken;
        *state = if woken { Sleep::Here } else { Sleep::InDriver };
        !woken
    }

    pub(crate) fn leave_driver(&self) {
        self.change(Sleep::Here);
    }

    /// Wakes the worker. `true` if it sleeps in the driver: the caller wakes it there.
    pub(crate) fn unpark(&self) -> bool {
        let slept = self.change(Sleep::Woken);
        self.changed.notify_one();
        slept == Sleep::InDriver
    }

    fn change(&self, to: Sleep) -> Sleep {
        let mut state = self.state.lock().expect("nobody panics with it held");
        std::mem::replace(&mut state, to)
    }
}

/// Where all workers sleep: each in its own place, and one of them in the driver.
pub(crate) struct Parking {
    pub(crate) idle: Idle,
    pub(crate) sockets: Sockets,
    parkers: Vec<Parker>,
}

impl Parking {
    pub(crate) fn new(workers: usize) -> Self {
        let sockets = Sockets::open().expect("the system has a poller");
        let parkers = (0..workers).map(|_| Parker::default()).collect();
        Self { idle: Idle::default(), sockets, parkers }
    }

    pub(crate) fn unpark(&self, worker: usize) {
        if self.parkers[worker].unpark() {
            self.sockets.unpark();
        }
    }

    pub(crate) fn unpark_all(&self) {
        (0..self.parkers.len()).for_each(|worker| self.unpark(worker));
    }

    /// Sleeps in the driver, or on the condition variable if somebody has the driver.
    pub(crate) fn park(&self, worker: usize) -> Vec<Waker> {
        let parker = &self.parkers[worker];
        let mut ready = Vec::new();
        let Some(mut driver) = self.sockets.hold() else {
            parker.park();
            return ready;
        };
        if parker.enter_driver() {
            ready = driver.turn(None, &self.sockets);
            parker.leave_driver();
        }
        self.sockets.let_go(driver);
        ready
    }

    /// Looks at the sockets, unless somebody is at it.
    pub(crate) fn look(&self) {
        let Some(mut driver) = self.sockets.hold() else { return };
        let ready = driver.turn(Some(Duration::ZERO), &self.sockets);
        self.sockets.let_go(driver);
        ready.into_iter().for_each(Waker::wake);
    }
}

/// Repeats a theft as long as another thief is quicker.
pub(crate) fn settled<T>(mut theft: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match theft() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}
