use std::collections::VecDeque;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use exercises::ch12_1::steal_half;

/// Far more than the test needs: whoever takes longer is stuck.
const WATCHDOG: Duration = Duration::from_secs(30);

fn queue(tasks: impl Iterator<Item = u32>) -> Mutex<VecDeque<u32>> {
    Mutex::new(tasks.collect())
}

fn content(queue: Mutex<VecDeque<u32>>) -> Vec<u32> {
    queue.into_inner().expect("nobody panics with it held").into()
}

#[test]
fn the_older_half_changes_hands_in_order() {
    let (victim, own) = (queue(1..=7), queue(100..101));
    assert_eq!(steal_half(&victim, &own), Some(1));
    assert_eq!(content(victim), [5, 6, 7]);
    assert_eq!(content(own), [100, 2, 3, 4]);
}

#[test]
fn one_task_is_taken_and_none_is_none() {
    let (victim, own) = (queue(1..=1), queue(0..0));
    assert_eq!(steal_half(&victim, &own), Some(1));
    assert_eq!(steal_half(&victim, &own), None);
    assert_eq!(content(own), []);
}

#[test]
fn two_who_steal_from_each_other_lose_nothing_and_do_not_wait_for_ever() {
    const TASKS: usize = 1000;
    let queues = Arc::new([queue(0..1000), queue(0..0)]);
    let (done, all) = mpsc::channel();
    for me in 0..2 {
        let (queues, done) = (Arc::clone(&queues), done.clone());
        thread::spawn(move || {
            for _ in 0..10_000 {
                if let Some(task) = steal_half(&queues[1 - me], &queues[me]) {
                    queues[me].lock().expect("nobody panics with it held").push_back(task);
                }
            }
            done.send(()).expect("the test waits");
        });
    }
    drop(done);
    for _ in 0..2 {
        all.recv_timeout(WATCHDOG).expect("both thieves come to an end");
    }
    let left: usize = queues.iter().map(|queue| queue.lock().expect("it is whole").len()).sum();
    assert_eq!(left, TASKS, "no task was lost or doubled");
}
