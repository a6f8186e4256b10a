//! Waking: no wake-up is lost, whoever wakes, and whatever the task does meanwhile.
//!
//! Book: chapter 19.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use super::support::{Flag, end, explore, runtime};
use crate::priority::Priority;
use crate::sync::CancellationToken;
use crate::sync::internal::{Mutex, thread};

/// Two threads count up and wake a task after each step: a wake-up that comes while the task is polled
/// must have it polled once more, or it waits for a number that has long been reached.
#[test]
fn other_threads_wake_a_task_while_it_runs() {
    explore(|| {
        let runtime = runtime(1, 1);
        let steps = Arc::new(AtomicUsize::new(0));
        let place = Arc::new(Mutex::new(None));
        let (seen, kept) = (Arc::clone(&steps), Arc::clone(&place));
        let task = runtime.handle().spawn(poll_fn(move |cx| {
            *kept.lock() = Some(cx.waker().clone());
            if seen.load(Ordering::Relaxed) == 4 { Poll::Ready(()) } else { Poll::Pending }
        }));
        let threads = [(); 2].map(|()| {
            let (steps, place) = (Arc::clone(&steps), Arc::clone(&place));
            let wake = move || {
                for _ in 0..2 {
                    steps.fetch_add(1, Ordering::Relaxed);
                    let waker = place.lock().clone();
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                }
            };
            thread::Builder::new().spawn(wake).expect("there are threads")
        });
        runtime.block_on(task);
        for thread in threads {
            thread.join().expect("it does not panic");
        }
        end(&runtime, 1, 0);
    });
}

/// A ball goes to and fro between a High and a Low task: each wakes the other and waits, so that both
/// workers fall asleep and are woken all the time.
#[test]
fn a_ball_goes_to_and_fro_between_the_lanes() {
    explore(|| {
        const ROUNDS: usize = 4;
        let runtime = runtime(1, 1);
        let flags = [(); 2 * ROUNDS].map(|()| Flag::default());
        let play = |side: usize, lane| {
            let flags = flags.clone();
            let game = async move {
                for round in 0..ROUNDS {
                    if let Some(before) = (2 * round + side).checked_sub(1) {
                        flags[before].raised().await;
                    }
                    flags[2 * round + side].raise();
                }
            };
            runtime.handle().spawn_with(game, lane)
        };
        let (high, low) = (play(0, Priority::High), play(1, Priority::Low));
        runtime.block_on(async {
            high.await;
            low.await;
        });
        end(&runtime, 2, 0);
    });
}

/// Tasks wait for a token and for its child; a thread cancels it while they begin to wait, and while
/// the child is born.
#[test]
fn a_token_is_cancelled_while_tasks_begin_to_wait() {
    explore(|| {
        let (runtime, token) = (runtime(1, 1), CancellationToken::new());
        let tasks = [Priority::High, Priority::Low].map(|lane| {
            let token = token.clone();
            let waits = async move {
                token.child_token().cancelled().await;
                token.cancelled().await;
            };
            runtime.handle().spawn_with(waits, lane)
        });
        let cancels = move || token.cancel();
        let thread = thread::Builder::new().spawn(cancels).expect("there are threads");
        runtime.block_on(async {
            for task in tasks {
                task.await;
            }
        });
        thread.join().expect("it does not panic");
        end(&runtime, 2, 0);
    });
}
