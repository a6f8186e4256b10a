//! The driver without a runtime: a test holds it itself, or lets a thread of its own turn it.

use super::reactor::Moved;
use super::*;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Poll, Wake};
use std::thread::JoinHandle;
use std::time::Instant;

/// Long enough for the slowest machine; a test that needs it has failed.
const WATCHDOG: Duration = Duration::from_secs(60);

fn manual() -> Arc<Driver> {
    Arc::new(Driver::new(Clock::manual()).expect("descriptors are free"))
}

fn system() -> Arc<Driver> {
    Arc::new(Driver::new(Clock::system()).expect("descriptors are free"))
}

/// One turn without waiting, and the wakes it asks for.
fn turn(driver: &Driver) -> usize {
    turn_and(driver, Wait::Never)
}

fn turn_and(driver: &Driver, wait: Wait) -> usize {
    let mut ready = Vec::new();
    driver.try_hold().expect("nobody else holds it").turn(wait, &mut ready);
    let count = ready.len();
    ready.into_iter().for_each(Waker::wake);
    count
}

/// A thread that turns a driver until it is dropped.
struct Turner {
    driver: Arc<Driver>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Turner {
    fn new(driver: &Arc<Driver>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (driver, flag) = (driver.clone(), stop.clone());
        let turned = driver.clone();
        let thread = std::thread::spawn(move || {
            while !flag.load(Ordering::SeqCst) {
                turn_and(&turned, Wait::ForEvents);
            }
        });
        Self { driver, stop, thread: Some(thread) }
    }
}

impl Drop for Turner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.driver.unpark();
        let thread = self.thread.take().expect("it is dropped once");
        if !std::thread::panicking() {
            thread.join().expect("turning does not panic");
        }
    }
}

/// A waker that does something.
struct OnWake<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for OnWake<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn on_wake(action: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(OnWake(action)))
}

fn after(driver: &Driver, duration: Duration) -> Instant {
    Clock::deadline(driver.clock().now(), duration)
}

type Socket = Registered<mio::net::UnixStream>;

fn pair(driver: &Arc<Driver>) -> (Socket, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("descriptors are free");
    ours.set_nonblocking(true).expect("it is a socket");
    let ours = mio::net::UnixStream::from_std(ours);
    let ours = Registered::new(driver.clone(), ours, Interest::BOTH).expect("the driver is open");
    (ours, theirs)
}

fn poll_read(socket: &Socket, cx: &mut Context<'_>) -> Poll<io::Result<u8>> {
    socket.poll_io(cx, Direction::Read, |mut stream| {
        let mut byte = [0];
        let moved = stream.read(&mut byte)?;
        Ok((byte[0], Moved::new(moved, 1)))
    })
}

fn sources(driver: &Driver) -> usize {
    driver.reactor.registered()
}

#[test]
fn at_most_one_thread_holds_the_driver() {
    let driver = manual();
    let hold = driver.try_hold();
    assert!(hold.is_some());
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(driver.try_hold().is_none()));
    });
    drop(hold);
    assert!(driver.try_hold().is_some());
}

#[test]
fn an_unpark_ends_the_next_wait_even_if_a_turn_without_waiting_comes_between() {
    let driver = manual();
    driver.unpark();
    turn(&driver);
    assert_eq!(turn_and(&driver, Wait::ForEvents), 0, "it returns at once");
}

#[test]
fn an_unpark_from_another_thread_ends_the_wait_under_way() {
    let driver = system();
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..10_000 {
                turn_and(&driver, Wait::ForEvents);
                sender.send(round).expect("the test listens");
            }
        });
        for round in 0..10_000 {
            driver.unpark();
            assert_eq!(receiver.recv_timeout(WATCHDOG), Ok(round));
        }
    });
}

#[test]
fn a_timer_fires_when_the_clock_comes_to_it_and_not_before() {
    let driver = manual();
    let fired = Arc::new(AtomicUsize::new(0));
    let waker = on_wake({
        let fired = fired.clone();
        move || _ = fired.fetch_add(1, Ordering::SeqCst)
    });
    for millis in [0, 1, 50, 3_000, 86_400_000] {
        let duration = Duration::from_millis(millis);
        let before = fired.load(Ordering::SeqCst);
        driver
            .add_timer(driver.clock().moment_of(after(&driver, duration)), &waker)
            .expect("the driver is open");
        if let Some(almost) = duration.checked_sub(Duration::from_nanos(1)) {
            assert!(driver.advance_clock(almost));
            turn(&driver);
            assert_eq!(fired.load(Ordering::SeqCst), before, "early: {millis} ms");
            assert!(driver.advance_clock(Duration::from_nanos(1)));
        }
        turn(&driver);
        assert_eq!(fired.load(Ordering::SeqCst), before + 1, "late: {millis} ms");
    }
}

#[test]
fn timers_fire_in_the_order_of_their_deadlines() {
    let driver = manual();
    let order = Arc::new(Mutex::new(Vec::new()));
    for millis in [700, 3, 90_000, 40, 1_000_000] {
        let waker = on_wake({
            let order = order.clone();
            move || order.lock().expect("no test panics in here").push(millis)
        });
        let deadline = after(&driver, Duration::from_millis(millis));
        driver.add_timer(driver.clock().moment_of(deadline), &waker).expect("the driver is open");
    }
    assert!(driver.advance_clock(Duration::from_secs(2_000)));
    turn(&driver);
    assert_eq!(*order.lock().expect("no test panics in here"), [3, 40, 700, 90_000, 1_000_000]);
}

#[test]
fn huge_durations_are_far_and_nothing_more() {
    let driver = manual();
    for duration in [Duration::MAX, Duration::from_millis(u64::MAX)] {
        let deadline = after(&driver, duration);
        driver
            .add_timer(driver.clock().moment_of(deadline), Waker::noop())
            .expect("the driver is open");
    }
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    for _ in 0..20 {
        assert!(driver.advance_clock(year));
        assert_eq!(turn(&driver), 0, "neither fires within twenty years");
    }
}

#[test]
fn many_timers_of_one_deadline_fire_in_slices_and_sockets_get_their_turn_between() {
    let driver = manual();
    let deadline = after(&driver, Duration::from_secs(5));
    let mut left = 100_000;
    for _ in 0..left {
        driver
            .add_timer(driver.clock().moment_of(deadline), Waker::noop())
            .expect("the driver is open");
    }
    assert!(driver.advance_clock(Duration::from_secs(6)));
    let mut turns = 0;
    while left > 0 {
        // Waiting for events: there is always more to do, so it never waits.
        let woken = turn_and(&driver, Wait::ForEvents);
        assert!(woken <= 1_024, "{woken} in one turn");
        left -= woken;
        turns += 1;
    }
    assert!(turns >= 100_000 / 1_024);
}

#[test]
fn an_earlier_timer_reaches_a_holder_that_sleeps_until_a_later_one() {
    let driver = system();
    let _turner = Turner::new(&driver);
    let (sender, receiver) = mpsc::channel();
    driver
        .add_timer(driver.clock().moment_of(after(&driver, Duration::MAX)), Waker::noop())
        .expect("the driver is open");
    for round in 0..200_u64 {
        // On both sides of what the timer descriptor is used for, and the present.
        let duration = Duration::from_micros([0, 900, 2_000, 51_000][round as usize % 4]);
        let deadline = after(&driver, duration);
        let sender = sender.clone();
        let waker = on_wake(move || sender.send(Instant::now()).expect("the test listens"));
        driver.add_timer(driver.clock().moment_of(deadline), &waker).expect("the driver is open");
        let woken = receiver.recv_timeout(WATCHDOG).expect("the holder is woken");
        assert!(woken >= deadline, "early by {:?}", deadline - woken);
    }
}

#[test]
fn timers_added_by_four_threads_at_random_all_fire_and_none_early() {
    const EACH: usize = 5_000;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let driver = system();
    let _turner = Turner::new(&driver);
    let (sender, receiver) = mpsc::channel();
    let kept = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (driver, sender, kept) = (&driver, sender.clone(), &kept);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed + thread);
                for _ in 0..EACH {
                    let deadline = after(driver, Duration::from_micros(random.u64(0..60_000)));
                    let sender = sender.clone();
                    let waker = on_wake(move || {
                        let early = deadline.saturating_duration_since(Instant::now());
                        sender.send(early).expect("the test listens");
                    });
                    let key = driver
                        .add_timer(driver.clock().moment_of(deadline), &waker)
                        .expect("the driver is open");
                    // A third is cancelled, perhaps too late.
                    if random.u32(0..3) == 0 {
                        driver.remove_timer(key);
                    } else {
                        kept.lock().expect("no test panics in here").push(key);
                    }
                }
            });
        }
    });
    drop(sender);
    let mut fired = 0;
    while let Ok(early) = receiver.recv_timeout(WATCHDOG) {
        assert_eq!(early, Duration::ZERO);
        fired += 1;
    }
    let kept = kept.into_inner().expect("no test panics in here");
    assert!((kept.len()..=4 * EACH).contains(&fired), "{fired} fired");
    kept.into_iter().for_each(|key| driver.remove_timer(key));
    assert!(driver.timers.is_empty(), "nothing is left behind");
}

#[test]
fn a_waker_may_drop_and_add_timers_and_sockets_of_its_own_driver() {
    let driver = manual();
    let (socket, _peer) = pair(&driver);
    let other = driver
        .add_timer(driver.clock().moment_of(after(&driver, Duration::from_secs(9))), Waker::noop())
        .expect("the driver is open");
    let state = Mutex::new(Some((socket, other)));
    let waker = on_wake({
        let driver = driver.clone();
        move || {
            if let Some((socket, other)) = state.lock().expect("it runs once").take() {
                driver.remove_timer(other);
                drop(socket);
                let deadline = driver.clock().now();
                driver
                    .add_timer(driver.clock().moment_of(deadline), Waker::noop())
                    .expect("the driver is open");
            }
        }
    });
    driver
        .add_timer(driver.clock().moment_of(after(&driver, Duration::from_secs(1))), &waker)
        .expect("it is open");
    drop(waker);
    assert!(driver.advance_clock(Duration::from_secs(1)));
    assert_eq!(turn(&driver), 1);
    assert_eq!(turn(&driver), 1, "the timer that the waker added");
    assert_eq!(sources(&driver), 0);
    assert!(driver.advance_clock(Duration::from_secs(100)));
    assert_eq!(turn(&driver), 0, "the other timer was taken out");
}

#[test]
fn dropping_the_waker_of_a_timer_may_use_the_driver() {
    struct UsesDriver(Arc<Driver>);
    impl Wake for UsesDriver {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for UsesDriver {
        fn drop(&mut self) {
            let deadline = self.0.clock().now();
            // Whether it is open or not: it must not deadlock.
            let _ = self.0.add_timer(self.0.clock().moment_of(deadline), Waker::noop());
        }
    }
    let driver = manual();
    let waker = || Waker::from(Arc::new(UsesDriver(driver.clone())));
    let deadline = after(&driver, Duration::from_secs(1));
    let key =
        driver.add_timer(driver.clock().moment_of(deadline), &waker()).expect("the driver is open");
    assert_eq!(driver.poll_timer(&key, &waker()), Outcome::Waiting, "the first waker is replaced");
    driver.remove_timer(key);
    driver.add_timer(driver.clock().moment_of(deadline), &waker()).expect("the driver is open");
    let mut ready = Vec::new();
    driver.close(&mut ready);
    drop(ready);
    assert!(driver.add_timer(driver.clock().moment_of(deadline), &waker()).is_err());
}

#[test]
fn cancelling_races_firing_without_a_second_wake_or_a_lost_one() {
    const ROUNDS: usize = 20_000;
    let driver = system();
    let _turner = Turner::new(&driver);
    let mut fired = 0;
    for _ in 0..ROUNDS {
        let wakes = Arc::new(AtomicUsize::new(0));
        let waker = on_wake({
            let wakes = wakes.clone();
            move || _ = wakes.fetch_add(1, Ordering::SeqCst)
        });
        let key = driver
            .add_timer(driver.clock().moment_of(driver.clock().now()), &waker)
            .expect("the driver is open");
        let outcome = driver.poll_timer(&key, &waker);
        if outcome == Outcome::Waiting {
            driver.remove_timer(key);
        }
        drop(waker);
        // The driver's copy is gone once it has been woken or taken out.
        while Arc::strong_count(&wakes) > 1 {
            std::thread::yield_now();
        }
        let wakes = wakes.load(Ordering::SeqCst);
        assert!(wakes <= 1);
        assert!(outcome == Outcome::Waiting || wakes == 1, "fired, but nobody was woken");
        fired += wakes;
    }
    println!("{fired} of {ROUNDS} fired");
    assert_eq!(driver.timers.len(), 0, "nothing is left behind");
}

#[path = "driver_socket_tests.rs"]
mod sockets;
