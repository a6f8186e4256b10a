#[waterwheel::main]
async fn main() {
    waterwheel::spawn_task!(async {}, 1).await;
}
