//! Waterwheel beside tokio, smol and the textbook runtime.
fn main() {}
