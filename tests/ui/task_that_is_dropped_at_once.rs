#![deny(unused_must_use)]

#[waterwheel::main]
async fn main() {
    waterwheel::spawn_task!(async {});
}
