#[waterwheel::main(low = 1, low = 2)]
async fn main() {}
