//! The tests of the exercises, a module each: `cargo test -p exercises ch03_1` runs those of one.

#[path = "exercises/ch01_1.rs"]
mod ch01_1;
#[path = "exercises/ch01_2.rs"]
mod ch01_2;
#[path = "exercises/ch01_3.rs"]
mod ch01_3;
#[path = "exercises/ch02_1.rs"]
mod ch02_1;
#[path = "exercises/ch02_2.rs"]
mod ch02_2;
#[path = "exercises/ch02_3.rs"]
mod ch02_3;
#[path = "exercises/ch03_1.rs"]
mod ch03_1;
#[path = "exercises/ch03_2.rs"]
mod ch03_2;
#[path = "exercises/ch03_3.rs"]
mod ch03_3;
#[path = "exercises/ch03_4.rs"]
mod ch03_4;
#[path = "exercises/ch04_1.rs"]
mod ch04_1;
#[path = "exercises/ch04_2.rs"]
mod ch04_2;
#[path = "exercises/ch04_3.rs"]
mod ch04_3;
#[path = "exercises/ch12_1.rs"]
mod ch12_1;
#[path = "exercises/ch12_2.rs"]
mod ch12_2;
#[path = "exercises/ch12_3.rs"]
mod ch12_3;
#[path = "exercises/ch13_1.rs"]
mod ch13_1;
#[path = "exercises/ch13_2.rs"]
mod ch13_2;
#[path = "exercises/ch13_3.rs"]
mod ch13_3;
#[path = "exercises/ch14_1.rs"]
mod ch14_1;
#[path = "exercises/ch14_2.rs"]
mod ch14_2;
#[path = "exercises/ch14_3.rs"]
mod ch14_3;
#[path = "exercises/ch16_1.rs"]
mod ch16_1;
#[path = "exercises/ch16_2.rs"]
mod ch16_2;
#[path = "exercises/ch16_3.rs"]
mod ch16_3;
#[path = "exercises/ch17_1.rs"]
mod ch17_1;
#[path = "exercises/ch17_2.rs"]
mod ch17_2;
#[path = "exercises/ch17_3.rs"]
mod ch17_3;
#[path = "exercises/ch18_1.rs"]
mod ch18_1;
#[path = "exercises/ch18_2.rs"]
mod ch18_2;
#[path = "exercises/ch19_1.rs"]
mod ch19_1;
#[path = "exercises/ch19_2.rs"]
mod ch19_2;
#[path = "exercises/ch19_3.rs"]
mod ch19_3;
#[path = "exercises/ch20_1.rs"]
mod ch20_1;
#[path = "exercises/ch20_2.rs"]
mod ch20_2;
#[path = "exercises/ch20_3.rs"]
mod ch20_3;
#[path = "exercises/ch20_4.rs"]
mod ch20_4;
