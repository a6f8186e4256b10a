//! Rung 6 of the ladder: a worker without work waits for the sockets.
//!
//! There is one driver. A worker that goes to sleep takes it if it is free and sleeps in the kernel;
//! the others sleep on their condition variables. A busy worker looks on every 61st tick. What waited
//! for a socket goes to the queue of whoever looked: no packet needs a wake-up between threads. What
//! is wrong: a worker that leaves the driver with something to poll leaves nobody there.
//!
//! Book: chapter 14.

use std::cell::{Cell, RefCell};
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_task::Builder;
use crossbeam_deque::{Steal, Stealer, Worker as Queue};

use super::parts::{Idle, Injector};
use super::sockets::Sockets;

/// How often a worker looks at what comes from outside first. Prime, so that it beats no rhythm.
const FAIRNESS_TICK: u32 = 61;

/// A task that is to be polled; the runtime stands in it.
type Runnable = async_task::Runnable<Arc<Runtime>>;

pub(crate) type Task<T> = async_task::Task<T, Arc<Runtime>>;

/// What all threads share.
pub(crate) struct Runtime {
    injector: Injector<Runnable>,
    thieves: Vec<Stealer<Runnable>>,
    idle: Idle,
    parkers: Vec<Parker>,
    pub(crate) sockets: Sockets,
    stopped: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Where one worker sleeps. A wake-up that comes too early stays until it is seen.
#[derive(Default)]
struct Parker {
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

/// What is a worker's own.
struct Own {
    runtime: Arc<Runtime>,
    queue: Queue<Runnable>,
    index: usize,
    /// Counted among the searchers.
    searches: Cell<bool>,
}

thread_local! {
    /// Set on a worker.
    static OWN: RefCell<Option<Rc<Own>>> = const { RefCell::new(None) };
}

pub(crate) fn start(workers: usize) -> Arc<Runtime> {
    assert!(workers <= 32, "a bit for each worker");
    let queues: Vec<_> = (0..workers).map(|_| Queue::new_fifo()).collect();
    let runtime = Arc::new(Runtime {
        injector: Injector::new(),
        thieves: queues.iter().map(Queue::stealer).collect(),
        idle: Idle::default(),
        parkers: queues.iter().map(|_| Parker::default()).collect(),
        sockets: Sockets::open().expect("the system has a poller"),
        stopped: AtomicBool::new(false),
        threads: Mutex::new(Vec::new()),
    });
    let worker = |(index, queue)| {
        let runtime = Arc::clone(&runtime);
        thread::spawn(move || work(Own { runtime, queue, index, searches: Cell::new(false) }))
    };
    let started = queues.into_iter().enumerate().map(worker).collect();
    *runtime.threads.lock().expect("nobody panics with it held") = started;
    runtime
}

pub(crate) fn spawn<F>(runtime: &Arc<Runtime>, future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let builder = Builder::new().metadata(Arc::clone(runtime));
    let (runnable, task) = builder.spawn(|_| future, schedule);
    runnable.schedule();
    task
}

pub(crate) fn stop(runtime: &Runtime) {
    runtime.stopped.store(true, Ordering::SeqCst);
    (0..runtime.parkers.len()).for_each(|worker| runtime.unpark(worker));
    let threads = std::mem::take(&mut *runtime.threads.lock().expect("nobody panics with it held"));
    for thread in threads {
        thread.join().expect("a worker does not panic");
    }
    runtime.injector.drop_queued();
    runtime.sockets.close().into_iter().for_each(Waker::wake);
}

fn schedule(runnable: Runnable) {
    let Some(runnable) = keep(runnable) else { return };
    // Once it is queued the task may end at any moment, and its metadata with it.
    let runtime = Arc::clone(runnable.metadata());
    runtime.injector.push(runnable);
    runtime.notify();
    if runtime.stopped.load(Ordering::SeqCst) {
        runtime.injector.drop_queued(); // Too late: nobody else would take it out.
    }
}

/// Queues the task on this thread if that is a worker of its runtime; else gives it back.
fn keep(runnable: Runnable) -> Option<Runnable> {
    OWN.with_borrow(|own| match own {
        Some(own) if Arc::ptr_eq(&own.runtime, runnable.metadata()) => {
            own.queue.push(runnable);
            own.runtime.notify();
            None
        }
        _ => Some(runnable),
    })
}

impl Runtime {
    /// A task was queued: wakes a worker, if one sleeps and none searches.
    fn notify(&self) {
        if let Some(worker) = self.idle.wake_one(u64::MAX) {
            self.unpark(worker);
        }
    }

    fn unpark(&self, worker: usize) {
        if self.parkers[worker].unpark() {
            self.sockets.unpark();
        }
    }

    /// Sleeps in the driver, or on the condition variable if somebody has the driver.
    fn park(&self, worker: usize) -> Vec<Waker> {
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
    fn look(&self) {
        let Some(mut driver) = self.sockets.hold() else { return };
        let ready = driver.turn(Some(Duration::ZERO), &self.sockets);
        self.sockets.let_go(driver);
        ready.into_iter().for_each(Waker::wake);
    }

    /// A searcher has found work. The last one wakes the next if there is more.
    fn found_work(&self) {
        if self.idle.stop_searching() && self.is_work_queued() {
            self.notify();
        }
    }

    fn is_work_queued(&self) -> bool {
        self.injector.is_filled() || self.thieves.iter().any(|thief| !thief.is_empty())
    }
}

impl Parker {
    fn park(&self) {
        let state = self.state.lock().expect("nobody panics with it held");
        let sleep = self.changed.wait_while(state, |state| *state != Sleep::Woken);
        *sleep.expect("nobody panics with it held") = Sleep::Here;
    }

    /// The worker sleeps in the driver from now on; `false` if it was woken before.
    fn enter_driver(&self) -> bool {
        let mut state = self.state.lock().expect("nobody panics with it held");
        let woken = *state == Sleep::Woken;
        *state = if woken { Sleep::Here } else { Sleep::InDriver };
        !woken
    }

    fn leave_driver(&self) {
        self.change(Sleep::Here);
    }

    /// Wakes the worker. `true` if it sleeps in the driver: the caller wakes it there.
    fn unpark(&self) -> bool {
        let slept = self.change(Sleep::Woken);
        self.changed.notify_one();
        slept == Sleep::InDriver
    }

    fn change(&self, to: Sleep) -> Sleep {
        let mut state = self.state.lock().expect("nobody panics with it held");
        std::mem::replace(&mut state, to)
    }
}

fn work(own: Own) {
    let own = Rc::new(own);
    OWN.set(Some(Rc::clone(&own)));
    let mut tick = 0;
    while !own.runtime.stopped.load(Ordering::SeqCst) {
        match own.next(&mut tick) {
            Some(runnable) => {
                if own.searches.take() {
                    own.runtime.found_work();
                }
                drop(catch_unwind(|| runnable.run())); // A panic ends the task alone.
            }
            None => own.sleep(),
        }
    }
    std::iter::from_fn(|| own.queue.pop()).for_each(drop);
    OWN.set(None);
}

impl Own {
    /// From the own queue, else from outside, else from another worker.
    fn next(&self, tick: &mut u32) -> Option<Runnable> {
        *tick = (*tick + 1) % FAIRNESS_TICK;
        let mut first = None;
        if *tick == 0 {
            self.runtime.look();
            first = self.injected();
        }
        first.or_else(|| self.queue.pop()).or_else(|| self.injected()).or_else(|| self.search())
    }

    fn injected(&self) -> Option<Runnable> {
        self.runtime.injector.drain(|runnable| self.queue.push(runnable));
        self.share(self.queue.pop())
    }

    fn search(&self) -> Option<Runnable> {
        if !self.searches.get() && !self.runtime.idle.start_searching() {
            return None;
        }
        self.searches.set(true);
        self.steal()
    }

    /// Takes half of the first queue that has something, the next worker's first.
    fn steal(&self) -> Option<Runnable> {
        let (before, from_here) = self.runtime.thieves.split_at(self.index);
        let stolen = from_here.iter().skip(1).chain(before).find_map(|thief| {
            loop {
                match thief.steal_batch_and_pop(&self.queue) {
                    Steal::Success(runnable) => return Some(runnable),
                    Steal::Empty => return None,
                    Steal::Retry => {} // Another thief was quicker, so this ends.
                }
            }
        });
        self.share(stolen)
    }

    /// Tasks were moved here. On their way they were in no queue, and who looked has gone to sleep.
    fn share(&self, first: Option<Runnable>) -> Option<Runnable> {
        if !self.queue.is_empty() {
            self.runtime.notify();
        }
        first
    }

    /// Sleeps until there may be work.
    fn sleep(&self) {
        let runtime = &*self.runtime;
        runtime.idle.fall_asleep(self.index, self.searches.replace(true));
        // W3. A stop that comes later finds this worker's parker.
        let mut ready = Vec::new();
        if !runtime.is_work_queued() && !runtime.stopped.load(Ordering::SeqCst) {
            ready = runtime.park(self.index);
        }
        runtime.idle.rouse(self.index); // It searches now, whoever woke it.
        ready.into_iter().for_each(Waker::wake);
    }
}
