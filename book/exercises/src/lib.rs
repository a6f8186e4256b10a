//! The exercises of the book. Each module is a file with a `todo!()` and a hint; its tests are in
//! `tests/exercises/`, and fail until you have solved it:
//!
//! ```console
//! cargo test -p exercises ch03_1
//! ```
//!
//! The feature `solutions` puts our solution in the place of each file. `book/exercises/check.sh`
//! checks that every test passes with it and fails without.

#[cfg_attr(feature = "solutions", path = "solution/ch01_1.rs")]
pub mod ch01_1;
#[cfg_attr(feature = "solutions", path = "solution/ch01_2.rs")]
pub mod ch01_2;
#[cfg_attr(feature = "solutions", path = "solution/ch01_3.rs")]
pub mod ch01_3;
#[cfg_attr(feature = "solutions", path = "solution/ch02_1.rs")]
pub mod ch02_1;
#[cfg_attr(feature = "solutions", path = "solution/ch02_2.rs")]
pub mod ch02_2;
#[cfg_attr(feature = "solutions", path = "solution/ch02_3.rs")]
pub mod ch02_3;
#[cfg_attr(feature = "solutions", path = "solution/ch03_1.rs")]
pub mod ch03_1;
#[cfg_attr(feature = "solutions", path = "solution/ch03_2.rs")]
pub mod ch03_2;
#[cfg_attr(feature = "solutions", path = "solution/ch03_3.rs")]
pub mod ch03_3;
#[cfg_attr(feature = "solutions", path = "solution/ch03_4.rs")]
pub mod ch03_4;
#[cfg_attr(feature = "solutions", path = "solution/ch04_1.rs")]
pub mod ch04_1;
#[cfg_attr(feature = "solutions", path = "solution/ch04_2.rs")]
pub mod ch04_2;
#[cfg_attr(feature = "solutions", path = "solution/ch04_3.rs")]
pub mod ch04_3;
#[cfg_attr(feature = "solutions", path = "solution/ch12_1.rs")]
pub mod ch12_1;
#[cfg_attr(feature = "solutions", path = "solution/ch12_2.rs")]
pub mod ch12_2;
#[cfg_attr(feature = "solutions", path = "solution/ch12_3.rs")]
pub mod ch12_3;
#[cfg_attr(feature = "solutions", path = "solution/ch13_1.rs")]
pub mod ch13_1;
#[cfg_attr(feature = "solutions", path = "solution/ch13_2.rs")]
pub mod ch13_2;
#[cfg_attr(feature = "solutions", path = "solution/ch13_3.rs")]
pub mod ch13_3;
#[cfg_attr(feature = "solutions", path = "solution/ch14_1.rs")]
pub mod ch14_1;
#[cfg_attr(feature = "solutions", path = "solution/ch14_2.rs")]
pub mod ch14_2;
#[cfg_attr(feature = "solutions", path = "solution/ch14_3.rs")]
pub mod ch14_3;
#[cfg_attr(feature = "solutions", path = "solution/ch16_1.rs")]
pub mod ch16_1;
#[cfg_attr(feature = "solutions", path = "solution/ch16_2.rs")]
pub mod ch16_2;
#[cfg_attr(feature = "solutions", path = "solution/ch16_3.rs")]
pub mod ch16_3;
#[cfg_attr(feature = "solutions", path = "solution/ch17_1.rs")]
pub mod ch17_1;
#[cfg_attr(feature = "solutions", path = "solution/ch17_2.rs")]
pub mod ch17_2;
#[cfg_attr(feature = "solutions", path = "solution/ch17_3.rs")]
pub mod ch17_3;
#[cfg_attr(feature = "solutions", path = "solution/ch18_1.rs")]
pub mod ch18_1;
#[cfg_attr(feature = "solutions", path = "solution/ch18_2.rs")]
pub mod ch18_2;
#[cfg_attr(feature = "solutions", path = "solution/ch19_1.rs")]
pub mod ch19_1;
#[cfg_attr(feature = "solutions", path = "solution/ch19_2.rs")]
pub mod ch19_2;
#[cfg_attr(feature = "solutions", path = "solution/ch19_3.rs")]
pub mod ch19_3;
#[cfg_attr(feature = "solutions", path = "solution/ch20_1.rs")]
pub mod ch20_1;
#[cfg_attr(feature = "solutions", path = "solution/ch20_2.rs")]
pub mod ch20_2;
#[cfg_attr(feature = "solutions", path = "solution/ch20_3.rs")]
pub mod ch20_3;
#[cfg_attr(feature = "solutions", path = "solution/ch20_4.rs")]
pub mod ch20_4;
