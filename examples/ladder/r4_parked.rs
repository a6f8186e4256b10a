//! Rung 4 of the ladder: a worker without work sleeps until it is woken.
//!
//! A worker joins the sleepers, looks once more, and sleeps. Whoever queues a task looks at the
//! sleepers. The fences put those four steps in one order, so one of the two sees the other:
//!
//! ```text
//! queue a task                 fall asleep
//! P1 push                      W1 join the sleepers
//! P2 fence                     W2 fence
//! P3 a sleeper? wake it        W3 look into all queues
//! ```
//!
//! What is wrong: each push wakes somebody, though one who is awake already will come and look.
//!
//! Book: chapter 13.

use std::cell::RefCell;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use async_task::Builder;
use crossbeam_deque::{Steal, Stealer, Worker as Queue};
use flume::{Receiver, Sender};

/// How often a worker looks at what comes from outside first. Prime, so that it beats no rhythm.
const FAIRNESS_TICK: u32 = 61;

/// A task that is to be polled; the runtime stands in it.
type Runnable = async_task::Runnable<Arc<Runtime>>;

pub(crate) type Task<T> = async_task::Task<T, Arc<Runtime>>;

/// What all threads share.
pub(crate) struct Runtime {
    injector: Injector,
    thieves: Vec<Stealer<Runnable>>,
    /// Who sleeps: a bit for each worker.
    sleepers: AtomicU64,
    parkers: Vec<Parker>,
    stopped: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Where tasks from outside enter. Is `filled` unset, then there is nothing, or soon set.
struct Injector {
    sender: Sender<Runnable>,
    receiver: Receiver<Runnable>,
    filled: AtomicBool,
}

/// Where one worker sleeps. A wake-up that comes too early stays until it is seen.
#[derive(Default)]
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

/// What is a worker's own.
struct Own {
    runtime: Arc<Runtime>,
    queue: Queue<Runnable>,
    index: usize,
}

thread_local! {
    /// Set on a worker.
    static OWN: RefCell<Option<Rc<Own>>> = const { RefCell::new(None) };
}

pub(crate) fn start(workers: usize) -> Arc<Runtime> {
    assert!(workers <= 64, "a bit for each worker");
    let queues: Vec<_> = (0..workers).map(|_| Queue::new_fifo()).collect();
    let runtime = Arc::new(Runtime {
        injector: Injector::new(),
        thieves: queues.iter().map(Queue::stealer).collect(),
        sleepers: AtomicU64::new(0),
        parkers: queues.iter().map(|_| Parker::default()).collect(),
        stopped: AtomicBool::new(false),
        threads: Mutex::new(Vec::new()),
    });
    let worker = |(index, queue)| {
        let runtime = Arc::clone(&runtime);
        thread::spawn(move || work(Own { runtime, queue, index }))
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
    runtime.parkers.iter().for_each(Parker::unpark);
    let threads = std::mem::take(&mut *runtime.threads.lock().expect("nobody panics with it held"));
    for thread in threads {
        thread.join().expect("a worker does not panic");
    }
    runtime.injector.drop_queued();
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
    /// A task was queued: wakes a worker, if one sleeps.
    fn notify(&self) {
        fence(Ordering::SeqCst); // P2
        let sleepers = self.sleepers.load(Ordering::Relaxed);
        if sleepers != 0 {
            let worker = sleepers.trailing_zeros();
            self.sleepers.fetch_and(!(1 << worker), Ordering::SeqCst);
            self.parkers[worker as usize].unpark();
        }
    }

    fn is_work_queued(&self) -> bool {
        let filled = self.injector.filled.load(Ordering::SeqCst);
        filled || self.thieves.iter().any(|thief| !thief.is_empty())
    }
}

impl Parker {
    fn park(&self) {
        let woken = self.woken.lock().expect("nobody panics with it held");
        let sleep = self.changed.wait_while(woken, |woken| !*woken);
        *sleep.expect("nobody panics with it held") = false;
    }

    fn unpark(&self) {
        *self.woken.lock().expect("nobody panics with it held") = true;
        self.changed.notify_one();
    }
}

impl Injector {
    fn new() -> Self {
        let (sender, receiver) = flume::unbounded();
        Self { sender, receiver, filled: AtomicBool::new(false) }
    }

    fn push(&self, runnable: Runnable) {
        self.sender.send(runnable).expect("the injector has a receiver");
        fence(Ordering::SeqCst); // With the one in `drain`: the send is received, or the flag set.
        if !self.filled.load(Ordering::Relaxed) {
            self.filled.store(true, Ordering::SeqCst);
        }
    }

    /// Moves all there is into `queue`.
    fn drain(&self, queue: &Queue<Runnable>) {
        if self.filled.load(Ordering::SeqCst) {
            self.filled.store(false, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            self.receiver.drain().for_each(|runnable| queue.push(runnable));
        }
    }

    fn drop_queued(&self) {
        self.receiver.try_iter().for_each(drop);
    }
}

fn work(own: Own) {
    let own = Rc::new(own);
    OWN.set(Some(Rc::clone(&own)));
    let mut tick = 0;
    while !own.runtime.stopped.load(Ordering::SeqCst) {
        match own.next(&mut tick) {
            Some(runnable) => drop(catch_unwind(|| runnable.run())),
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
        let first = if *tick == 0 { self.injected() } else { None };
        first.or_else(|| self.queue.pop()).or_else(|| self.injected()).or_else(|| self.steal())
    }

    fn injected(&self) -> Option<Runnable> {
        self.runtime.injector.drain(&self.queue);
        self.share(self.queue.pop())
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
        let (runtime, bit) = (&*self.runtime, 1 << self.index);
        runtime.sleepers.fetch_or(bit, Ordering::SeqCst); // W1
        fence(Ordering::SeqCst); // W2
        // W3. A stop that comes later finds this worker's parker.
        if !runtime.is_work_queued() && !runtime.stopped.load(Ordering::SeqCst) {
            runtime.parkers[self.index].park();
        }
        runtime.sleepers.fetch_and(!bit, Ordering::SeqCst);
    }
}
