//! Exercise 1 of chapter 19, solved: how many orders are there, and how many has a bound?

use std::collections::HashMap;

/// What decides how many orders lead on: the steps that are left, who went last, and how many
/// preemptions are left.
type State = ([usize; 2], usize, usize);

/// In how many orders is no more than `preemptions` times a thread preempted?
#[must_use]
pub fn orders(steps: [usize; 2], preemptions: usize) -> u128 {
    let mut known = HashMap::new();
    let mut begun = |first: usize| match less(steps, first) {
        Some(left) => go_on((left, first, preemptions), &mut known),
        None => 0,
    };
    if steps == [0, 0] { 1 } else { begun(0) + begun(1) }
}

fn go_on(state: State, known: &mut HashMap<State, u128>) -> u128 {
    let (left, last, preemptions) = state;
    if left == [0, 0] {
        return 1;
    }
    if let Some(orders) = known.get(&state) {
        return *orders;
    }
    let mut orders = 0;
    for thread in 0..2 {
        let Some(left_then) = less(left, thread) else { continue };
        let is_preemption = thread != last && left[last] > 0;
        if let Some(preemptions) = preemptions.checked_sub(usize::from(is_preemption)) {
            orders += go_on((left_then, thread, preemptions), known);
        }
    }
    known.insert(state, orders);
    orders
}

/// What is left when `thread` has made a step, if it could.
fn less(mut left: [usize; 2], thread: usize) -> Option<[usize; 2]> {
    left[thread] = left[thread].checked_sub(1)?;
    Some(left)
}
