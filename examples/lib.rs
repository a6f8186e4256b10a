//! The snippets that are typed in the chapters of the book, as doctests: `cargo test -p examples`.
//!
//! The programs of the book lie beside this file; `tests/book.rs` runs them.

/// Waiting without threads.
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch01.md")]
mod ch01 {}

/// Futures, wakers, tasks.
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch02.md")]
mod ch02 {}

/// A runtime in eight steps.
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch03.md")]
mod ch03 {}

/// Sockets.
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch04.md")]
mod ch04 {}

/// Own queues.
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch12.md")]
mod ch12 {}

/// Falling asleep.
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch13.md")]
mod ch13 {}

/// The driver inside.
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch14.md")]
mod ch14 {}

/// Lanes that keep their word.
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch16.md")]
mod ch16 {}

/// Code that will not yield.
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch17.md")]
mod ch17 {}

/// When user code panics, and how to stop.
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch18.md")]
mod ch18 {}

/// How do we know?
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch19.md")]
mod ch19 {}

/// How fast, and how measured.
#[cfg(doctest)]
#[doc = include_str!("../book/src/ch20.md")]
mod ch20 {}
