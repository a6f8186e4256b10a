//! The life of a runtime: made and dropped a thousand times, from odd places, with what outlives it.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::cell::RefCell;
use std::future::{pending, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Waker;
use std::time::Duration;

use common::child::in_child;
use common::probes::{Counted, Dropped, StoreWaker};
use common::{LIMIT, descriptors, eventually, receive, runtime, threads, within};
use waterwheel::time::sleep;
use waterwheel::{Handle, Priority, Runtime, Task, block_on, spawn_task, yield_now};

#[test]
fn a_thousand_runtimes_leave_no_thread_and_no_descriptor() {
    let name = "a_thousand_runtimes_leave_no_thread_and_no_descriptor";
    let child = in_child(name, None, || {
        let (before, dropped) = ((threads(), descriptors()), Dropped::default());
        for n in 0..1_000 {
            let runtime = runtime(1, 1);
            let note = dropped.note();
            let waits = async move {
                let _note = note;
                let listener = waterwheel::net::TcpListener::bind("127.0.0.1:0").await;
                let listener = listener.expect("the system finds a port");
                sleep(Duration::from_secs(1_000)).await;
                drop(listener);
            };
            let task = runtime.handle().spawn(waits);
            if n % 10 == 0 {
                block_on(runtime.handle().spawn_blocking(|| ()));
            }
            match n % 3 {
                0 => drop(runtime),
                1 => runtime.shutdown(Duration::ZERO).expect("nothing is stuck"),
                _ => {
                    task.detach();
                    continue;
                }
            }
            assert!(block_on(task.outcome()).is_err());
        }
        assert_eq!(dropped.count(), 1_000);
        // A joined thread is gone from the list a moment later.
        eventually("all threads are gone", || threads() == before.0);
        assert_eq!(descriptors(), before.1);
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn a_hundred_runtimes_live_at_once_and_use_each_other() {
    within(LIMIT, || {
        let mut runtimes: Vec<Runtime> = (0..100).map(|_| runtime(0, 1)).collect();
        let handles: Vec<Handle> = runtimes.iter().map(|r| r.handle().clone()).collect();
        // A task on each awaits one on the next.
        let mut task: Task<usize> = handles[0].spawn(ready(1));
        for handle in &handles[1..] {
            task = handle.spawn(async move { task.await + 1 });
        }
        assert_eq!(block_on(task), 100);
        let odd: Vec<_> = (0..50).map(|n| runtimes.swap_remove(n)).collect();
        drop(odd);
        for runtime in &runtimes {
            assert_eq!(block_on(runtime.handle().spawn(ready(2))), 2);
        }
    });
}

#[test]
fn dropping_a_runtime_waits_for_its_tasks_to_be_dropped() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let counted = Counted::new();
        for n in 0..100 {
            let lane = if n % 2 == 0 { Priority::High } else { Priority::Low };
            let endless = counted.of(async {
                loop {
                    yield_now().await;
                }
            });
            runtime.handle().spawn_with(endless, lane).detach();
        }
        let (begun, begins) = mpsc::channel();
        let ended = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ended);
        let call = move || {
            begun.send(()).expect("the test listens");
            (0..1_000).for_each(|_| std::thread::yield_now());
            count.fetch_add(1, Ordering::SeqCst);
        };
        runtime.handle().spawn_blocking(call).detach();
        receive(&begins);
        drop(runtime);
        assert_eq!(counted.drops(), 100);
        assert_eq!(ended.load(Ordering::SeqCst), 1, "it has waited for the blocking call");
    });
}

#[test]
fn a_runtime_dropped_inside_a_task_of_another_one_or_of_its_own_ends_soon() {
    within(LIMIT, || {
        for own in [false, true] {
            let (outer, inner) = (runtime(0, 1), runtime(0, 1));
            let dropped = Dropped::default();
            let note = dropped.note();
            let held = async move {
                let _note = note;
                pending::<()>().await;
            };
            inner.handle().spawn(held).detach();
            let handle = if own { inner.handle().clone() } else { outer.handle().clone() };
            let (sender, receiver) = mpsc::channel();
            let drops = async move {
                drop(inner);
                sender.send("it did not wait").expect("the test listens");
            };
            handle.spawn(drops).detach();
            assert_eq!(receive(&receiver), "it did not wait");
            eventually("its tasks are dropped", || dropped.count() == 1);
            assert_eq!(block_on(outer.handle().spawn(ready(1))), 1);
        }
    });
}

#[test]
fn a_runtime_dropped_inside_block_on_ends_soon() {
    within(LIMIT, || {
        let (outer, inner) = (runtime(0, 1), runtime(0, 1));
        let counted = Counted::new();
        inner.handle().spawn(counted.of(pending::<()>())).detach();
        let handle = inner.handle().clone();
        outer.block_on(async move { drop(inner) });
        eventually("its tasks are dropped", || counted.drops() == 1);
        let inner = runtime(0, 1);
        let own = inner.handle().clone();
        inner.handle().spawn(counted.of(pending::<()>())).detach();
        own.block_on(async move { drop(inner) });
        eventually("its tasks are dropped", || counted.drops() == 2);
        assert!(handle.spawn(ready(1)).is_finished(), "nothing runs there any more");
    });
}

#[test]
fn a_runtime_dropped_inside_a_blocking_call_of_its_own_ends_soon() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let counted = Counted::new();
        let handle = runtime.handle().clone();
        handle.spawn(counted.of(pending::<()>())).detach();
        let call = handle.spawn_blocking(move || drop(runtime));
        block_on(call);
        eventually("its tasks are dropped", || counted.drops() == 1);
    });
}

#[test]
fn the_last_owner_of_a_runtime_may_be_a_task_of_it() {
    within(LIMIT, || {
        for _ in 0..200 {
            let runtime = Arc::new(runtime(1, 1));
            let (store, dropped) = (StoreWaker::new(), Dropped::default());
            let (own, waits, note) = (Arc::clone(&runtime), store.clone(), dropped.note());
            let last = async move {
                let _held = (own, note);
                waits.await;
            };
            let handle = runtime.handle().clone();
            handle.spawn(last).detach();
            drop(runtime);
            store.finish();
            eventually("the task ends, and the runtime with it", || dropped.count() == 1);
            eventually("no thread is left", || handle.metrics().threads() == 0);
        }
    });
}

#[test]
fn a_task_that_owns_a_handle_of_its_runtime_does_not_keep_it_alive() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let (counted, handle) = (Counted::new(), runtime.handle().clone());
        let keeps = counted.of(async move {
            pending::<()>().await;
            drop(handle);
        });
        runtime.handle().spawn(keeps).detach();
        drop(runtime);
        assert_eq!(counted.drops(), 1);
    });
}

#[test]
fn wakers_and_handles_outlive_their_runtime_and_do_nothing() {
    static KEPT: Mutex<Vec<Waker>> = Mutex::new(Vec::new());
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let stores: Vec<_> = (0..100).map(|_| StoreWaker::new()).collect();
        let tasks: Vec<_> = stores.iter().map(|s| runtime.handle().spawn(s.clone())).collect();
        for store in &stores {
            eventually("it waits", || store.waker().is_some());
            KEPT.lock().expect("nobody panics with it").extend(store.waker());
        }
        let handle = runtime.handle().clone();
        drop(runtime);
        let kept = std::mem::take(&mut *KEPT.lock().expect("nobody panics with it"));
        std::thread::scope(|scope| {
            for some in kept.chunks(13) {
                scope.spawn(move || {
                    for waker in some {
                        waker.wake_by_ref();
                        let clone = waker.clone();
                        clone.wake();
                        drop(waker.clone());
                    }
                });
            }
        });
        drop(kept);
        for task in tasks {
            assert!(block_on(task.outcome()).is_err());
        }
        assert_eq!(handle.metrics().lane(Priority::Low).queue_depth, 0);
        assert_eq!(handle.metrics().tasks_live(), 0);
    });
}

#[test]
fn a_waker_of_a_dead_runtime_writes_to_no_descriptor_of_somebody_else() {
    use std::io::Read;
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let store = StoreWaker::new();
        let task = runtime.handle().spawn(store.clone());
        eventually("it waits", || store.waker().is_some());
        let waker = store.waker().expect("it waits");
        drop((task, store));
        drop(runtime);
        // These take the numbers that are free now, those of the driver among them.
        let mut pipes: Vec<_> =
            (0..16).map(|_| std::io::pipe().expect("descriptors are free")).collect();
        (0..100).for_each(|_| waker.wake_by_ref());
        drop(waker);
        for (mut reader, writer) in pipes.drain(..) {
            drop(writer);
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).expect("a pipe can be read");
            assert!(bytes.is_empty());
        }
    });
}

#[test]
fn guards_dropped_out_of_order_leave_the_right_runtime_current() {
    within(LIMIT, || {
        let named = |name: &str| {
            let builder = Runtime::builder().with_high_num(0).with_low_num(1).thread_name(name);
            builder.build().expect("it can be built")
        };
        let current = || {
            let name = async { std::thread::current().name().expect("it has one").to_owned() };
            block_on(spawn_task!(name))
        };
        let (one, two, three) = (named("one"), named("two"), named("three"));
        let first = one.handle().enter();
        let second = two.handle().enter();
        let third = three.handle().enter();
        assert_eq!(current(), "three-low-0");
        drop(first);
        assert_eq!(current(), "three-low-0");
        drop(third);
        assert_eq!(current(), "two-low-0");
        let again = one.handle().enter();
        assert_eq!(three.block_on(async { current() }), "three-low-0");
        assert_eq!(current(), "one-low-0");
        drop(second);
        assert_eq!(current(), "one-low-0");
        // A guard does not keep its runtime alive, nor stop it from ending.
        drop(one);
        assert!(spawn_task!(ready(1)).is_finished());
        drop(again);
    });
}

#[test]
fn inside_a_task_and_a_blocking_call_its_own_runtime_is_current() {
    within(LIMIT, || {
        let (one, two) = (runtime(0, 1), runtime(0, 1));
        let _other = two.handle().enter();
        block_on(one.handle().spawn(async { spawn_task!(yield_now()).await }));
        block_on(one.handle().spawn_blocking(|| block_on(spawn_task!(ready(())))));
        assert_eq!(one.metrics().tasks_spawned(), 4);
        assert_eq!(two.metrics().tasks_spawned(), 0);
    });
}

/// Keeps what it is given until the destructors of its thread's locals run, then uses all of it.
struct AtTheEnd {
    handle: Handle,
    waker: Waker,
    task: Option<Task<()>>,
    runtime: Option<Runtime>,
    log: mpsc::Sender<&'static str>,
}

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        self.waker.wake_by_ref();
        self.log.send("woken").expect("the test listens");
        drop(self.task.take());
        self.handle.spawn(ready(())).detach();
        self.log.send("spawned").expect("the test listens");
        let _ = Handle::try_current();
        let guard = self.handle.enter();
        drop(guard);
        self.log.send("entered").expect("the test listens");
        assert_eq!(self.handle.block_on(ready(3)), 3);
        assert_eq!(block_on(yield_now()), ());
        self.log.send("blocked").expect("the test listens");
        drop(self.runtime.take());
        self.log.send("dropped").expect("the test listens");
    }
}

thread_local! {
    static LAST: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
}

fn keep(runtime: Runtime, log: mpsc::Sender<&'static str>) {
    let store = StoreWaker::new();
    let task = runtime.handle().spawn(store.clone());
    eventually("it waits", || store.waker().is_some());
    let waker = store.waker().expect("it waits");
    let handle = runtime.handle().clone();
    let all = AtTheEnd { handle, waker, task: Some(task), runtime: Some(runtime), log };
    LAST.set(Some(all));
}

#[test]
fn destructors_of_a_threads_locals_may_use_and_drop_a_runtime() {
    let name = "destructors_of_a_threads_locals_may_use_and_drop_a_runtime";
    let child = in_child(name, None, || {
        for ours_first in [false, true] {
            let (log, logged) = mpsc::channel();
            let thread = std::thread::spawn(move || {
                // Locals are destroyed in the reverse order of their first use, or in its order:
                // each of the two cases has one of them gone when the other still needs it.
                if ours_first {
                    LAST.with_borrow(|last| assert!(last.is_none()));
                }
                let runtime = runtime(1, 1);
                runtime.block_on(async { spawn_task!(yield_now()).await });
                keep(runtime, log);
            });
            thread.join().expect("nothing panics");
            assert_eq!(
                logged.iter().collect::<Vec<_>>(),
                ["woken", "spawned", "entered", "blocked", "dropped"]
            );
        }
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn a_runtime_kept_in_the_locals_of_its_own_worker_can_end() {
    let name = "a_runtime_kept_in_the_locals_of_its_own_worker_can_end";
    let child = in_child(name, None, || {
        let runtime = runtime(0, 1);
        let handle = runtime.handle().clone();
        let (log, logged) = mpsc::channel();
        let store = StoreWaker::new();
        let waker = Waker::noop().clone();
        let all = AtTheEnd {
            handle: handle.clone(),
            waker,
            task: Some(handle.spawn(store)),
            runtime: Some(runtime),
            log,
        };
        block_on(handle.spawn(async move { LAST.set(Some(all)) }));
        handle.shutdown(Duration::ZERO).expect("nothing is stuck");
        assert_eq!(logged.iter().last(), Some("dropped"));
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn a_process_may_return_from_main_with_a_runtime_that_lives() {
    let child = in_child("a_process_may_return_from_main_with_a_runtime_that_lives", None, || {
        let runtime = runtime(1, 1);
        for _ in 0..100 {
            let busy = async {
                loop {
                    yield_now().await;
                }
            };
            runtime.handle().spawn(busy).detach();
        }
        spawn_task!(pending::<()>()).detach(); // The process default lives as well.
        std::mem::forget(runtime);
    });
    if let Some(child) = child {
        child.ended_well();
    }
}

#[test]
fn a_task_may_end_the_process() {
    let child = in_child("a_task_may_end_the_process", None, || {
        let runtime = runtime(1, 1);
        runtime.handle().spawn(async { std::process::exit(42) }).detach();
        block_on(pending::<()>());
    });
    if let Some(child) = child {
        child.exited_with(42);
    }
}

#[test]
fn no_descriptor_of_a_runtime_reaches_a_program_that_is_started() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let sockets = runtime.block_on(async {
            let listener = waterwheel::net::TcpListener::bind("127.0.0.1:0").await;
            let listener = listener.expect("the system finds a port");
            let address = listener.local_addr().expect("it is bound");
            let stream = waterwheel::net::TcpStream::connect(address).await;
            (listener, stream.expect("it is listened to"))
        });
        let ls = std::process::Command::new("ls").args(["-l", "/proc/self/fd"]).output();
        let output = ls.expect("ls is there");
        let list = String::from_utf8_lossy(&output.stdout);
        for kind in ["socket:", "[eventpoll]", "[timerfd]", "[eventfd]"] {
            assert!(!list.contains(kind), "{list}");
        }
        drop(sockets);
    });
}

#[test]
fn a_runtime_may_be_moved_to_another_thread_and_dropped_there() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let counted = Counted::new();
        runtime.handle().spawn(counted.of(pending::<()>())).detach();
        let small = std::thread::Builder::new().stack_size(64 * 1024);
        let thread = small.spawn(move || drop(runtime)).expect("a thread can be started");
        thread.join().expect("dropping does not panic");
        assert_eq!(counted.drops(), 1);
    });
}

#[test]
fn tasks_of_one_runtime_that_is_dropped_release_those_who_await_them_elsewhere() {
    within(LIMIT, || {
        let (one, two) = (runtime(0, 1), runtime(0, 1));
        let waits = two.handle().spawn(one.handle().spawn(pending::<()>()).outcome());
        let guard = one.handle().enter();
        let far = sleep(Duration::from_secs(1_000));
        drop(guard);
        drop(one);
        assert!(block_on(waits).expect_err("its runtime is gone").is_cancelled());
        drop(far); // A timer of a runtime that is gone can be dropped anywhere.
        drop(two);
    });
}
