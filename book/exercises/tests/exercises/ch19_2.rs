use exercises::ch19_2::shortest;

/// Two threads and Peterson's lock, which they enter again and again.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Lock {
    wants: [bool; 2],
    waits: usize,
    at: [usize; 2],
}

/// The places of a thread.
const FIRST: usize = 0;
const SECOND: usize = 1;
const DOOR: usize = 2;
const INSIDE: usize = 3;

fn both_inside(lock: &Lock) -> bool {
    lock.at == [INSIDE; 2]
}

/// One step of a thread. It says that it wants to enter, and then that it waits for the other one; or the
/// other way round, which is wrong.
fn step(lock: &Lock, thread: usize, says_first: bool) -> Option<Lock> {
    let mut next = lock.clone();
    let other = 1 - thread;
    match (lock.at[thread], says_first) {
        (FIRST, true) | (SECOND, false) => next.wants[thread] = true,
        (FIRST, false) | (SECOND, true) => next.waits = thread,
        // It spins: it stays at the door.
        (DOOR, _) if lock.wants[other] && lock.waits == thread => return Some(next),
        (DOOR, _) => {}
        _ => next.wants[thread] = false,
    }
    next.at[thread] = (lock.at[thread] + 1) % 4;
    Some(next)
}

#[test]
fn two_threads_that_spin_are_never_both_inside() {
    let order = shortest(&Lock::default(), 2, |lock, thread| step(lock, thread, true), both_inside);
    assert_eq!(order, None);
}

#[test]
fn whoever_waits_before_it_says_so_is_not_alone() {
    let order =
        shortest(&Lock::default(), 2, |lock, thread| step(lock, thread, false), both_inside)
            .expect("both can be inside");
    assert_eq!(order.len(), 6, "a longer one is not asked for: {order:?}");
    let end = order.iter().fold(Lock::default(), |lock, thread| {
        step(&lock, *thread, false).expect("a thread here never waits")
    });
    assert!(both_inside(&end), "{order:?} leads elsewhere");
}

#[test]
fn a_start_that_is_a_fault_needs_no_step() {
    assert_eq!(shortest(&7, 1, |n, _| Some(*n), |n| *n == 7), Some(vec![]));
}

#[test]
fn of_two_ways_the_short_one_is_found() {
    // The first thread goes up by one, the second by three; a way past nine leads nowhere.
    let up = |n: &u32, thread: usize| Some(n + [1, 3][thread]).filter(|n| *n <= 9);
    assert_eq!(shortest(&0, 2, up, |n| *n == 9), Some(vec![1, 1, 1]));
    assert_eq!(shortest(&0, 2, up, |n| *n == 10), None);
}
