//! Chapter 1, step 3: waiting for a value. Run: `cargo run --release --example ch01_3_condvar`
//!
//! Two threads, a value and a condition variable. Naively: one side says "it has changed", the other
//! waits to be told. A word said while nobody listens is lost, and the listener waits for ever. The
//! cure is to look at the value, never at the notification: each side waits *while* what it needs is
//! not so, and checks that under the lock.
//!
//! Book: chapter 1.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// How long the naive listener waits before it gives up; it would wait for ever.
const PATIENCE: Duration = Duration::from_millis(100);

/// The naive way: notified first, listened to afterwards. Says whether the news arrived.
fn naive() -> bool {
    let (value, changed) = (Mutex::new(false), Condvar::new());
    *value.lock().expect("nobody panics") = true;
    changed.notify_one(); // Nobody waits yet, so nobody is told.
    let guard = value.lock().expect("nobody panics");
    let (_guard, timeout) = changed.wait_timeout(guard, PATIENCE).expect("nobody panics");
    !timeout.timed_out()
}

/// A value that one thread publishes and another one takes, each exactly once.
#[derive(Debug, Default)]
struct Board {
    value: bool,
    /// How many values have been published, and how many of them have been seen.
    published: u32,
    seen: u32,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    board: Mutex<Board>,
    changed: Condvar,
}

impl Shared {
    /// Waits until the last value has been seen, and puts up the next.
    fn publish(&self, value: bool) {
        let board = self.board.lock().expect("nobody panics");
        let waiting = self.changed.wait_while(board, |board| board.seen < board.published);
        let mut board = waiting.expect("nobody panics");
        board.value = value;
        board.published += 1;
        self.changed.notify_all();
    }

    /// No more values will come.
    fn close(&self) {
        self.board.lock().expect("nobody panics").closed = true;
        self.changed.notify_all();
    }

    /// Waits for a value that has not been seen; `None` if there will be none.
    fn next(&self) -> Option<bool> {
        let board = self.board.lock().expect("nobody panics");
        let nothing_new = |board: &mut Board| board.seen == board.published && !board.closed;
        let waiting = self.changed.wait_while(board, nothing_new);
        let mut board = waiting.expect("nobody panics");
        if board.seen == board.published {
            return None;
        }
        board.seen += 1;
        self.changed.notify_all();
        Some(board.value)
    }
}

fn main() {
    let told = naive();
    println!(
        "notified before it waited, the naive listener was {}",
        if told { "told" } else { "never told" }
    );

    let shared = Arc::new(Shared::default());
    let board = shared.clone();
    let updater = thread::spawn(move || {
        for value in [false, true, false, true] {
            board.publish(value);
        }
        board.close();
    });
    let listener = thread::spawn(move || {
        let mut values = Vec::new();
        while let Some(value) = shared.next() {
            println!("the listener sees {value}");
            values.push(value);
        }
        values
    });
    updater.join().expect("the updater does not panic");
    let values = listener.join().expect("the listener does not panic");
    println!("both threads have ended, after {} values", values.len());

    assert!(!told, "a notification is not kept for those who come later");
    assert_eq!(values, [false, true, false, true]);
}
