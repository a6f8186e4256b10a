//! What is thrown at a runtime: each action is a task that takes some milliseconds and checks what it sees.
//!
//! On a *guest*, a runtime that may be ended at any time, whatever is awaited may have been cancelled instead.
//!
//! Panics on purpose are thrown without a message, so that the hook, which ends the program, does not see them.
//!
//! Book: chapter 19

use super::sockets;
use super::world::{World, check};
use futures_lite::future::{or, pending, poll_once};
use std::future::Future;
use std::hint::spin_loop;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};
use waterwheel::sync::CancellationToken;
use waterwheel::{
    Priority, Task, TaskError, block_in_place, block_on, join, spawn_blocking, spawn_task, time,
    yield_now,
};

/// Turns of the ringer's spin, at most.
const SPIN: u32 = 20_000;
/// A long poll or blocking call takes this long at most, in us.
const LONG: u64 = 4_000;

/// Where an action runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The runtime under test: what is not cancelled on purpose ends by itself.
    Main,
    /// A runtime that is being ended.
    Guest,
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Action = fn(Arc<World>, Place, fastrand::Rng) -> Boxed<()>;

/// The actions, their names, and how often each is thrown.
const ACTIONS: [(&str, u32, Action); 14] = [
    ("a tree of tasks", 10, |world, place, random| Box::pin(trees(world, place, random))),
    ("a panic in poll", 10, |world, place, random| Box::pin(panics(world, place, random))),
    ("a panic in drop", 10, |world, place, random| Box::pin(drops_badly(world, place, random))),
    ("timers", 30, |_, _, random| Box::pin(timers(random))),
    ("a connection", 5, |world, place, random| Box::pin(sockets::talk(world, place, random))),
    ("blocking calls", 8, |world, place, random| Box::pin(blocking(world, place, random))),
    ("block_in_place", 1, |world, place, random| Box::pin(in_place(world, place, random))),
    ("a long poll", 1, |_, _, random| Box::pin(long_poll(random))),
    ("yields", 10, |_, _, random| Box::pin(yields(random))),
    ("messages", 10, |world, place, random| Box::pin(messages(world, place, random))),
    ("cancelled tasks", 15, |world, _, random| Box::pin(cancels(world, random))),
    ("a ring from outside", 20, |world, _, random| Box::pin(rings(world, random))),
    ("a race", 15, |world, _, random| Box::pin(races(world, random))),
    ("a guest", 10, |world, place, random| Box::pin(visits(world, place, random))),
];

pub(super) fn lane(random: &mut fastrand::Rng) -> Priority {
    if random.bool() { Priority::High } else { Priority::Low }
}

/// Spawns a random action on the current runtime.
pub(super) fn throw(world: &Arc<World>, place: Place, random: &mut fastrand::Rng) {
    let all: u32 = ACTIONS.iter().map(|(_, weight, _)| weight).sum();
    let mut pick = random.u32(..all);
    for (name, weight, action) in ACTIONS {
        if pick < weight {
            let ticket = world.begin(name);
            let action = action(world.clone(), place, random.fork());
            let whole = async move {
                action.await;
                drop(ticket);
            };
            spawn_task!(world.track(whole), lane(random)).detach();
            return;
        }
        pick -= weight;
    }
}

/// What a task that nobody cancels must give; on a guest it may be gone.
async fn ends<T>(place: Place, task: Task<T>) -> Option<T> {
    match task.outcome().await {
        Ok(value) => Some(value),
        Err(error) => {
            let excused = place == Place::Guest && error.is_cancelled();
            check(excused, &format!("a task that should end did not: {error}"));
            None
        }
    }
}

/// A short while.
pub(super) async fn patience(random: &mut fastrand::Rng) {
    time::sleep(Duration::from_micros(random.u64(..5_000))).await;
}

async fn trees(world: Arc<World>, place: Place, mut random: fastrand::Rng) {
    let count = grow(world, place, 4, random.u64(..)).await;
    check(count >= 1, "a tree has a root");
}

/// A tree of children, each awaited, cancelled, aborted, dropped or let go. Gives how many were awaited.
fn grow(world: Arc<World>, place: Place, depth: u32, seed: u64) -> Boxed<usize> {
    Box::pin(async move {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut tasks = 1;
        for _ in 0..random.u32(0..4) {
            yield_now().await;
        }
        let children = if depth == 0 { 0 } else { random.u32(0..4) };
        for _ in 0..children {
            let child = world.track(grow(world.clone(), place, depth - 1, random.u64(..)));
            let child = spawn_task!(child, lane(&mut random));
            match random.u32(0..8) {
                0 => child.detach(),
                1 => drop(child),
                2 => tasks += child.cancel().await.unwrap_or(0),
                3 => {
                    child.abort_handle().abort();
                    tasks += child.outcome().await.unwrap_or(0);
                }
                _ => tasks += ends(place, child).await.unwrap_or(0),
            }
        }
        tasks
    })
}

async fn panics(world: Arc<World>, place: Place, mut random: fastrand::Rng) {
    let (number, yields) = (random.u64(..), random.u32(..4));
    let bad = world.track(async move {
        for _ in 0..yields {
            yield_now().await;
        }
        resume_unwind(Box::new(number));
    });
    let bad: Task<()> = spawn_task!(bad, lane(&mut random));
    if random.u32(..4) == 0 {
        return bad.detach();
    }
    is_payload(place, bad.outcome().await, number);
}

fn is_payload<T>(place: Place, outcome: Result<T, TaskError>, number: u64) {
    match outcome.map_err(TaskError::into_panic) {
        Err(Ok(payload)) => check(payload.downcast_ref() == Some(&number), "a payload is another"),
        Err(Err(_)) => check(place == Place::Guest, "a panic came out as a cancellation"),
        Ok(_) => check(false, "a panic was lost"),
    }
}

/// A future that panics when it is dropped, and before that is ready after some polls, or never.
#[derive(Debug)]
struct DropsBadly(Option<u32>);

impl Future for DropsBadly {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(0) => return Poll::Ready(()),
            Some(polls) => {
                *polls -= 1;
                cx.waker().wake_by_ref();
            }
            None => {}
        }
        Poll::Pending
    }
}

impl Drop for DropsBadly {
    fn drop(&mut self) {
        if !thread::panicking() {
            resume_unwind(Box::new(()));
        }
    }
}

/// Wherever it is dropped, nobody but its own task may come to harm.
async fn drops_badly(world: Arc<World>, place: Place, mut random: fastrand::Rng) {
    let ends = random.bool().then(|| random.u32(..3));
    let bad = spawn_task!(world.track(DropsBadly(ends)), lane(&mut random));
    if random.bool() {
        yield_now().await;
    }
    if ends.is_some() && random.bool() {
        let outcome = bad.outcome().await;
        let panicked = outcome.as_ref().is_err_and(TaskError::is_panic);
        check(panicked || place == Place::Guest, "a panic in a future's drop was lost");
    } else if random.bool() {
        drop(bad);
    } else {
        bad.abort_handle().abort();
        drop(bad.outcome().await);
    }
}

async fn timers(mut random: fastrand::Rng) {
    let begin = Instant::now();
    let short = Duration::from_micros(random.u64(..8_000));
    match random.u32(..5) {
        0 => time::sleep(short).await,
        1 => {
            let result = time::timeout(short, pending::<()>()).await;
            check(result.is_err(), "what never comes came");
        }
        2 => {
            let long = Duration::from_secs(3_600);
            check(
                time::timeout(long, time::sleep(short)).await.is_ok(),
                "a short sleep took an hour",
            );
        }
        3 => {
            let mut ticks = time::interval(Duration::from_micros(500));
            for _ in 0..random.u32(..8) {
                ticks.tick().await;
            }
            return;
        }
        _ => {
            // Many are set and given up; one is set anew until it rings.
            let mut sleeps: Vec<_> =
                (0..random.u32(..40)).map(|_| Box::pin(time::sleep(short))).collect();
            for sleep in &mut sleeps {
                let _set = poll_once(sleep).await;
            }
            random.shuffle(&mut sleeps);
            sleeps.truncate(3);
            for sleep in &mut sleeps {
                sleep.as_mut().reset(begin + short);
                sleep.await;
            }
            if sleeps.is_empty() {
                return;
            }
        }
    }
    check(begin.elapsed() >= short, "a timer rang early");
}

async fn blocking(world: Arc<World>, place: Place, mut random: fastrand::Rng) {
    let number = random.u64(..);
    let nap = Duration::from_micros(random.u64(..2_000));
    match random.u32(..5) {
        0 => drop(spawn_blocking(move || thread::sleep(nap))),
        1 => {
            let bad = spawn_blocking(move || resume_unwind(Box::new(number)));
            let bad: Result<(), _> = bad.outcome().await;
            is_payload(place, bad, number);
        }
        2 => {
            let call = spawn_blocking(move || thread::sleep(nap));
            call.abort_handle().abort();
            drop(call.outcome().await);
        }
        3 => {
            // A thread that blocks on a task of the runtime it belongs to.
            let child = world.track(async move { number });
            let child = spawn_task!(child, lane(&mut random));
            let call = spawn_blocking(move || block_on(child.outcome()).ok());
            let value = ends(place, call).await.flatten();
            check(value == Some(number) || place == Place::Guest, "a value was lost");
        }
        _ => {
            let call = spawn_blocking(move || {
                thread::sleep(nap);
                number
            });
            let value = ends(place, call).await;
            check(value == Some(number) || place == Place::Guest, "a value was lost");
        }
    }
}

async fn in_place(world: Arc<World>, place: Place, mut random: fastrand::Rng) {
    let nap = Duration::from_micros(random.u64(..LONG));
    let child = world.track(async move {
        yield_now().await;
        7
    });
    let child = spawn_task!(child, lane(&mut random));
    let value = block_in_place(|| {
        thread::sleep(nap);
        block_on(child.outcome()).ok()
    });
    check(value == Some(7) || place == Place::Guest, "a child of a blocked task was lost");
    yield_now().await;
}

async fn long_poll(mut random: fastrand::Rng) {
    for _ in 0..random.u32(1..4) {
        let (begin, long) = (Instant::now(), Duration::from_micros(random.u64(..LONG)));
        while begin.elapsed() < long {
            spin_loop();
        }
        yield_now().await;
    }
}

async fn yields(mut random: fastrand::Rng) {
    for _ in 0..random.u32(..200) {
        yield_now().await;
    }
}

/// Messages from one task to another, in order, through a channel that is often full.
async fn messages(world: Arc<World>, place: Place, mut random: fastrand::Rng) {
    let count = random.u32(..100);
    let (sender, receiver) = flume::bounded(random.usize(1..8));
    let send = world.track(async move {
        for number in 0..count {
            if sender.send_async(number).await.is_err() {
                return;
            }
        }
    });
    let send = spawn_task!(send, lane(&mut random));
    for number in 0..count {
        match receiver.recv_async().await {
            Ok(received) => check(received == number, "messages out of order"),
            Err(_) => check(place == Place::Guest, "a sender is gone too early"),
        }
    }
    ends(place, send).await;
}

/// Tasks that wait for ever, and are cancelled in every way there is.
async fn cancels(world: Arc<World>, mut random: fastrand::Rng) {
    let token = CancellationToken::new();
    for _ in 0..random.u32(1..6) {
        let child = token.child_token();
        let nap = Duration::from_micros(random.u64(..300));
        let waits = world.track(async move {
            let far = time::sleep(Duration::from_secs(3_600));
            let naps = or(time::sleep(nap), yield_now());
            join!(naps, child.run_until_cancelled(far)).1
        });
        let waits = spawn_task!(waits, lane(&mut random));
        if random.bool() {
            yield_now().await;
        }
        match random.u32(..4) {
            0 => drop(waits),
            1 => check(waits.cancel().await.is_none(), "an hour is over"),
            2 => {
                waits.abort_handle().abort();
                check(waits.outcome().await.is_err(), "an aborted task has a value");
            }
            _ => waits.detach(),
        }
    }
    token.cancel();
}

/// Rung by a thread outside, once or more.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Bell {
    fn place(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the thread that rings the bells it is sent, until the last sender is gone.
pub(super) fn start_ringer(bells: Receiver<Arc<Bell>>, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    thread::spawn(move || {
        for bell in bells {
            for _ in 0..random.u32(..SPIN) {
                spin_loop();
            }
            let early = bell.place().clone();
            if let Some(waker) = early.filter(|_| random.bool()) {
                waker.wake_by_ref(); // For nothing.
                waker.wake();
            }
            bell.rung.store(true, SeqCst);
            let waker = bell.place().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    });
}

async fn rings(world: Arc<World>, mut random: fastrand::Rng) {
    for _ in 0..random.u32(1..5) {
        let bell = Arc::<Bell>::default();
        world.ring(bell.clone());
        std::future::poll_fn(|cx| {
            *bell.place() = Some(cx.waker().clone());
            if bell.rung.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Whoever is first wins, and the others are dropped where they stand.
async fn races(world: Arc<World>, mut random: fastrand::Rng) {
    let nap = Duration::from_micros(random.u64(..2_000));
    let turns = random.u32(..100);
    let slow = async {
        for _ in 0..turns {
            yield_now().await;
        }
        time::sleep(nap).await;
    };
    let child = world.track(async move { time::sleep(2 * nap).await });
    let child = spawn_task!(child, lane(&mut random));
    let by_child = async { drop(child.outcome().await) };
    let mut never = pin!(pending::<()>());
    or(slow, or(by_child, never.as_mut())).await;
}

/// A task on a runtime that may end at any time.
async fn visits(world: Arc<World>, place: Place, mut random: fastrand::Rng) {
    let guest = world.guest.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(guest) = guest.filter(|_| place == Place::Main) else {
        return patience(&mut random).await;
    };
    let nap = Duration::from_micros(random.u64(..1_000));
    let visitor = world.track(async move { time::sleep(nap).await });
    let visitor = guest.spawn_with(visitor, lane(&mut random));
    if random.u32(..4) == 0 {
        return visitor.detach();
    }
    let cancelled = visitor.outcome().await.is_err_and(|error| !error.is_cancelled());
    check(!cancelled, "a visitor panicked");
}
