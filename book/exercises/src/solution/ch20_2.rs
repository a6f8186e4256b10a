//! Exercise 2 of chapter 20, solved: whom did the stall keep waiting?

/// The latencies a closed loop sees.
#[must_use]
pub fn closed_loop(services: &[u64]) -> Vec<u64> {
    services.to_vec()
}

/// The latencies of requests meant for the times 0, `period`, 2 * `period` ..., each from the time it
/// was meant for.
#[must_use]
pub fn open_loop(services: &[u64], period: u64) -> Vec<u64> {
    let mut free = 0;
    let requests = services.iter().scan(0, |next, service| {
        let meant = *next;
        *next += period;
        Some((meant, *service))
    });
    requests
        .map(|(meant, service)| {
            free = free.max(meant) + service;
            free - meant
        })
        .collect()
}
