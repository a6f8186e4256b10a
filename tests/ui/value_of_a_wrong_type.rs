#[waterwheel::main(low = "two")]
async fn main() {}
