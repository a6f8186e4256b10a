//! The end of a runtime: spawning against shutting down, waiting for the last task, and who closes.
//!
//! Book: chapter 19.

use std::panic::Location;
use std::time::Duration;

use loom::thread;

use super::checked;
use super::scheduler::closing::Closing;
use super::scheduler::idle::{Idle, Serves};
use super::scheduler::injector::Injector;
use super::scheduler::life::{Life, Phase};
use super::scheduler::registry::Registry;
use super::task::cell::live::Leaving;
use super::task::cell::meta::{Kind, Meta};
use super::task::cell::{Host, Runnable, Woken, allocate};
use super::task::contain::Payload;
use crate::priority::Priority;
use crate::sync::internal::{Arc, AtomicUsize, Mutex, Ordering};

/// What of `Shared` a task meets that is spawned while the runtime shuts down.
struct Runtime {
    registry: Registry<Self>,
    injector: Injector<Runnable<Self>>,
    idle: Idle,
    life: Life,
    /// What has ended, if it is put aside first.
    aside: Option<Mutex<Vec<Leaving<Self>>>>,
}

impl Host for Runtime {
    fn schedule(_: Runnable<Self>, _: Woken) {
        unreachable!("nobody wakes these tasks");
    }

    fn forget(&self, task: Leaving<Self>) -> Option<std::sync::Arc<Self>> {
        let Some(aside) = &self.aside else { return self.registry.remove(&task) };
        aside.lock().push(task);
        None
    }

    fn panicked(&self, _: &Meta<Self>, _: &Payload) {}
}

impl Runtime {
    fn new(shards: usize) -> Self {
        Self {
            registry: Registry::new(shards),
            injector: Injector::new(),
            idle: Idle::new(Serves { stealing_from: [true, true] }),
            life: Life::new(),
            aside: None,
        }
    }

    /// A task enters, if the registry is open.
    fn enter(self: &std::sync::Arc<Self>, shard: u8) -> Option<Runnable<Self>> {
        let kind = Kind::Lane(Priority::Low);
        let (newborn, task) = allocate(async {}, self, kind, shard, Location::caller(), None);
        task.fallible.detach();
        self.registry.insert(newborn).ok()
    }

    /// As `Shared::spawn` and `push_from_outside`. Was it accepted?
    fn spawn(self: &std::sync::Arc<Self>) -> bool {
        let Some(task) = self.enter(0) else { return false };
        self.injector.push(task);
        let _ = self.idle.notify(Priority::Low);
        self.life.drop_late(|| self.injector.pop(|| {}));
        true
    }

    /// As `shutdown::finish`, after the workers have left: steps 1 and 5 to 7.
    fn close(&self) {
        self.life.enter(Phase::Grace);
        self.registry.close();
        self.life.enter(Phase::Cancelling);
        self.drop_queued();
        self.life.enter(Phase::Closed);
        self.drop_queued();
    }

    fn drop_queued(&self) {
        while let Some(task) = self.injector.pop(|| {}) {
            drop(task);
        }
    }
}

fn for_ever() -> Option<Duration> {
    Some(Duration::MAX)
}

#[test]
fn a_task_spawned_during_a_shutdown_is_refused_or_dropped() {
    checked(|| {
        let runtime = std::sync::Arc::new(Runtime::new(1));
        let spawners: Vec<_> = (0..2)
            .map(|_| {
                let runtime = runtime.clone();
                thread::spawn(move || runtime.spawn())
            })
            .collect();
        runtime.close();
        assert!(!runtime.spawn(), "a closed registry accepts nobody");
        for spawner in spawners {
            spawner.join().expect("a spawner ends");
        }
        assert_eq!(runtime.registry.len(), 0, "a task escaped the shutdown");
    });
}

#[test]
fn whoever_waits_for_the_last_task_hears_of_its_end() {
    checked(|| {
        let runtime = std::sync::Arc::new(Runtime::new(2));
        let tasks = [0, 1].map(|shard| runtime.enter(shard).expect("the registry is open"));
        let polls: Vec<_> =
            tasks.into_iter().map(|task| thread::spawn(move || drop(task))).collect();
        let registry = &runtime.registry;
        registry.close();
        assert!(registry.wait_until(|| registry.len() == 0, for_ever));
        for poll in polls {
            poll.join().expect("a poll ends");
        }
    });
}

/// As `Outbox`: what has ended on another worker is put aside and counted, and taken out later. Whoever
/// waits counts it as ended, or hears of it when it is taken out.
#[test]
fn whoever_waits_for_the_last_task_hears_of_one_that_was_put_aside() {
    checked(|| {
        let runtime = Runtime { aside: Some(Mutex::default()), ..Runtime::new(1) };
        let runtime = std::sync::Arc::new(runtime);
        let aside = Arc::new(AtomicUsize::new(0));
        let task = runtime.enter(0).expect("the registry is open");
        let worker = {
            let (runtime, aside) = (runtime.clone(), aside.clone());
            thread::spawn(move || {
                drop(task);
                let ended = runtime.aside.as_ref().map(|aside| std::mem::take(&mut *aside.lock()));
                aside.store(1, Ordering::Relaxed);
                runtime.registry.remove_all(&ended.expect("it was put aside"));
                aside.store(0, Ordering::Relaxed);
            })
        };
        let registry = &runtime.registry;
        registry.close();
        let live = || {
            let aside = aside.load(Ordering::Relaxed);
            registry.len().saturating_sub(aside)
        };
        assert!(registry.wait_until(|| live() == 0, for_ever));
        worker.join().expect("the worker ends");
    });
}

#[test]
fn of_several_who_close_one_does_it_and_all_get_its_result() {
    checked(|| {
        let closing = Arc::new(Closing::new());
        let closed = Arc::new(AtomicUsize::new(0));
        let close = |closing: &Closing<usize>, closed: &AtomicUsize| {
            closing.once(|| closed.fetch_add(1, Ordering::SeqCst) + 1)
        };
        let others: Vec<_> = (0..2)
            .map(|_| {
                let (closing, closed) = (closing.clone(), closed.clone());
                thread::spawn(move || close(&closing, &closed))
            })
            .collect();
        assert_eq!(close(&closing, &closed), 1);
        for other in others {
            assert_eq!(other.join().expect("a caller ends"), 1);
        }
    });
}

/// The result of `once` is there for whoever comes while it is made, and what the closer did
/// happens before.
#[test]
fn who_waits_for_the_closer_sees_what_it_did() {
    checked(|| {
        let closing = Arc::new(Closing::new());
        let ended = Arc::new(Mutex::new(false));
        let closer = {
            let (closing, ended) = (closing.clone(), ended.clone());
            thread::spawn(move || closing.once(|| *ended.lock() = true))
        };
        closing.once(|| *ended.lock() = true);
        assert!(*ended.lock(), "it came back before the runtime was closed");
        closer.join().expect("the closer ends");
    });
}
