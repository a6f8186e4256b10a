//! Time: sleeps, limits and intervals. Nearly all on a paused clock; what is about the real one
//! asserts that nothing is early and leaves lateness to the benchmarks.

use futures_lite::{FutureExt, StreamExt};
use std::future::{pending, poll_fn, ready};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use waterwheel::time::{self, Elapsed, Interval, MissedTickBehavior, Sleep, Timeout, timeout};
use waterwheel::{Runtime, Task, spawn_task};

/// Long enough for the slowest machine; a test that needs it has failed.
const WATCHDOG: Duration = Duration::from_secs(60);

const SECOND: Duration = Duration::from_secs(1);
const NANO: Duration = Duration::from_nanos(1);

fn paused() -> Runtime {
    Runtime::builder().start_paused(true).build().expect("the settings are valid")
}

fn running() -> Runtime {
    Runtime::builder().build().expect("the settings are valid")
}

/// Polls once, with a waker that does nothing.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A sleep that belongs to `runtime`, to be polled anywhere.
fn sleep_of(runtime: &Runtime, duration: Duration) -> Sleep {
    let _entered = runtime.handle().enter();
    time::sleep(duration)
}

/// Sets a flag when it is dropped.
struct Flag(Arc<AtomicBool>);

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn flag() -> (Flag, impl Fn() -> bool) {
    let dropped = Arc::new(AtomicBool::new(false));
    (Flag(dropped.clone()), move || dropped.load(Ordering::SeqCst))
}

/// Waits for a task from outside, at most as long as the watchdog allows.
fn join<T: Send + 'static>(runtime: &Runtime, task: Task<T>) -> T {
    let (sender, receiver) = mpsc::channel();
    runtime
        .handle()
        .spawn(async move {
            let _ = sender.send(task.await);
        })
        .detach();
    receiver.recv_timeout(WATCHDOG).expect("the task ends")
}

#[test]
fn public_types_can_be_sent_shared_and_printed() {
    fn check<T: Send + Sync + std::fmt::Debug>() {}
    check::<Sleep>();
    check::<Timeout<std::future::Ready<()>>>();
    check::<Elapsed>();
    check::<Interval>();
    check::<time::Tick<'_>>();
    check::<MissedTickBehavior>();
}

#[test]
fn a_sleep_ends_exactly_when_its_time_has_passed() {
    paused().block_on(async {
        for duration in [NANO, Duration::from_micros(999), SECOND, 100 * 86_400 * SECOND] {
            let mut sleep = pin!(time::sleep(duration));
            assert!(poll(sleep.as_mut()).is_pending());
            time::advance(duration - NANO);
            assert!(poll(sleep.as_mut()).is_pending(), "early: {duration:?}");
            time::advance(NANO);
            assert!(poll(sleep.as_mut()).is_ready(), "late: {duration:?}");
            assert!(poll(sleep.as_mut()).is_ready(), "ready stays ready");
        }
    });
}

#[test]
fn a_sleep_counts_from_its_construction_and_not_from_its_first_poll() {
    paused().block_on(async {
        let sleep = time::sleep(SECOND);
        time::advance(SECOND);
        assert!(poll(pin!(sleep)).is_ready());
    });
}

#[test]
fn a_sleep_until_a_time_that_has_passed_is_ready_at_once() {
    paused().block_on(async {
        let start = time::now();
        time::advance(SECOND);
        assert!(poll(pin!(time::sleep_until(start))).is_ready());
        assert!(poll(pin!(time::sleep(Duration::ZERO))).is_ready());
    });
}

#[test]
fn a_task_that_sleeps_is_woken_by_its_time_and_its_neighbours_run_meanwhile() {
    let runtime = paused();
    let (sender, receiver) = mpsc::channel();
    let sleeper = runtime.handle().spawn(async move {
        time::sleep(SECOND).await;
        sender.send("slept").expect("the test listens");
    });
    let neighbour = runtime.handle().spawn(async { 7 });
    assert_eq!(join(&runtime, neighbour), 7);
    assert!(receiver.try_recv().is_err(), "the clock stands still");
    while !sleeper.is_finished() {
        // Its first poll may come after an advance; then the next one counts.
        runtime.block_on(async { time::advance(SECOND) });
        std::thread::yield_now();
    }
    assert_eq!(receiver.recv_timeout(WATCHDOG), Ok("slept"));
}

#[test]
fn sleeps_on_the_real_clock_are_never_early() {
    let runtime = running();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let tasks: Vec<_> = (0..2_000)
        .map(|_| {
            let duration = Duration::from_nanos(random.u64(0..80_000_000));
            runtime.handle().spawn(async move {
                let start = Instant::now();
                time::sleep(duration).await;
                assert!(start.elapsed() >= duration, "early");
            })
        })
        .collect();
    for task in tasks {
        join(&runtime, task);
    }
}

#[test]
fn ten_thousand_sleepers_of_one_duration_all_end() {
    let runtime = running();
    let start = Instant::now();
    let sleepers: Vec<_> = (0..10_000)
        .map(|_| runtime.handle().spawn(async { time::sleep(Duration::from_millis(20)).await }))
        .collect();
    for sleeper in sleepers {
        join(&runtime, sleeper);
    }
    assert!(start.elapsed() >= Duration::from_millis(20));
}

#[test]
fn a_thousand_sleeps_of_no_time_end() {
    let runtime = running();
    let task = runtime.handle().spawn(async {
        for _ in 0..1_000 {
            time::sleep(Duration::ZERO).await;
        }
    });
    join(&runtime, task);
}

#[test]
fn durations_beyond_all_reckoning_neither_panic_nor_end() {
    paused().block_on(async {
        let mut sleeps: Vec<_> = [Duration::MAX, Duration::from_millis(u64::MAX)]
            .map(|duration| Box::pin(time::sleep(duration)))
            .into();
        let mut limit = pin!(timeout(Duration::MAX, pending::<()>()));
        let mut ticks = time::interval(Duration::MAX);
        ticks.tick().await;
        for _ in 0..20 {
            assert!(sleeps.iter_mut().all(|sleep| poll(sleep.as_mut()).is_pending()));
            assert!(poll(limit.as_mut()).is_pending());
            assert!(poll(pin!(ticks.tick())).is_pending());
            time::advance(365 * 86_400 * SECOND);
        }
    });
}

#[test]
fn a_sleep_that_is_reset_ends_at_its_newest_deadline() {
    paused().block_on(async {
        let start = time::now();
        let mut sleep = pin!(time::sleep(10 * SECOND));
        assert!(poll(sleep.as_mut()).is_pending());

        sleep.as_mut().reset(start + 20 * SECOND);
        assert_eq!(sleep.deadline(), start + 20 * SECOND);
        assert!(poll(sleep.as_mut()).is_pending());
        time::advance(10 * SECOND);
        assert!(poll(sleep.as_mut()).is_pending(), "later");

        sleep.as_mut().reset(start + 12 * SECOND);
        assert!(poll(sleep.as_mut()).is_pending());
        time::advance(2 * SECOND);
        assert!(poll(sleep.as_mut()).is_ready(), "earlier");

        sleep.as_mut().reset(start + 13 * SECOND);
        assert!(!sleep.is_elapsed());
        assert!(poll(sleep.as_mut()).is_pending(), "again, after it was over");
        sleep.as_mut().reset(start);
        assert!(poll(sleep.as_mut()).is_ready(), "to a time that has passed");
    });
}

#[test]
fn a_sleep_that_is_reset_while_a_task_waits_wakes_it_at_the_new_deadline() {
    let runtime = paused();
    let start = runtime.block_on(async { time::now() });
    let task = runtime.handle().spawn(async move {
        let mut sleep = pin!(time::sleep(3_600 * SECOND));
        assert!(poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await.is_pending());
        sleep.as_mut().reset(start + SECOND);
        sleep.await;
        time::now() - start
    });
    while !task.is_finished() {
        runtime.block_on(async {
            if time::now() < start + SECOND {
                time::advance(SECOND);
            }
        });
        std::thread::yield_now();
    }
    assert_eq!(join(&runtime, task), SECOND);
}

#[test]
fn a_sleep_may_be_polled_by_another_task_and_wakes_the_one_that_polled_last() {
    let runtime = paused();
    let mut sleep = Box::pin(sleep_of(&runtime, SECOND));
    let first_wakes = Arc::new(Wakes::default());
    let waker = Waker::from(first_wakes.clone());
    assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let (polled, was_polled) = mpsc::channel();
    let task = runtime.handle().spawn(async move {
        assert!(poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await.is_pending());
        polled.send(()).expect("the test listens");
        sleep.await;
    });
    was_polled.recv_timeout(WATCHDOG).expect("the task runs");
    runtime.block_on(async { time::advance(SECOND) });
    join(&runtime, task);
    assert_eq!(first_wakes.0.load(Ordering::SeqCst), 0);
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl std::task::Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn dropping_a_sleep_takes_its_timer_out() {
    let runtime = paused();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    runtime.block_on(async {
        for _ in 0..1_000 {
            let mut sleep = pin!(time::sleep(SECOND));
            assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
    });
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1, "no timer holds the waker");
    runtime.block_on(async {
        time::advance(SECOND);
        time::sleep(Duration::ZERO).await;
    });
    assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
}

#[test]
fn a_future_that_is_ready_in_time_hands_out_its_value() {
    paused().block_on(async {
        assert_eq!(timeout(SECOND, ready(5)).await, Ok(5));
        assert_eq!(timeout(Duration::ZERO, ready(6)).await, Ok(6), "ready wins");
        assert_eq!(timeout(Duration::MAX, async { 7 }).await, Ok(7));
    });
}

#[test]
fn a_future_that_takes_too_long_is_dropped_before_the_error_is_seen() {
    paused().block_on(async {
        let (guard, dropped) = flag();
        let mut limited = pin!(timeout(SECOND, async move {
            let _guard = guard;
            pending::<()>().await;
        }));
        assert!(poll(limited.as_mut()).is_pending());
        time::advance(SECOND - NANO);
        assert!(poll(limited.as_mut()).is_pending());
        assert!(!dropped());
        time::advance(NANO);
        let Poll::Ready(Err(elapsed)) = poll(limited.as_mut()) else { panic!("time is up") };
        assert!(dropped());
        assert_eq!(elapsed.to_string(), "the deadline has elapsed");
        assert_eq!(io::Error::from(elapsed).kind(), io::ErrorKind::TimedOut);
    });
}

#[test]
fn a_future_that_is_ready_as_its_time_is_up_wins() {
    paused().block_on(async {
        let deadline = time::now() + SECOND;
        let mut limited = pin!(timeout(SECOND, time::sleep_until(deadline)));
        assert!(poll(limited.as_mut()).is_pending());
        time::advance(SECOND);
        assert_eq!(poll(limited.as_mut()), Poll::Ready(Ok(())));
    });
}

#[test]
fn no_time_at_all_is_up_at_the_first_poll() {
    paused().block_on(async {
        assert!(poll(pin!(timeout(Duration::ZERO, pending::<()>()))).is_ready());
    });
}

#[test]
fn a_future_that_always_uses_up_its_budget_still_meets_its_limit() {
    let runtime = running();
    let task = runtime.handle().spawn(timeout_of_greed());
    assert!(join(&runtime, task).is_err());
}

async fn timeout_of_greed() -> Result<(), Elapsed> {
    timeout(Duration::from_millis(20), async {
        loop {
            // Each of these takes one unit, until none is left.
            time::sleep(Duration::ZERO).await;
        }
    })
    .await
}

#[test]
fn an_interval_ticks_at_once_and_then_once_a_period() {
    paused().block_on(async {
        let start = time::now();
        let mut ticks = time::interval(SECOND);
        assert_eq!(ticks.period(), SECOND);
        for number in 0..5 {
            assert_eq!(ticks.tick().await, start + number * SECOND);
            assert!(poll(pin!(ticks.tick())).is_pending());
            time::advance(SECOND);
        }
    });
}

/// The times at which an interval of 10 s ticks if nobody asks between 10 s and 47 s.
fn ticks_after_a_pause(behavior: MissedTickBehavior) -> Vec<u64> {
    paused().block_on(async {
        let start = time::now();
        let mut ticks = time::interval(10 * SECOND);
        ticks.set_missed_tick_behavior(behavior);
        assert_eq!(ticks.missed_tick_behavior(), behavior);
        let mut seen = Vec::new();
        for second in 0..=67 {
            let asks = second <= 10 || second >= 47;
            while asks && poll(pin!(ticks.tick())).is_ready() {
                seen.push((time::now() - start).as_secs());
            }
            time::advance(SECOND);
        }
        seen
    })
}

#[test]
fn missed_ticks_come_at_once_move_the_schedule_or_are_left_out() {
    use MissedTickBehavior::{Burst, Delay, Skip};
    assert_eq!(ticks_after_a_pause(Burst), [0, 10, 47, 47, 47, 50, 60]);
    assert_eq!(ticks_after_a_pause(Delay), [0, 10, 47, 57, 67]);
    assert_eq!(ticks_after_a_pause(Skip), [0, 10, 47, 50, 60]);
}

#[test]
fn an_interval_is_a_stream_starts_where_it_is_told_and_can_start_anew() {
    paused().block_on(async {
        let start = time::now() + 5 * SECOND;
        let mut ticks = time::interval_at(start, SECOND);
        assert!(poll(pin!(ticks.next())).is_pending());
        time::advance(5 * SECOND);
        assert_eq!(ticks.next().await, Some(start));
        time::advance(SECOND / 2);
        ticks.reset();
        time::advance(SECOND / 2);
        assert!(poll(pin!(ticks.tick())).is_pending(), "a whole period from the reset");
        time::advance(SECOND / 2);
        assert_eq!(ticks.tick().await, start + SECOND + SECOND / 2);
    });
}

#[test]
fn a_tick_whose_future_is_dropped_is_not_lost() {
    paused().block_on(async {
        let start = time::now();
        let mut ticks = time::interval(SECOND);
        ticks.tick().await;
        for _ in 0..3 {
            assert!(poll(pin!(ticks.tick())).is_pending());
        }
        time::advance(SECOND);
        drop(ticks.tick());
        assert_eq!(ticks.tick().await, start + SECOND);
    });
}

#[test]
fn an_interval_of_no_time_panics_where_it_was_made() {
    static PLACE: Mutex<Option<(String, u32)>> = Mutex::new(None);
    let runtime = paused();
    let (mine, previous) = (std::thread::current().id(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == mine {
            let place = panic.location().map(|place| (place.file().to_owned(), place.line()));
            *PLACE.lock().expect("nobody panics in here") = place;
        } else {
            previous(panic);
        }
    }));
    let line = line!() + 3;
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _entered = runtime.handle().enter();
        drop(time::interval(Duration::ZERO));
    }));
    assert!(panicked.is_err());
    let place = PLACE.lock().expect("nobody panics in here").take();
    assert_eq!(place, Some((file!().to_owned(), line)));
}

#[test]
fn only_a_paused_clock_can_be_advanced() {
    let runtime = running();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async { time::advance(SECOND) });
    }));
    assert!(panicked.is_err());
}

#[test]
fn a_periodic_task_leaves_its_only_worker_to_others() {
    // One worker; the periodic task must not sit on it between its ticks.
    let runtime = Runtime::builder()
        .with_high_num(0)
        .with_low_num(1)
        .start_paused(true)
        .build()
        .expect("the settings are valid");
    let ticks = Arc::new(AtomicUsize::new(0));
    let count = ticks.clone();
    let background = runtime.handle().spawn(async move {
        let mut interval = time::interval(SECOND);
        loop {
            interval.tick().await;
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let others = runtime.handle().spawn(async {
        for _ in 0..10_000 {
            waterwheel::yield_now().await;
        }
    });
    join(&runtime, others);
    while ticks.load(Ordering::SeqCst) < 10 {
        let before = ticks.load(Ordering::SeqCst);
        runtime.block_on(async { time::advance(SECOND) });
        while ticks.load(Ordering::SeqCst) == before {
            std::thread::yield_now();
        }
    }
    drop(background);
}

#[test]
fn timers_that_come_due_while_all_workers_are_busy_fire_late_and_never_not() {
    let runtime = Runtime::builder()
        .with_high_num(0)
        .with_low_num(1)
        .build()
        .expect("the settings are valid");
    let start = Instant::now();
    let sleepers: Vec<_> = (1..=20)
        .map(|millis| {
            runtime.handle().spawn(async move {
                time::sleep(Duration::from_millis(millis)).await;
            })
        })
        .collect();
    let busy = runtime.handle().spawn(async move {
        // Sits on the only worker until all of them are due.
        while start.elapsed() < Duration::from_millis(30) {
            std::hint::spin_loop();
        }
    });
    join(&runtime, busy);
    for sleeper in sleepers {
        join(&runtime, sleeper);
    }
}

#[test]
fn a_sleep_polled_after_its_runtime_is_gone_panics_and_says_why() {
    let runtime = running();
    let mut sleep = Box::pin(sleep_of(&runtime, 3_600 * SECOND));
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    runtime.shutdown(SECOND).expect("nothing runs");
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1, "whoever waits is told");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll(sleep.as_mut())));
    let payload = panicked.expect_err("it would wait for ever");
    let message = payload.downcast_ref::<String>().expect("it is a message");
    assert!(message.contains("shut down"), "{message}");
}

#[test]
fn sleeps_race_each_other_and_the_loser_is_taken_out() {
    let runtime = running();
    let task = runtime.handle().spawn(async {
        for _ in 0..2_000 {
            let short = async {
                time::sleep(Duration::from_micros(50)).await;
                true
            };
            let long = async {
                time::sleep(WATCHDOG).await;
                false
            };
            assert!(short.or(long).await);
        }
    });
    join(&runtime, task);
}

#[test]
fn the_process_default_also_keeps_time() {
    let done = waterwheel::block_on(async {
        spawn_task!(async {
            time::sleep(Duration::from_millis(1)).await;
            true
        })
        .await
    });
    assert!(done);
}
