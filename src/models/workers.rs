//! Workers that look for tasks, sleep, and are woken: a small runtime around the scheduler's own
//! protocols, for the models of `sleeping`.
//!
//! The loop is that of `scheduler::worker` with one lane and without ticks. What is between threads
//! is the real thing: `Idle::sleep`, `notify`, `found_work`, `successor` and `next_holder`, the
//! parkers, the injector, and who holds the driver. Tasks know how many of them are left; the last
//! one ends the run as a shutdown does, so a task that nobody comes to is a deadlock.
//!
//! Book: chapter 19.

use super::driver::Driver;
use super::scheduler::idle::{Idle, Notified, Serves, WorkerIndex};
use super::scheduler::injector::Injector;
use super::scheduler::life::{Life, Phase};
use super::scheduler::parker::{Parker, Wake};
use super::stand_in::{Deque, Events, SOCKET};
use crate::priority::Priority;
use crate::sync::internal::{AtomicUsize, Condvar, Mutex, Ordering, fence};

/// The lane of all tasks and workers here.
const LANE: Priority = Priority::Low;

/// What a task does when it is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// It is done at once.
    Quick,
    /// It keeps its worker until all tasks of this kind are being polled: they must all get a
    /// worker, though the workers of the others are stuck.
    Meeting,
}

/// How a worker takes tasks out of the injector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    /// One at a time, as a worker that may not keep them.
    One,
    /// All, into its own queue.
    All,
}

/// What the workers share.
pub(crate) struct Runtime {
    idle: Idle,
    injector: Injector<Task>,
    life: Life,
    /// Without one, every worker sleeps on its own condition variable.
    driver: Option<Driver>,
    taking: Taking,
    queues: Vec<Deque<Task>>,
    parkers: Vec<Parker>,
    left: AtomicUsize,
    missing: Mutex<usize>,
    met: Condvar,
}

impl Runtime {
    /// `left` tasks of all kinds will be pushed, of which `missing` are to meet.
    pub(crate) fn new(workers: usize, taking: Taking, left: usize, missing: usize) -> Self {
        Self {
            idle: Idle::new(Serves { stealing_from: [true, true] }),
            injector: Injector::new(),
            life: Life::new(),
            driver: None,
            taking,
            queues: (0..workers).map(|_| Deque::new()).collect(),
            parkers: (0..workers).map(|_| Parker::new()).collect(),
            left: AtomicUsize::new(left),
            missing: Mutex::new(missing),
            met: Condvar::new(),
        }
    }

    /// Workers sleep in a driver, if nobody is there.
    pub(crate) fn with_driver(self) -> Self {
        Self { driver: Some(Driver::new()), ..self }
    }

    /// The flag of the injector stands, as it does after the last task was popped.
    pub(crate) fn leave_flag_set(&self) {
        self.injector.push(Task::Quick);
        assert_eq!(self.injector.pop(|| {}), Some(Task::Quick));
    }

    /// As `Shared::push_from_outside`.
    pub(crate) fn push(&self, task: Task) {
        self.injector.push(task);
        self.notify();
    }

    fn notify(&self) {
        if let Notified::Wake(worker) = self.idle.notify(LANE) {
            self.unpark(worker);
        }
    }

    fn unpark(&self, worker: WorkerIndex) {
        match (self.parkers[worker.0].unpark(), &self.driver) {
            (Wake::Driver, Some(driver)) => driver.unpark(),
            (Wake::Driver, None) => unreachable!("there is no driver to sleep in"),
            (Wake::Done, _) => {}
        }
    }

    /// As `shutdown::cancel`.
    pub(crate) fn cancel(&self) {
        self.life.enter(Phase::Cancelling);
        for index in 0..self.parkers.len() {
            self.unpark(WorkerIndex(index));
        }
        if let Some(driver) = &self.driver {
            driver.unpark();
        }
    }

    /// A worker between two polls looks at the driver, as `worker::turn_driver` does.
    pub(crate) fn turn_driver(&self) {
        let Some(driver) = &self.driver else { return };
        let Some(part) = driver.holding.take() else { return };
        let events = driver.poller.look();
        driver.holding.put_back(part);
        self.dispatch(events);
        if let Some(worker) = self.idle.next_holder(|| driver.holding.is_held()) {
            self.unpark(worker);
        }
    }

    /// What the last task waits for happens.
    pub(crate) fn happen(&self) {
        if let Some(driver) = &self.driver {
            driver.poller.happen(SOCKET);
        }
    }

    /// The one thing that happens here is what the last task waits for.
    fn dispatch(&self, events: Events) {
        if events & SOCKET != 0 {
            self.cancel();
        }
    }

    /// A worker is out of work and about to look into the queues of the others.
    pub(crate) fn start_searching(&self) -> bool {
        self.idle.start_searching(LANE)
    }

    pub(crate) fn worker(&self, index: usize, mut searching: bool) {
        while !self.life.is_at_least(Phase::Cancelling) {
            if let Some(task) = self.at_hand(index).or_else(|| self.search(index, &mut searching)) {
                if std::mem::take(&mut searching) && self.idle.found_work(LANE) {
                    self.wake_successor();
                }
                self.poll(task);
            } else {
                let was_searching = std::mem::take(&mut searching);
                let stays_up = || self.has_queued() || self.life.is_at_least(Phase::Cancelling);
                let park = || self.park(index);
                self.idle.sleep(WorkerIndex(index), LANE, was_searching, stays_up, park);
                searching = true;
            }
        }
    }

    fn at_hand(&self, index: usize) -> Option<Task> {
        if self.taking == Taking::One {
            return self.injector.pop(|| self.notify());
        }
        let own = &self.queues[index];
        let task = own.take().or_else(|| {
            self.injector.drain(|task| own.push(task));
            own.take()
        })?;
        self.share_the_rest(own);
        Some(task)
    }

    fn search(&self, index: usize, searching: &mut bool) -> Option<Task> {
        if !*searching {
            *searching = self.idle.start_searching(LANE);
            if !*searching {
                return None;
            }
        }
        let mut others = self.queues.iter().enumerate().filter(|(other, _)| *other != index);
        others.find_map(|(_, queue)| queue.take())
    }

    /// What a worker that has work at hand takes in passing out of the injector of a lane whose
    /// tasks it does not keep.
    pub(crate) fn poll_in_passing(&self) {
        if let Some(task) = self.injector.pop(|| self.notify()) {
            self.poll(task);
        }
    }

    /// What a worker that has work at hand steals from behind a stuck one.
    pub(crate) fn rescue(&self, index: usize, victim: usize) {
        let own = &self.queues[index];
        if let Some(task) = self.queues[victim].take_half(own) {
            fence(Ordering::SeqCst);
            self.share_the_rest(own);
            self.poll(task);
        }
    }

    /// A task is queued on a worker's own queue, by itself.
    pub(crate) fn keep(&self, index: usize, task: Task) {
        self.queues[index].push(task);
        self.notify();
    }

    fn share_the_rest(&self, own: &Deque<Task>) {
        if self.idle.is_anyone_asleep_for(LANE) && !own.is_empty() {
            self.notify();
        }
    }

    fn has_queued(&self) -> bool {
        !self.injector.is_empty() || self.queues.iter().any(|queue| !queue.is_empty())
    }

    fn wake_successor(&self) {
        let is_held = || self.driver.as_ref().is_none_or(|driver| driver.holding.is_held());
        let has_queued = |lane| lane == LANE && self.has_queued();
        if let Some(worker) = self.idle.successor(has_queued, is_held) {
            self.unpark(worker);
        }
    }

    /// As `worker::park`.
    fn park(&self, index: usize) {
        let parker = &self.parkers[index];
        let held = self.driver.as_ref().and_then(|driver| Some((driver, driver.holding.take()?)));
        let Some((driver, part)) = held else { return parker.park() };
        let mut events = 0;
        if parker.enter_driver() {
            events = driver.wait();
            parker.leave_driver();
        }
        driver.holding.put_back(part);
        self.dispatch(events);
    }

    fn poll(&self, task: Task) {
        if task == Task::Meeting {
            let mut missing = self.missing.lock();
            *missing -= 1;
            self.met.notify_all();
            while *missing > 0 {
                missing = self.met.wait(missing);
            }
        }
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.cancel();
        }
    }
}
