//! Rung 0 of the ladder: the textbook, one channel that feeds every worker.
//!
//! Whoever spawns or wakes a task sends it; a worker without work blocks in `recv`. It is short and
//! it is correct. What is wrong: all workers meet at one lock, twice for every poll.
//!
//! How it stops, here and on every rung: the workers end, and what is queued then or later is
//! dropped, and its future with it. A task that waits is dropped by whoever drops its `Task`.
//!
//! Book: chapter 12.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use async_task::Runnable;
use flume::{Receiver, Sender};

pub(crate) type Task<T> = async_task::Task<T>;

/// What all threads share.
pub(crate) struct Runtime {
    /// Tasks; `None` tells one worker to end.
    sender: Sender<Option<Runnable>>,
    receiver: Receiver<Option<Runnable>>,
    stopped: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

pub(crate) fn start(workers: usize) -> Arc<Runtime> {
    let (sender, receiver) = flume::unbounded();
    let (stopped, threads) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let runtime = Arc::new(Runtime { sender, receiver, stopped, threads });
    let worker = |_| {
        let runtime = Arc::clone(&runtime);
        thread::spawn(move || work(&runtime))
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
        self.sender.send(Some(runnable)).expect("the runtime has a receiver");
        if self.stopped.load(Ordering::SeqCst) {
            self.drop_queued(); // Too late: nobody else would take it out.
        }
    }

    fn drop_queued(&self) {
        self.receiver.try_iter().for_each(drop);
    }
}

fn work(runtime: &Runtime) {
    while let Ok(Some(runnable)) = runtime.receiver.recv() {
        drop(catch_unwind(|| runnable.run())); // A panic ends the task alone.
    }
}
