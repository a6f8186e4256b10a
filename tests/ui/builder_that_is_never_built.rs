#![deny(unused_must_use)]

fn main() {
    waterwheel::Runtime::builder().with_low_num(2);
}
