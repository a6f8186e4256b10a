//! Chapter 2, step 3: breakfast. Run: `cargo run --release --example ch02_3_breakfast`
//!
//! A mug to be cleaned takes six units of work. Coffee is ten units of waiting for the kettle and three of
//! work, toast ten of waiting and five of work. In which order does `join!` do it, and how long does
//! it take? The clock is paused: it moves when somebody works, by as much as the work takes, and when
//! all wait, so the totals are exact, the same on each machine, and there at once. Only the last part
//! takes real time: three breakfasts as tasks on one worker, with the work done in their way and out of
//! their way.
//!
//! Book: chapter 2.

use std::future;
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use waterwheel::{BuildError, Runtime, join, spawn_blocking, time};

/// One unit of paused time.
const UNIT: Duration = Duration::from_secs(1);
/// The shortest wait there is here, and the step of the clock while all wait.
const MOMENT: Duration = Duration::from_millis(10);
/// One unit of real time, in the last part.
const REAL: Duration = Duration::from_millis(4);

fn say(step: &str) {
    print!("{step}, ");
}

/// Takes so long and does not let go of the thread: nobody else has a turn while the clock moves.
fn work(units: u32) {
    time::advance(UNIT * units);
}

async fn wait(units: u32) {
    time::sleep(UNIT * units).await;
}

async fn mug(pause: Duration) {
    if !pause.is_zero() {
        time::sleep(pause).await;
    }
    say("mug");
    work(6);
}

async fn coffee() {
    say("kettle");
    wait(10).await;
    say("coffee");
    work(3);
}

async fn toast() {
    say("bread");
    wait(10).await;
    say("toast");
    work(5);
}

async fn in_sequence() {
    mug(Duration::ZERO).await;
    coffee().await;
    toast().await;
}

async fn joined(pause: Duration) {
    join!(mug(pause), coffee(), toast());
}

/// Runs `future` on this thread with a paused clock; returns how many units it took.
///
/// Whenever it is pending and nobody in it has worked, all of it waits for the time and for nothing
/// else, since it is alone in the world: so time may pass.
fn units(future: impl Future) -> Result<Duration, BuildError> {
    let runtime = Runtime::builder().start_paused(true).build()?;
    let took = runtime.block_on(async {
        let begun = time::now();
        let mut future = pin!(future);
        future::poll_fn(|context| {
            loop {
                let before = time::now();
                if future.as_mut().poll(context).is_ready() {
                    return Poll::Ready(());
                }
                if time::now() == before {
                    time::advance(MOMENT);
                }
            }
        })
        .await;
        time::now() - begun
    });
    println!("done: {} units", took.as_secs_f64() / UNIT.as_secs_f64());
    Ok(took)
}

/// Where the work of the last part is done.
#[derive(Clone, Copy)]
enum Work {
    OnTheWorker,
    OnAnotherThread,
}

async fn real(units: u32, work: Work) {
    let busy = move || thread::sleep(REAL * units); // What else blocks would do the same.
    match work {
        Work::OnTheWorker => busy(),
        Work::OnAnotherThread => spawn_blocking(busy).await,
    }
}

/// Three breakfasts, each a task, on one worker; each begins with what can wait.
fn three_tasks(work: Work) -> Result<Duration, BuildError> {
    // Without the stand-ins that chapter 17 gives to a worker that is stuck.
    let builder = Runtime::builder().replacement_workers(0);
    let runtime = builder.with_high_num(0).with_low_num(1).build()?;
    let breakfast = move || async move {
        let wait = || async { time::sleep(REAL * 10).await };
        let mug = async {
            time::sleep(REAL / 4).await;
            real(6, work).await;
        };
        let coffee = async {
            wait().await;
            real(3, work).await;
        };
        let toast = async {
            wait().await;
            real(5, work).await;
        };
        join!(mug, coffee, toast);
    };
    let begun = Instant::now();
    let tasks = [0; 3].map(|_| runtime.handle().spawn(breakfast()));
    for task in tasks {
        runtime.block_on(task);
    }
    Ok(begun.elapsed())
}

fn main() -> Result<(), BuildError> {
    println!("-- joined");
    let at_once = units(joined(Duration::ZERO))?;
    println!("-- joined, with a moment's wait before the mug");
    let waits_first = units(joined(MOMENT))?;
    println!("-- one step after the other");
    let alone = units(in_sequence())?;
    println!("-- two breakfasts, each one step after the other");
    let two = units(async { join!(in_sequence(), in_sequence()) })?;
    println!("-- two breakfasts joined, each with the moment's wait");
    let two_joined = units(async { join!(joined(MOMENT), joined(MOMENT)) })?;
    println!("-- three of them");
    let three = units(async { join!(joined(MOMENT), joined(MOMENT), joined(MOMENT)) })?;

    let in_the_way = three_tasks(Work::OnTheWorker)?;
    let out_of_it = three_tasks(Work::OnAnotherThread)?;
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    println!("-- three as tasks on one worker, in real units of 4 ms");
    println!("work on the worker: {:.1} ms, elsewhere: {:.1} ms", ms(in_the_way), ms(out_of_it));

    assert_eq!([at_once, waits_first], [24, 18].map(|units| UNIT * units));
    assert_eq!([alone, two], [34, 40].map(|units| UNIT * units));
    // Here nobody waits for the kettle any more, so the moment itself shows.
    assert_eq!([two_joined, three], [28, 42].map(|units| UNIT * units + MOMENT));
    assert!(in_the_way >= REAL * 42, "one thread works, and works 14 units for each");
    assert!(out_of_it < in_the_way, "the waits and the works overlap");
    Ok(())
}
