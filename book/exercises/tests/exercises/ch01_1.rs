use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use exercises::ch01_1::Latch;

#[test]
fn who_comes_late_does_not_wait() {
    let latch = Latch::new(1);
    latch.count_down();
    latch.wait();
    latch.count_down();
    latch.wait();
}

#[test]
fn all_who_wait_are_told_when_the_last_has_counted_down() {
    let latch = Arc::new(Latch::new(3));
    let counted = Arc::new(AtomicUsize::new(0));
    let (told, tells) = mpsc::channel();
    for _ in 0..4 {
        let (latch, counted, told) = (latch.clone(), counted.clone(), told.clone());
        thread::spawn(move || {
            latch.wait();
            told.send(counted.load(Ordering::SeqCst)).expect("the test listens");
        });
    }
    for _ in 0..3 {
        counted.fetch_add(1, Ordering::SeqCst);
        latch.count_down();
    }
    for _ in 0..4 {
        let counted = tells.recv_timeout(Duration::from_secs(30));
        assert_eq!(
            counted,
            Ok(3),
            "each of the four is told, and not before all three had counted"
        );
    }
}
