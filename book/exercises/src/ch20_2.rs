//! Exercise 2 of chapter 20: whom did the stall keep waiting?
//!
//! A server answers one request after the other, each after its own service time. A client that
//! sends its next request when the answer to the last one has come (*closed loop*) meets a stall
//! once. Clients that come when they come (*open loop*, one every `period`) all queue up behind it.
//! Times are in ms.

/// The latencies a closed loop sees.
#[must_use]
#[expect(unused_variables, reason = "this is for you to write")]
pub fn closed_loop(services: &[u64]) -> Vec<u64> {
    todo!("a request is sent when the server is free: what is there to wait for?")
}

/// The latencies of requests meant for the times 0, `period`, 2 * `period` ..., each from the time it
/// was meant for.
#[must_use]
#[expect(unused_variables, reason = "this is for you to write")]
pub fn open_loop(services: &[u64], period: u64) -> Vec<u64> {
    todo!("keep the time at which the server is free again")
}
