//! Rung 8 of the ladder: two lanes, adoption, and the reserve.
//!
//! Each worker has a home lane, which it looks at first, except on every 61st tick. A High-home
//! worker *adopts* Low tasks: it keeps half of somebody's, where others can steal them back. A
//! Low-home worker takes one High task at a time, or High would wait behind its Low ones. And while
//! all workers are busy, a task for High wakes one more thread, the *reserve*, which serves only High.
//!
//! Book: chapter 16.

use std::cell::{Cell, RefCell};
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::thread::{self, JoinHandle};

use async_task::Builder;
use crossbeam_deque::{Stealer, Worker as Queue};

use super::parts::{Injector, Parker, Parking, settled};

/// How often a worker looks at what comes from outside first. Prime, so that it beats no rhythm.
const FAIRNESS_TICK: u32 = 61;

/// How urgent a task is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Lane {
    High,
    Low,
}

/// What stands in each task beside its future.
pub(crate) struct Meta {
    runtime: Arc<Runtime>,
    lane: Lane,
}

type Runnable = async_task::Runnable<Meta>;

pub(crate) type Task<T> = async_task::Task<T, Meta>;

/// What all threads share.
pub(crate) struct Runtime {
    /// By lane.
    injectors: [Injector<Runnable>; 2],
    /// By worker and lane.
    thieves: Vec<[Stealer<Runnable>; 2]>,
    /// How many workers have their home in lane High; they are the first.
    high: usize,
    pub(crate) parking: Parking,
    reserve: Parker,
    stopped: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What is a worker's own.
struct Own {
    runtime: Arc<Runtime>,
    home: Lane,
    /// By lane.
    queues: [Queue<Runnable>; 2],
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
    let queues: Vec<_> = (0..workers).map(|_| [Queue::new_fifo(), Queue::new_fifo()]).collect();
    let runtime = Arc::new(Runtime {
        injectors: [Injector::new(), Injector::new()],
        thieves: queues.iter().map(|lanes| lanes.each_ref().map(Queue::stealer)).collect(),
        high: (workers / 4).max(1).min(workers - 1),
        parking: Parking::new(workers),
        reserve: Parker::default(),
        stopped: AtomicBool::new(false),
        threads: Mutex::new(Vec::new()),
    });
    let worker = |(index, queues)| {
        let runtime = Arc::clone(&runtime);
        let home = if index < runtime.high { Lane::High } else { Lane::Low };
        thread::spawn(move || {
            work(Own { runtime, home, queues, index, searches: Cell::new(false) });
        })
    };
    let mut started: Vec<_> = queues.into_iter().enumerate().map(worker).collect();
    let shared = Arc::clone(&runtime);
    started.push(thread::spawn(move || serve_high(&shared)));
    *runtime.threads.lock().expect("nobody panics with it held") = started;
    runtime
}

pub(crate) fn spawn<F>(runtime: &Arc<Runtime>, future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    spawn_in(runtime, Lane::Low, future)
}

pub(crate) fn spawn_in<F>(runtime: &Arc<Runtime>, lane: Lane, future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let builder = Builder::new().metadata(Meta { runtime: Arc::clone(runtime), lane });
    let (runnable, task) = builder.spawn(|_| future, schedule);
    runnable.schedule();
    task
}

pub(crate) fn stop(runtime: &Runtime) {
    runtime.stopped.store(true, Ordering::SeqCst);
    runtime.parking.unpark_all();
    runtime.reserve.unpark();
    let threads = std::mem::take(&mut *runtime.threads.lock().expect("nobody panics with it held"));
    for thread in threads {
        thread.join().expect("a worker does not panic");
    }
    runtime.injectors.iter().for_each(Injector::drop_queued);
    runtime.parking.sockets.close().into_iter().for_each(Waker::wake);
}

fn schedule(runnable: Runnable) {
    let Some(runnable) = keep(runnable) else { return };
    // Once it is queued the task may end at any moment, and its metadata with it.
    let (runtime, lane) = (Arc::clone(&runnable.metadata().runtime), runnable.metadata().lane);
    runtime.injectors[lane as usize].push(runnable);
    runtime.notify(lane);
    if runtime.stopped.load(Ordering::SeqCst) {
        runtime.injectors[lane as usize].drop_queued(); // Too late: nobody else would take it out.
    }
}

/// Queues the task on this thread if that is a worker that may keep it; else gives it back.
fn keep(runnable: Runnable) -> Option<Runnable> {
    let lane = runnable.metadata().lane;
    OWN.with_borrow(|own| match own {
        Some(own) if own.keeps(lane) && Arc::ptr_eq(&own.runtime, &runnable.metadata().runtime) => {
            own.queues[lane as usize].push(runnable);
            own.runtime.notify(lane);
            None
        }
        _ => Some(runnable),
    })
}

impl Runtime {
    /// A task was queued: wakes a sleeper, of its own lane if there is one, else the reserve.
    fn notify(&self, lane: Lane) {
        let (idle, high) = (&self.parking.idle, (1 << self.high) - 1);
        let home = if lane == Lane::High { high } else { !high };
        if let Some(worker) = idle.wake_one(home).or_else(|| idle.wake_one(!home)) {
            self.parking.unpark(worker);
        } else if lane == Lane::High && idle.is_empty() {
            self.reserve.unpark();
        }
    }

    /// A searcher has found work. The last one wakes the next, for what else is queued or for the
    /// driver.
    fn found_work(&self) {
        if self.parking.idle.stop_searching() {
            if self.is_queued(Lane::High) {
                self.notify(Lane::High);
            } else if self.is_queued(Lane::Low) || !self.parking.sockets.is_held() {
                self.notify(Lane::Low);
            }
        }
    }

    fn is_queued(&self, lane: Lane) -> bool {
        let mut thieves = self.thieves.iter().map(|lanes| &lanes[lane as usize]);
        self.injectors[lane as usize].is_filled() || thieves.any(|thief| !thief.is_empty())
    }

    /// Takes a task for somebody who keeps none of this lane.
    fn take_one(&self, lane: Lane) -> Option<Runnable> {
        let one = self.injectors[lane as usize].pop();
        if one.is_some() && self.injectors[lane as usize].is_filled() {
            self.notify(lane);
        }
        let mut thieves = self.thieves.iter().map(|lanes| &lanes[lane as usize]);
        one.or_else(|| thieves.find_map(|thief| settled(|| thief.steal())))
    }
}

/// The reserve: serves High when it is woken, and nothing else.
fn serve_high(runtime: &Runtime) {
    while !runtime.stopped.load(Ordering::SeqCst) {
        match runtime.take_one(Lane::High) {
            Some(runnable) => drop(catch_unwind(|| runnable.run())),
            None => runtime.reserve.park(),
        }
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
    let queued = own.queues.iter().flat_map(|queue| std::iter::from_fn(|| queue.pop()));
    queued.for_each(drop);
    OWN.set(None);
}

impl Own {
    /// May tasks of this lane be queued here?
    fn keeps(&self, lane: Lane) -> bool {
        lane == self.home || self.home == Lane::High
    }

    /// Home lane first, then what was adopted, then whatever others have.
    fn next(&self, tick: &mut u32) -> Option<Runnable> {
        let other = if self.home == Lane::High { Lane::Low } else { Lane::High };
        *tick = (*tick + 1) % FAIRNESS_TICK;
        let mut first = None;
        if *tick == 0 {
            self.runtime.parking.look();
            self.take_in(self.home);
            first = self.own(other).or_else(|| self.steal(other));
        }
        first
            .or_else(|| self.own(self.home))
            .or_else(|| self.own(other))
            .or_else(|| self.search(other))
    }

    fn own(&self, lane: Lane) -> Option<Runnable> {
        let queue = &self.queues[lane as usize];
        queue.pop().or_else(|| {
            self.take_in(lane);
            queue.pop()
        })
    }

    fn take_in(&self, lane: Lane) {
        if self.keeps(lane) {
            let queue = &self.queues[lane as usize];
            self.runtime.injectors[lane as usize].drain(|runnable| queue.push(runnable));
            self.share(lane);
        }
    }

    fn search(&self, other: Lane) -> Option<Runnable> {
        if !self.searches.get() && !self.runtime.parking.idle.start_searching() {
            return None;
        }
        self.searches.set(true);
        self.steal(self.home).or_else(|| self.steal(other))
    }

    /// Takes half of the first queue that has something; one task of a lane not kept here.
    fn steal(&self, lane: Lane) -> Option<Runnable> {
        if !self.keeps(lane) {
            return self.runtime.take_one(lane);
        }
        let (before, from_here) = self.runtime.thieves.split_at(self.index);
        let mut victims = from_here.iter().skip(1).chain(before).map(|lanes| &lanes[lane as usize]);
        let queue = &self.queues[lane as usize];
        let stolen = victims.find_map(|thief| settled(|| thief.steal_batch_and_pop(queue)));
        self.share(lane);
        stolen
    }

    /// Tasks were moved here. On their way they were in no queue, and who looked has gone to sleep.
    fn share(&self, lane: Lane) {
        if !self.queues[lane as usize].is_empty() {
            self.runtime.notify(lane);
        }
    }

    /// Sleeps until there may be work.
    fn sleep(&self) {
        let runtime = &*self.runtime;
        runtime.parking.idle.fall_asleep(self.index, self.searches.replace(true));
        let is_queued = runtime.is_queued(Lane::High) || runtime.is_queued(Lane::Low);
        let mut ready = Vec::new();
        if !is_queued && !runtime.stopped.load(Ordering::SeqCst) {
            ready = runtime.parking.park(self.index);
        }
        runtime.parking.idle.rouse(self.index); // It searches now, whoever woke it.
        ready.into_iter().for_each(Waker::wake);
    }
}
