//! Adapters that let foreign libraries run on Waterwheel: one additive feature per library.
//!
//! | feature | module | for |
//! |---|---|---|
//! | `hyper` | `hyper` | [hyper](https://docs.rs/hyper) 1.x servers and clients |
//!
//! No feature is on by default. An adapter uses Waterwheel's public interface only, and no unsafe
//! code.
//!
//! Book: chapter 23.

#[cfg(feature = "hyper")]
pub mod hyper;
