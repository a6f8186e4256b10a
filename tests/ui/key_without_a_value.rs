#[waterwheel::main(high, low = )]
async fn main() {}
