//! Rung 3 of the ladder: the function that queues a task captures nothing.
//!
//! What it needs, the runtime, lies in the task itself, as metadata. A function that captures
//! nothing needs no care: the task cell then takes no reference to itself around each call, two
//! atomic operations fewer for every wake-up. What is wrong is what was wrong on rung 2: the naps.
//!
//! Book: chapter 12.

use std::cell::RefCell;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_task::Builder;
use crossbeam_deque::{Steal, Stealer, Worker as Queue};
use flume::{Receiver, Sender};

/// How often a worker looks at what comes from outside first. Prime, so that it beats no rhythm.
const FAIRNESS_TICK: u32 = 61;

/// How long a worker without work waits before it looks at the others again.
const NAP: Duration = Duration::from_millis(1);

/// A task that is to be polled; the runtime stands in it.
type Runnable = async_task::Runnable<Arc<Runtime>>;

pub(crate) type Task<T> = async_task::Task<T, Arc<Runtime>>;

/// What all threads share.
pub(crate) struct Runtime {
    injector: Injector,
    thieves: Vec<Stealer<Runnable>>,
    stopped: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Where tasks from outside enter. Is `filled` unset, then there is nothing, or soon set.
struct Injector {
    sender: Sender<Runnable>,
    receiver: Receiver<Runnable>,
    filled: AtomicBool,
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
    let queues: Vec<_> = (0..workers).map(|_| Queue::new_fifo()).collect();
    let runtime = Arc::new(Runtime {
        injector: Injector::new(),
        thieves: queues.iter().map(Queue::stealer).collect(),
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
    if runtime.stopped.load(Ordering::SeqCst) {
        runtime.injector.drop_queued(); // Too late: nobody else would take it out.
    }
}

/// Queues the task on this thread if that is a worker of its runtime; else gives it back.
fn keep(runnable: Runnable) -> Option<Runnable> {
    OWN.with_borrow(|own| match own {
        Some(own) if Arc::ptr_eq(&own.runtime, runnable.metadata()) => {
            own.queue.push(runnable);
            None
        }
        _ => Some(runnable),
    })
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
        if let Some(runnable) = own.next(&mut tick).or_else(|| own.nap()) {
            drop(catch_unwind(|| runnable.run())); // A panic ends the task alone.
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
        self.queue.pop()
    }

    /// Takes half of the first queue that has something, the next worker's first.
    fn steal(&self) -> Option<Runnable> {
        let (before, from_here) = self.runtime.thieves.split_at(self.index);
        from_here.iter().skip(1).chain(before).find_map(|thief| {
            loop {
                match thief.steal_batch_and_pop(&self.queue) {
                    Steal::Success(runnable) => return Some(runnable),
                    Steal::Empty => return None,
                    Steal::Retry => {} // Another thief was quicker, so this ends.
                }
            }
        })
    }

    /// Waits for a task from outside, but not for long: there may be something to steal.
    fn nap(&self) -> Option<Runnable> {
        self.runtime.injector.receiver.recv_timeout(NAP).ok()
    }
}
