#[waterwheel::main]
async fn serve<T>() {}

fn main() {}
