//! The attributes `#[waterwheel::main]` and `#[waterwheel::test]`.
