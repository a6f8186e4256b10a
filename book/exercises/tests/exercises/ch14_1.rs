use exercises::ch14_1::{Seen, to_wake};

/// A worker with work leaves, two sleep, nobody else is awake.
fn plain() -> Seen {
    Seen { has_work: true, held: false, searching: 0, asleep: vec![4, 2] }
}

#[test]
fn the_last_to_fall_asleep_is_woken() {
    assert_eq!(to_wake(&plain()), Some(2));
}

#[test]
fn nobody_is_woken_in_vain() {
    for (why, seen) in [
        ("it comes back itself", Seen { has_work: false, ..plain() }),
        ("somebody is there", Seen { held: true, ..plain() }),
        ("a searcher will see to it", Seen { searching: 1, ..plain() }),
        ("nobody sleeps", Seen { asleep: vec![], ..plain() }),
    ] {
        assert_eq!(to_wake(&seen), None, "{why}");
    }
}
