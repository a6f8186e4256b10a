use exercises::ch03_3::outcome;
use futures_lite::future::{block_on, yield_now};

#[test]
fn a_value_comes_through() {
    let result = block_on(outcome(async {
        yield_now().await;
        42
    }));
    assert_eq!(result.ok(), Some(42));
}

#[test]
fn the_payload_of_a_panic_comes_through() {
    let result = block_on(outcome(async {
        yield_now().await;
        if true {
            panic!("the disk is full");
        }
    }));
    let payload = result.expect_err("the future panicked");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"the disk is full"));
}
