use exercises::ch20_2::{closed_loop, open_loop};

/// A thousand requests of 1 ms, and in the middle the server stalls for a second.
fn services() -> Vec<u64> {
    (0..1_000).map(|number| if number == 500 { 1_000 } else { 1 }).collect()
}

fn p99(mut latencies: Vec<u64>) -> u64 {
    latencies.sort_unstable();
    latencies[latencies.len() * 99 / 100]
}

#[test]
fn a_closed_loop_meets_the_stall_once() {
    assert_eq!(closed_loop(&[1, 7, 1]), [1, 7, 1]);
    assert_eq!(p99(closed_loop(&services())), 1);
}

#[test]
fn an_open_loop_counts_everybody_behind_it() {
    assert_eq!(open_loop(&[1, 1, 1], 2), [1, 1, 1], "nobody has to wait");
    assert_eq!(open_loop(&[1, 7, 1, 1, 1], 2), [1, 7, 6, 5, 4]);
    assert_eq!(open_loop(&[3, 3], 0), [3, 6], "both come at once");
    // The queue shortens by 1 ms every 2 ms, so nearly all of the second half waits.
    assert_eq!(p99(open_loop(&services(), 2)), 991);
}
