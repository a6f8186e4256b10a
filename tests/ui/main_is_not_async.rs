#[waterwheel::main]
fn main() {}
