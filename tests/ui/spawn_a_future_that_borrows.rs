#[waterwheel::main]
async fn main() {
    let name = String::from("wheel");
    waterwheel::spawn_task!(async { println!("{name}") }).await;
}
