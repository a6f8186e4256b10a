//! Stress: random work from a seed that is printed, under invariants that must hold whatever the
//! order is.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};

use common::probes::Dropped;
use common::{LIMIT, eventually, receive, runtime, within};
use waterwheel::{Priority, Task, block_on, spawn_task, yield_now};

/// A seed for this run, printed so that a failure can be repeated.
fn seed() -> fastrand::Rng {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    fastrand::Rng::with_seed(seed)
}

/// Sees to it that no two threads poll the future inside at once, nor after it was ready.
struct OneAtATime<F> {
    future: Pin<Box<F>>,
    polled: Arc<AtomicBool>,
    done: bool,
}

impl<F: Future> Future for OneAtATime<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        assert!(!self.polled.swap(true, Ordering::SeqCst), "two threads poll one task");
        assert!(!self.done, "a finished task is polled");
        let polled = self.future.as_mut().poll(cx);
        self.done = polled.is_ready();
        self.polled.store(false, Ordering::SeqCst);
        polled
    }
}

fn one_at_a_time<F: Future>(future: F) -> OneAtATime<F> {
    OneAtATime { future: Box::pin(future), polled: Arc::default(), done: false }
}

fn lane(random: &mut fastrand::Rng) -> Priority {
    if random.bool() { Priority::High } else { Priority::Low }
}

/// What a task of the storm does: a tree of children, awaited, cancelled or let go, with yields and
/// now and then a blocking call or a panic.
///
/// It asks for outcomes, since to await what a shutdown has cancelled is a panic, and to print one
/// with its backtrace may take longer than a shutdown waits.
fn grow(depth: u32, seed: u64, alive: Dropped) -> Pin<Box<dyn Future<Output = usize> + Send>> {
    Box::pin(one_at_a_time(async move {
        let mut random = fastrand::Rng::with_seed(seed);
        let _note = alive.note();
        let mut tasks = 1;
        for _ in 0..random.u32(0..4) {
            yield_now().await;
        }
        if depth == 0 {
            return tasks;
        }
        for _ in 0..random.u32(0..4) {
            let child = grow(depth - 1, random.u64(..), alive.clone());
            let child = spawn_task!(child, lane(&mut random));
            match random.u32(0..10) {
                0 => child.detach(),
                1 => drop(child),
                2 => tasks += child.cancel().await.unwrap_or(0),
                3 => child.abort_handle().abort(),
                4 => {
                    let call = waterwheel::spawn_blocking(std::thread::yield_now);
                    drop(call.outcome().await);
                    tasks += child.outcome().await.unwrap_or(0);
                }
                5 => {
                    let bad = spawn_task!(async { std::panic::resume_unwind(Box::new(())) });
                    assert!(bad.outcome().await.is_err());
                    tasks += child.outcome().await.unwrap_or(0);
                }
                _ => tasks += child.outcome().await.unwrap_or(0),
            }
        }
        tasks
    }))
}

#[test]
fn a_storm_of_tasks_leaves_nothing_behind() {
    within(LIMIT, || {
        let mut random = seed();
        for (high, low) in [(1, 1), (2, 2), (0, 2), (2, 0), (1, 3)] {
            let runtime = runtime(high, low);
            let alive = Dropped::default();
            let roots: Vec<_> = (0..40)
                .map(|_| {
                    let tree = grow(5, random.u64(..), alive.clone());
                    runtime.handle().spawn_with(tree, lane(&mut random))
                })
                .collect();
            for root in roots {
                assert!(block_on(root) >= 1);
            }
            eventually("all tasks are gone", || runtime.metrics().tasks_live() == 0);
            for lane in [Priority::High, Priority::Low] {
                assert_eq!(runtime.metrics().lane(lane).queue_depth, 0);
            }
            runtime.shutdown(LIMIT).expect("nothing is stuck");
        }
    });
}

#[test]
fn a_storm_cut_short_by_a_shutdown_leaves_nothing_behind() {
    within(LIMIT, || {
        let mut random = seed();
        for _ in 0..40 {
            let runtime = runtime(random.usize(0..3), 1 + random.usize(0..2));
            let (alive, dropped) = (Dropped::default(), Dropped::default());
            for _ in 0..10 {
                let (note, tree) = (dropped.note(), grow(5, random.u64(..), alive.clone()));
                let root = async move {
                    let _note = note;
                    tree.await
                };
                runtime.handle().spawn_with(root, lane(&mut random)).detach();
            }
            let polls = random.u64(0..200);
            eventually("it is under way", || {
                let metrics = runtime.metrics();
                metrics.tasks_live() == 0 || metrics.lane(Priority::Low).polls >= polls
            });
            runtime.shutdown(std::time::Duration::ZERO).expect("nothing is stuck");
            assert_eq!(dropped.count(), 10);
            assert_eq!((runtime.metrics().tasks_live(), runtime.metrics().threads()), (0, 0));
        }
    });
}

#[test]
fn a_task_that_four_threads_wake_at_will_is_polled_by_one_at_a_time() {
    const WAKES: usize = 50_000;
    within(LIMIT, || {
        let runtime = runtime(1, 2);
        let (shared, stop) =
            (Arc::new(Mutex::new(None::<Waker>)), Arc::new(AtomicBool::new(false)));
        let (slot, until) = (Arc::clone(&shared), Arc::clone(&stop));
        let task = runtime.handle().spawn(one_at_a_time(poll_fn(move |cx| {
            *slot.lock().expect("nobody panics with it") = Some(cx.waker().clone());
            if until.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..WAKES {
                        let waker = shared.lock().expect("nobody panics with it").clone();
                        if let Some(waker) = waker {
                            waker.wake();
                        }
                    }
                });
            }
        });
        stop.store(true, Ordering::SeqCst);
        let waker = shared.lock().expect("nobody panics with it").take();
        if let Some(waker) = waker {
            waker.wake();
        }
        block_on(task);
    });
}

/// A wake-up that stays until it is taken, for one waiter.
#[derive(Default)]
struct Token(Mutex<(usize, Option<Waker>)>);

impl Token {
    fn give(&self) {
        let mut state = self.0.lock().expect("nobody panics with it");
        state.0 += 1;
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn take(&self) {
        poll_fn(|cx| {
            let mut state = self.0.lock().expect("nobody panics with it");
            if state.0 > 0 {
                state.0 -= 1;
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[test]
fn no_wake_up_between_tasks_threads_and_sleeping_workers_is_lost() {
    const ROUNDS: usize = 5_000;
    within(LIMIT, || {
        let mut random = seed();
        for (high, low) in [(1, 1), (2, 2), (0, 1)] {
            let runtime = runtime(high, low);
            let pairs: Vec<_> = (0..4)
                .map(|n| {
                    let (ping, pong) = (Arc::<Token>::default(), Arc::<Token>::default());
                    let (there, back) = (Arc::clone(&ping), Arc::clone(&pong));
                    let echo = async move {
                        for _ in 0..ROUNDS {
                            there.take().await;
                            back.give();
                        }
                    };
                    let echo = runtime.handle().spawn_with(echo, lane(&mut random));
                    let call = async move {
                        for _ in 0..ROUNDS {
                            ping.give();
                            pong.take().await;
                        }
                        echo.await;
                    };
                    // Half of the callers are tasks, the others threads: so workers fall asleep.
                    if n % 2 == 0 {
                        let call = runtime.handle().spawn_with(call, lane(&mut random));
                        std::thread::spawn(move || block_on(call))
                    } else {
                        std::thread::spawn(move || block_on(call))
                    }
                })
                .collect();
            for pair in pairs {
                pair.join().expect("nothing panics");
            }
        }
    });
}

#[test]
fn every_task_of_many_spawners_runs_exactly_once() {
    const EACH: usize = 25_000;
    within(LIMIT, || {
        let mut random = seed();
        let runtime = runtime(1, 2);
        let counts: Arc<Vec<AtomicUsize>> =
            Arc::new((0..4 * EACH).map(|_| AtomicUsize::new(0)).collect());
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for spawner in 0..4 {
                let (counts, sender) = (Arc::clone(&counts), sender.clone());
                let (handle, mut random) = (runtime.handle().clone(), random.fork());
                let mut spawn = move || {
                    for n in spawner * EACH..(spawner + 1) * EACH {
                        let (counts, sender) = (Arc::clone(&counts), sender.clone());
                        let yields = random.u32(0..3);
                        let work = async move {
                            for _ in 0..yields {
                                yield_now().await;
                            }
                            counts[n].fetch_add(1, Ordering::SeqCst);
                            sender.send(()).expect("the test listens");
                        };
                        handle.spawn_with(work, lane(&mut random)).detach();
                    }
                };
                // Two from outside, two from inside, where the run queues are.
                if spawner % 2 == 0 {
                    scope.spawn(spawn);
                } else {
                    let task: Task<()> = runtime.handle().spawn(async move { spawn() });
                    task.detach();
                }
            }
        });
        (0..4 * EACH).for_each(|_| receive(&receiver));
        assert!(counts.iter().all(|count| count.load(Ordering::SeqCst) == 1));
    });
}
