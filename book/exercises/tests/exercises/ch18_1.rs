use std::panic::resume_unwind;

use exercises::ch18_1::{TRIES, drop_quietly};

/// Panics in its drop, as often as the number says: each payload is the next smaller bomb.
struct Bomb(usize);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 > 0 {
            resume_unwind(Box::new(Bomb(self.0 - 1)));
        }
    }
}

#[test]
fn a_peaceful_value_is_dropped() {
    assert_eq!(drop_quietly(String::from("peace")), 0);
}

#[test]
fn each_panic_of_a_chain_is_kept_in() {
    assert_eq!(drop_quietly(Bomb(1)), 1);
    assert_eq!(drop_quietly(Bomb(3)), 3);
}

#[test]
fn a_chain_without_an_end_is_leaked() {
    assert_eq!(drop_quietly(Bomb(usize::MAX)), TRIES + 1);
}
