use std::rc::Rc;

#[waterwheel::main]
async fn main() {
    let shared = Rc::new(1);
    waterwheel::spawn_task!(async move {
        waterwheel::yield_now().await;
        drop(shared);
    })
    .await;
}
