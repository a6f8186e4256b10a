//! Rung 1 of the ladder: a queue for each worker, and the channel only for what comes from outside.
//!
//! A task that is spawned or woken on a worker stays there, so nobody is met on the way. Every 61st
//! time a worker looks into the channel first, or tasks of its own could keep it away for ever.
//! What is wrong: what is queued behind a busy worker waits for that worker, whoever else is idle.
//!
//! Book: chapter 12.

use std::cell::RefCell;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use async_task::Runnable;
use crossbeam_deque::Worker as Queue;
use flume::{Receiver, Sender};

/// How often a worker looks at what comes from outside first. Prime, so that it beats no rhythm.
const FAIRNESS_TICK: u32 = 61;

pub(crate) type Task<T> = async_task::Task<T>;

/// What all threads share.
pub(crate) struct Runtime {
    /// Tasks from outside; `None` tells one worker to end.
    sender: Sender<Option<Runnable>>,
    receiver: Receiver<Option<Runnable>>,
    stopped: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What is a worker's own.
struct Own {
    runtime: Arc<Runtime>,
    queue: Queue<Runnable>,
}

thread_local! {
    /// Set on a worker.
    static OWN: RefCell<Option<Rc<Own>>> = const { RefCell::new(None) };
}

pub(crate) fn start(workers: usize) -> Arc<Runtime> {
    let (sender, receiver) = flume::unbounded();
    let (stopped, threads) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let runtime = Arc::new(Runtime { sender, receiver, stopped, threads });
    let worker = |_| {
        let (runtime, queue) = (Arc::clone(&runtime), Queue::new_fifo());
        thread::spawn(move || work(Own { runtime, queue }))
    };
    let started = (0..workers).map(worker).collect();
    *runtime.threads.lock().expect("nobody panics with it held") = started;
    runtime
}

pub(crate) fn spawn<F>(runtime: &Arc<Runtime>, future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let captured = Arc::clone(runtime);
    let (runnable, task) = async_task::spawn(future, move |runnable| captured.schedule(runnable));
    runnable.schedule();
    task
}

pub(crate) fn stop(runtime: &Runtime) {
    let threads = std::mem::take(&mut *runtime.threads.lock().expect("nobody panics with it held"));
    for _ in &threads {
        runtime.sender.send(None).expect("the runtime has a receiver");
    }
    for thread in threads {
        thread.join().expect("a worker does not panic");
    }
    runtime.stopped.store(true, Ordering::SeqCst);
    runtime.drop_queued();
}

impl Runtime {
    fn schedule(&self, runnable: Runnable) {
        let Some(runnable) = self.keep(runnable) else { return };
        self.sender.send(Some(runnable)).expect("the runtime has a receiver");
        if self.stopped.load(Ordering::SeqCst) {
            self.drop_queued(); // Too late: nobody else would take it out.
        }
    }

    /// Queues the task on this thread if that is a worker of ours; else gives it back.
    fn keep(&self, runnable: Runnable) -> Option<Runnable> {
        OWN.with_borrow(|own| match own {
            Some(own) if std::ptr::eq(&raw const *own.runtime, self) => {
                own.queue.push(runnable);
                None
            }
            _ => Some(runnable),
        })
    }

    fn drop_queued(&self) {
        self.receiver.try_iter().for_each(drop);
    }
}

fn work(own: Own) {
    let own = Rc::new(own);
    OWN.set(Some(Rc::clone(&own)));
    let mut tick = 0;
    while let Some(runnable) = own.next(&mut tick) {
        drop(catch_unwind(|| runnable.run())); // A panic ends the task alone.
    }
    std::iter::from_fn(|| own.queue.pop()).for_each(drop);
    OWN.set(None);
}

impl Own {
    /// The next task to poll; `None` tells the worker to end.
    fn next(&self, tick: &mut u32) -> Option<Runnable> {
        let outside = &self.runtime.receiver;
        *tick = (*tick + 1) % FAIRNESS_TICK;
        if *tick == 0
            && let Ok(message) = outside.try_recv()
        {
            return message;
        }
        self.queue.pop().or_else(|| outside.recv().expect("the runtime has a sender"))
    }
}
