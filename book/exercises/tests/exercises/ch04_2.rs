use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use exercises::ch04_2::Readiness;

#[test]
fn a_report_is_seen_until_it_is_cleared() {
    let readiness = Readiness::default();
    assert!(!readiness.look().is_ready());
    readiness.report();
    assert!(readiness.look().is_ready());
    readiness.clear(readiness.look());
    assert!(!readiness.look().is_ready());
    readiness.report();
    assert!(readiness.look().is_ready());
}

#[test]
fn a_report_between_look_and_clear_stays() {
    let readiness = Readiness::default();
    readiness.report();
    let seen = readiness.look();
    readiness.report();
    readiness.clear(seen);
    assert!(readiness.look().is_ready(), "one bit alone would be the same word as before");
}

#[test]
fn of_ten_thousand_reports_none_is_lost() {
    const ITEMS: u64 = 10_000;
    let shared = Arc::new((Readiness::default(), AtomicU64::new(0), AtomicU64::new(0)));
    let (done, is_done) = mpsc::channel();
    let reader = {
        let shared = shared.clone();
        move || {
            let (readiness, sent, read) = &*shared;
            while read.load(Ordering::SeqCst) < ITEMS {
                let seen = readiness.look();
                if !seen.is_ready() {
                    thread::yield_now();
                    continue;
                }
                if sent.load(Ordering::SeqCst) > read.load(Ordering::SeqCst) {
                    read.fetch_add(1, Ordering::SeqCst);
                } else {
                    readiness.clear(seen);
                }
            }
            done.send(()).expect("the test waits");
        }
    };
    thread::spawn(reader);
    thread::spawn(move || {
        let (readiness, sent, read) = &*shared;
        for item in 0..ITEMS {
            // One at a time: if its report is lost, nobody makes up for it.
            while read.load(Ordering::SeqCst) < item {
                thread::yield_now();
            }
            sent.fetch_add(1, Ordering::SeqCst);
            readiness.report();
        }
    });
    let waited = is_done.recv_timeout(Duration::from_secs(60));
    assert_eq!(waited, Ok(()), "a report was lost");
}
