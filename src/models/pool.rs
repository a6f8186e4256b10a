//! The threads for blocking calls: a job against a thread that retires, and against a shutdown.
//!
//! Book: chapter 19.

use std::time::Duration;

use loom::thread;

use super::blocking::pool::{Pool, Then, Urgent};
use super::checked;
use crate::sync::internal::{Arc, AtomicUsize, Ordering};

/// A thread of the pool whose first job is `first`, if it was handed over with the start.
fn thread_of(
    pool: &Arc<Pool<u32>>,
    done: &Arc<AtomicUsize>,
    first: Option<u32>,
) -> thread::JoinHandle<()> {
    let (pool, done) = (pool.clone(), done.clone());
    thread::spawn(move || {
        for _job in first.into_iter().chain(std::iter::from_fn(|| pool.next())) {
            done.fetch_add(1, Ordering::SeqCst);
        }
    })
}

/// Pushes a job and starts the thread that it may need.
fn push(pool: &Arc<Pool<u32>>, done: &Arc<AtomicUsize>) -> Option<thread::JoinHandle<()>> {
    match pool.push(1).expect("the pool is open") {
        Then::Nothing => None,
        Then::StartThread => Some(thread_of(pool, done, None)),
    }
}

fn all_done(pool: &Pool<u32>, done: &AtomicUsize, jobs: usize) {
    assert_eq!(done.load(Ordering::SeqCst), jobs, "each job is run once");
    assert_eq!((pool.queued(), pool.threads()), (0, 0), "nothing is left behind");
}

#[test]
fn no_job_is_left_to_a_thread_that_retires() {
    checked(|| {
        // Every thread's patience ends at once.
        let pool = Arc::new(Pool::new(2, Duration::ZERO));
        let done = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..3).filter_map(|_| push(&pool, &done)).collect();
        for thread in threads {
            thread.join().expect("a thread ends");
        }
        all_done(&pool, &done, 3);
    });
}

#[test]
fn a_thread_that_waits_gets_the_job_that_was_promised_to_it() {
    checked(|| {
        // Nobody's patience ends: a job that nobody is told of is a deadlock.
        let pool = Arc::new(Pool::new(1, Duration::MAX));
        let done = Arc::new(AtomicUsize::new(0));
        let first = push(&pool, &done).expect("the first job starts a thread");
        assert!(push(&pool, &done).is_none(), "one thread there may be");
        let pusher = {
            let (pool, done) = (pool.clone(), done.clone());
            thread::spawn(move || assert!(push(&pool, &done).is_none()))
        };
        pusher.join().expect("the pusher ends");
        while done.load(Ordering::SeqCst) < 3 {
            thread::yield_now();
        }
        assert!(pool.close().is_empty(), "all are done");
        first.join().expect("the thread ends");
        all_done(&pool, &done, 3);
    });
}

#[test]
fn an_urgent_job_has_a_thread_of_its_own_or_comes_back() {
    checked(|| {
        let pool = Arc::new(Pool::new(2, Duration::ZERO));
        let done = Arc::new(AtomicUsize::new(0));
        let mut threads: Vec<_> = push(&pool, &done).into_iter().collect();
        let refused = match pool.push_urgent(2) {
            Urgent::Taken => 0,
            Urgent::StartThreadWith(job) => {
                threads.push(thread_of(&pool, &done, Some(job)));
                0
            }
            Urgent::Refused(_) => 1,
        };
        threads.extend(push(&pool, &done));
        for thread in threads {
            thread.join().expect("a thread ends");
        }
        all_done(&pool, &done, 3 - refused);
    });
}

#[test]
fn a_closed_pool_gives_back_what_it_will_not_run_and_its_threads_end() {
    checked(|| {
        let pool = Arc::new(Pool::new(2, Duration::MAX));
        let done = Arc::new(AtomicUsize::new(0));
        let first = push(&pool, &done).expect("the first job starts a thread");
        let pusher = {
            let (pool, done) = (pool.clone(), done.clone());
            thread::spawn(move || match pool.push(1) {
                Ok(Then::StartThread) => thread_of(&pool, &done, None).join().is_err(),
                Ok(Then::Nothing) => false,
                Err(_refused) => true,
            })
        };
        let given_back = pool.close().len();
        let refused = usize::from(pusher.join().expect("the pusher ends"));
        first.join().expect("the thread ends");
        all_done(&pool, &done, 2 - given_back - refused);
    });
}
