#[waterwheel::main]
async fn serve(port: u16) {
    let _ = port;
}

fn main() {
    serve(80);
}
