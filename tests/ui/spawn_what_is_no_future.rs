#[waterwheel::main]
async fn main() {
    waterwheel::spawn_task!(42).await;
}
