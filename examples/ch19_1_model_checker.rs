//! Chapter 19, step 1: a model checker. Run: `cargo run --release --example ch19_1_model_checker`
//!
//! Threads are lists of steps, what they share is a value, and the checker takes the steps in every
//! order there is. It finds chapter 13's lost wake-up, and none in the careful protocol. Step 2 takes
//! the checker from here.
//!
//! Book: chapter 19.

use std::collections::HashMap;
use std::hash::Hash;

use Then::{End, Next, Wait};
use Word::{Asleep, Task};

/// What a thread does in one go: nothing comes in between.
pub(crate) struct Step<M> {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&mut M) -> Then,
}

/// What becomes of a thread after a step.
pub(crate) enum Then {
    Next,
    End,
    /// It cannot go on before another thread has done something; the step was not made.
    Wait,
}

pub(crate) struct Thread<M> {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step<M>>,
}

/// All that decides how it can go on: what is shared, and where each thread is.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State<M> {
    memory: M,
    at: Vec<usize>,
}

/// An order of steps: the thread's name, the step's name.
pub(crate) type Order = Vec<(&'static str, &'static str)>;

/// What all orders together came to.
pub(crate) struct Verdict {
    pub(crate) orders: u64,
    pub(crate) bad: u64,
    pub(crate) states: usize,
    pub(crate) first_bad: Option<Order>,
}

struct Checker<'a, M> {
    threads: &'a [Thread<M>],
    is_well: fn(&M) -> bool,
    /// Where the search is: the steps from the start to here.
    order: Order,
    first_bad: Option<Order>,
    /// The states it has been to: how many orders lead on from there, and how many of them are bad.
    known: HashMap<State<M>, (u64, u64)>,
}

/// Takes the steps of `threads` in every order. When no thread can go on, `is_well` must hold. Threads
/// only go forward, so the search ends.
pub(crate) fn check<M: Clone + Eq + Hash>(
    threads: &[Thread<M>],
    memory: M,
    is_well: fn(&M) -> bool,
) -> Verdict {
    let (order, known) = (Order::new(), HashMap::new());
    let mut checker = Checker { threads, is_well, order, first_bad: None, known };
    let (orders, bad) = checker.go_on(&State { memory, at: vec![0; threads.len()] });
    Verdict { orders, bad, states: checker.known.len(), first_bad: checker.first_bad }
}

impl<M: Clone + Eq + Hash> Checker<'_, M> {
    fn go_on(&mut self, state: &State<M>) -> (u64, u64) {
        if let Some(counts) = self.known.get(state) {
            return *counts;
        }
        let (mut orders, mut bad) = (0, 0);
        for thread in 0..self.threads.len() {
            let Some((step, next)) = self.step(state, thread) else { continue };
            self.order.push((self.threads[thread].name, step));
            let (more_orders, more_bad) = self.go_on(&next);
            self.order.pop();
            (orders, bad) = (orders + more_orders, bad + more_bad);
        }
        if orders == 0 {
            (orders, bad) = (1, u64::from(!(self.is_well)(&state.memory)));
            if bad == 1 {
                self.first_bad.get_or_insert_with(|| self.order.clone());
            }
        }
        self.known.insert(state.clone(), (orders, bad));
        (orders, bad)
    }

    /// The next step of a thread and where it leads to, unless the thread has ended or must wait.
    fn step(&self, state: &State<M>, thread: usize) -> Option<(&'static str, State<M>)> {
        let steps = &self.threads[thread].steps;
        let step = steps.get(state.at[thread])?;
        let mut next = state.clone();
        next.at[thread] = match (step.run)(&mut next.memory) {
            Next => state.at[thread] + 1,
            End => steps.len(),
            Wait => return None,
        };
        Some((step.name, next))
    }
}

#[derive(Clone, Copy)]
enum Word {
    Task,
    Asleep,
}

/// What the pusher and the worker share.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Memory {
    words: [bool; 2],
    unparked: bool,
    found: bool,
}

impl Memory {
    fn store(&mut self, word: Word) -> Then {
        self.words[word as usize] = true;
        Next
    }

    fn load(&self, word: Word) -> bool {
        self.words[word as usize]
    }

    fn look(&mut self) -> Then {
        self.found = self.load(Task);
        if self.found { End } else { Next }
    }

    fn unpark(&mut self) -> Then {
        self.unparked = true;
        End
    }
}

fn thread(name: &'static str, steps: &[&'static str]) -> Thread<Memory> {
    let step = |name: &&'static str| {
        let run: fn(&mut Memory) -> Then = match *name {
            "pushes" => |memory| memory.store(Task),
            "asks" => |memory| if memory.load(Asleep) { Next } else { End },
            "unparks" => Memory::unpark,
            "looks" => Memory::look,
            "announces" => |memory| memory.store(Asleep),
            "sleeps" => |memory| if memory.unparked { Next } else { Wait },
            other => unreachable!("no step is called {other}"),
        };
        Step { name, run }
    };
    Thread { name, steps: steps.iter().map(step).collect() }
}

fn main() {
    let naive = ["looks", "announces", "sleeps", "looks"];
    let careful = ["looks", "announces", "looks", "sleeps", "looks"];
    let [naive, careful] = [&naive[..], &careful].map(|steps| {
        let pusher = thread("pusher", &["pushes", "asks", "unparks"]);
        check(&[thread("worker", steps), pusher], Memory::default(), |memory| memory.found)
    });
    println!("naive: {} of {} orders lose the task, the first is", naive.bad, naive.orders);
    for (thread, step) in naive.first_bad.as_ref().expect("a naive worker loses it") {
        println!("  {thread} {step}");
    }
    println!("careful: {} of {} orders lose the task", careful.bad, careful.orders);
    assert_eq!(careful.bad, 0);

    println!("two threads that never wait:");
    for n in [5, 10, 20] {
        let steps = || (0..n).map(|_| Step { name: "goes on", run: |()| Next }).collect();
        let threads = ["one", "the other"].map(|name| Thread { name, steps: steps() });
        let Verdict { orders, states, .. } = check(&threads, (), |()| true);
        println!("  {n} steps each: {orders} orders through {states} states");
        assert_eq!(states, (n + 1) * (n + 1));
    }
}
