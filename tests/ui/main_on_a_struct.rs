#[waterwheel::main]
struct Wheel;

fn main() {}
