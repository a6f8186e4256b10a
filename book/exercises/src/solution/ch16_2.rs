//! Exercise 2 of chapter 16, solved: from a promise to a rate.
//!
//! The other lane shall have one part in `parts` of *any* time of `parts` longest polls. The worker
//! looks at its credit every `stride` polls, so the credit is never above `stride` longest polls; and never
//! below minus `rate` of them.

/// The greatest rate that keeps the promise.
pub fn rate(parts: u32, stride: u32) -> u32 {
    (parts - stride - 1) / 2
}
