#[waterwheel::main]
async fn main() -> Result<(), std::io::Error> {
    let text: String = 42;
    drop(text);
}
