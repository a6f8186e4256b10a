//! Exercise 2 of chapter 16: from a promise to a rate.
//!
//! The other lane shall have one part in `parts` of *any* time of `parts` longest polls. The worker
//! looks at its credit every `stride` polls, so the credit is never above `stride` longest polls; and never
//! below minus `rate` of them.

/// The greatest rate that keeps the promise.
#[expect(unused_variables, reason = "this is for you to write")]
pub fn rate(parts: u32, stride: u32) -> u32 {
    todo!(
        "home - rate x other is at most stride + rate, and home + other = parts; other shall be 1"
    )
}
