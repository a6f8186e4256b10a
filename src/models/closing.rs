//! The end of a runtime: spawning against shutting down, waiting for the last task, and who closes.
//!
//! Book: chapter 19.

use std::time::Duration;

use loom::thread;

use super::checked;
use super::scheduler::closing::Closing;
use super::scheduler::idle::{Idle, Serves};
use super::scheduler::injector::Injector;
use super::scheduler::life::{Life, Phase};
use super::scheduler::registry::Registry;
use super::task::cell::Kind;
use super::task::slot::Slot;
use crate::priority::Priority;
use crate::sync::internal::{Arc, AtomicUsize, Mutex, Ordering};

/// A task: when it is dropped it leaves the registry, as a task's future does.
struct Task {
    slot: Slot,
    registry: Arc<Registry<()>>,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.registry.remove(self.slot);
    }
}

/// What of `Shared` a task meets that is spawned while the runtime shuts down.
struct Runtime {
    registry: Arc<Registry<()>>,
    injector: Injector<Task>,
    idle: Idle,
    life: Life,
}

impl Runtime {
    fn new() -> Self {
        Self {
            registry: Arc::new(Registry::new(1)),
            injector: Injector::new(),
            idle: Idle::new(Serves { stealing_from: [true, true] }),
            life: Life::new(),
        }
    }

    /// As `Shared::spawn` and `push_from_outside`. Was it accepted?
    fn spawn(&self) -> bool {
        let (task, accepted) = self.registry.insert(0, Kind::Any, |slot| {
            let registry = self.registry.clone();
            let task = slot.map(|slot| Task { slot, registry });
            ((), task)
        });
        if let Some(task) = task {
            self.injector.push(task);
            let _ = self.idle.notify(Priority::Low);
            self.life.drop_late(|| self.injector.pop(|| {}));
        }
        accepted
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
        let runtime = Arc::new(Runtime::new());
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
        assert_eq!(runtime.registry.live(), 0, "a task escaped the shutdown");
    });
}

#[test]
fn whoever_waits_for_the_last_task_hears_of_its_end() {
    checked(|| {
        let registry = Arc::new(Registry::new(2));
        let tasks: Vec<_> = (0..2)
            .map(|shard| {
                let slot = registry
                    .insert(shard, Kind::Any, |slot| ((), slot))
                    .0
                    .expect("the registry is open");
                Task { slot, registry: registry.clone() }
            })
            .collect();
        let polls: Vec<_> =
            tasks.into_iter().map(|task| thread::spawn(move || drop(task))).collect();
        registry.close();
        assert!(registry.wait_until_empty(for_ever));
        for poll in polls {
            poll.join().expect("a poll ends");
        }
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
