//! Rung 5 of the ladder: one worker at a time searches.
//!
//! A worker without work of its own searches the queues of the others, one at a time; the rest sleep.
//! Whoever queues a task wakes nobody while somebody searches. A searcher that finds work wakes the
//! next one, if there is more. So one task wakes one worker, and a thousand wake all, one by one.
//!
//! ```text
//! queue a task                         fall asleep
//! P1 push                              W1 from searcher to sleeper, in one step
//! P2 fence                             W2 fence
//! P3 a searcher? done                  W3 look into all queues
//! P4 a sleeper? it searches: wake it
//! ```
//!
//! What is wrong: who waits for sockets? A thread beside the workers would have to wake one of them
//! for each packet.
//!
//! Book: chapter 13.

use std::cell::{Cell, RefCell};
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use async_task::Builder;
use crossbeam_deque::{Steal, Stealer, Worker as Queue};

use super::parts::Injector;

/// How often a worker looks at what comes from outside first. Prime, so that it beats no rhythm.
const FAIRNESS_TICK: u32 = 61;

/// One worker that searches, counted above the bits of those who sleep.
const SEARCHER: u64 = 1 << 32;

/// A task that is to be polled; the runtime stands in it.
type Runnable = async_task::Runnable<Arc<Runtime>>;

pub(crate) type Task<T> = async_task::Task<T, Arc<Runtime>>;

/// What all threads share.
pub(crate) struct Runtime {
    injector: Injector<Runnable>,
    thieves: Vec<Stealer<Runnable>>,
    idle: Idle,
    parkers: Vec<Parker>,
    stopped: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Who is idle: a bit for each worker that sleeps and, from [`SEARCHER`] up, how many search.
#[derive(Default)]
struct Idle(AtomicU64);

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
    /// A task was queued: wakes a worker, if one sleeps and none searches.
    fn notify(&self) {
        if let Some(worker) = self.idle.wake_one() {
            self.parkers[worker].unpark();
        }
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

impl Idle {
    /// Makes a sleeper a searcher, if none searches; the caller wakes it.
    fn wake_one(&self) -> Option<usize> {
        fence(Ordering::SeqCst); // P2
        let idle = self.0.load(Ordering::Relaxed); // P3
        let worker = idle.trailing_zeros() as usize;
        (0 < idle && idle < SEARCHER && self.rouse(worker)).then_some(worker) // P4
    }

    /// A sleeper becomes a searcher, unless it is one already.
    fn rouse(&self, worker: usize) -> bool {
        self.change(|idle| (idle & 1 << worker != 0).then(|| idle - (1 << worker) + SEARCHER))
    }

    /// A worker without work asks to search. Refused while another one does.
    fn start_searching(&self) -> bool {
        self.change(|idle| (idle < SEARCHER).then_some(idle + SEARCHER))
    }

    /// A searcher has found work. Was it the last one?
    fn stop_searching(&self) -> bool {
        let before = self.0.fetch_sub(SEARCHER, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        before < 2 * SEARCHER
    }

    fn fall_asleep(&self, worker: usize, searched: bool) {
        let searcher = if searched { SEARCHER } else { 0 };
        self.change(|idle| Some(idle + (1 << worker) - searcher)); // W1
        fence(Ordering::SeqCst); // W2
    }

    fn change(&self, to: impl Fn(u64) -> Option<u64>) -> bool {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, to).is_ok()
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
        let first = if *tick == 0 { self.injected() } else { None };
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
        if !runtime.is_work_queued() && !runtime.stopped.load(Ordering::SeqCst) {
            runtime.parkers[self.index].park();
        }
        runtime.idle.rouse(self.index); // It searches now, whoever woke it.
    }
}
