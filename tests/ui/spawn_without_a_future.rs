fn main() {
    waterwheel::spawn_task!();
}
