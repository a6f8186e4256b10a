#[waterwheel::main(high = 1, seed = 7)]
async fn main() {}
