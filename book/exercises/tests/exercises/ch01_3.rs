use std::time::Duration;

use exercises::ch01_3::{per_task, per_thread};

#[test]
fn a_task_is_started_sooner_than_a_thread() {
    let (thread, task) = (per_thread(300), per_task(300));
    println!("{thread:?} for a thread, {task:?} for a task");
    assert!(task > Duration::ZERO, "a measurement that is nothing measured nothing");
    assert!(task < thread, "{task:?} for a task, {thread:?} for a thread");
}
