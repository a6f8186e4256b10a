//! Chapter 19, step 2: mutants. Run: `cargo run --release --example ch19_2_mutants`
//!
//! The protocol of `src/scheduler/idle.rs`, with a memory in which a store takes its time, and with one
//! step after another left out or moved. The checker is that of step 1.
//!
//! Book: chapter 19.

#[path = "ch19_1_model_checker.rs"]
#[expect(dead_code, reason = "its own protocol and its own memory are not needed here")]
mod step_1;

use std::collections::VecDeque;
use std::fmt;

use Mutant::{AsItIs, Moved, Without};
use Side::{Pusher, Worker};
use Stores::{AtOnce, Later};
use Word::{Asleep, Searching, Task};
use step_1::Then::{self, End, Next, Wait};
use step_1::{Order, Step, Thread, Verdict, check};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Word {
    Task,
    Searching,
    Asleep,
}

#[derive(Clone, Copy)]
enum Side {
    Pusher,
    Worker,
}

/// When the other side sees what one has stored.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
enum Stores {
    #[default]
    AtOnce,
    Later,
}

/// What the pusher and the worker share.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Memory {
    words: [bool; 3],
    /// What either side has stored and the other one does not see yet, the oldest first.
    buffers: [VecDeque<(Word, bool)>; 2],
    stores: Stores,
    unparked: bool,
    found: bool,
    /// The worker was unparked although it was still searching.
    in_vain: bool,
}

impl Memory {
    fn store(&mut self, side: Side, word: Word, value: bool) -> Then {
        self.buffers[side as usize].push_back((word, value));
        if self.stores == AtOnce { self.drain(side) } else { Next }
    }

    fn load(&self, side: Side, word: Word) -> bool {
        let own = self.buffers[side as usize].iter().rfind(|(stored, _)| *stored == word);
        own.map_or(self.words[word as usize], |(_, value)| *value)
    }

    fn look(&mut self) -> Then {
        self.found = self.load(Worker, Task);
        if self.found { End } else { Next }
    }

    /// The oldest store reaches the others.
    fn drain(&mut self, side: Side) -> Then {
        let Some((word, value)) = self.buffers[side as usize].pop_front() else { return Wait };
        self.words[word as usize] = value;
        Next
    }

    fn fence(&self, side: Side) -> Then {
        if self.buffers[side as usize].is_empty() { Next } else { Wait }
    }

    /// Takes the worker off the list: one exchange, which is a fence as well.
    fn unpark(&mut self) -> Then {
        if !self.buffers[Pusher as usize].is_empty() {
            return Wait;
        }
        self.in_vain = self.words[Searching as usize];
        self.words[Searching as usize] = true;
        self.words[Asleep as usize] = false;
        self.unparked = true;
        End
    }
}

/// The steps of either side, as in chapter 13.
const PUSHER: [&str; 5] = ["P1", "P2", "P3", "P4", "unpark"];
const WORKER: [&str; 7] = ["look", "W1", "W2", "W3", "W4", "park", "look"];

fn step(name: &'static str) -> Step<Memory> {
    let run: fn(&mut Memory) -> Then = match name {
        "P1" => |memory| memory.store(Pusher, Task, true),
        "P2" => |memory| memory.fence(Pusher),
        "P3" => |memory| if memory.load(Pusher, Searching) { End } else { Next },
        "P4" => |memory| if memory.load(Pusher, Asleep) { Next } else { End },
        "unpark" => Memory::unpark,
        "W1" => |memory| memory.store(Worker, Asleep, true),
        "W2" => |memory| memory.store(Worker, Searching, false),
        "W3" => |memory| memory.fence(Worker),
        "look" | "W4" => Memory::look,
        "park" => |memory| if memory.unparked { Next } else { Wait },
        "p" => |memory| memory.drain(Pusher),
        "w" => |memory| memory.drain(Worker),
        other => unreachable!("no step is called {other}"),
    };
    Step { name, run }
}

/// What is changed in the protocol.
#[derive(Clone, Copy)]
enum Mutant {
    AsItIs,
    Without(&'static str),
    /// The first step comes right after the second one.
    Moved(&'static str, &'static str),
}

impl Mutant {
    fn of(self, steps: &[&'static str]) -> Vec<Step<Memory>> {
        let mut names = steps.to_vec();
        if let Without(step) | Moved(step, _) = self {
            names.retain(|name| *name != step);
        }
        if let Moved(step, other) = self
            && let Some(place) = names.iter().position(|name| *name == other)
        {
            names.insert(place + 1, step);
        }
        names.into_iter().map(step).collect()
    }

    fn check(self, stores: Stores, is_well: fn(&Memory) -> bool) -> Verdict {
        let threads = [
            Thread { name: "worker", steps: self.of(&WORKER) },
            Thread { name: "pusher", steps: self.of(&PUSHER) },
            // A store leaves its buffer at any time. The worker stores twice, the pusher once.
            Thread { name: "worker's buffer", steps: vec![step("w"), step("w")] },
            Thread { name: "pusher's buffer", steps: vec![step("p")] },
        ];
        // At the start the worker searches.
        let memory = Memory { words: [false, true, false], stores, ..Memory::default() };
        check(&threads, memory, is_well)
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AsItIs => f.pad("as it is"),
            Without(step) => f.pad(&format!("without {step}")),
            Moved(step, other) => f.pad(&format!("{step} after {other}")),
        }
    }
}

/// Where a mutant loses the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Always,
    WithBuffers,
    Never,
}

const MUTANTS: [(Lost, &[Mutant]); 3] = [
    (Lost::Always, &[Without("W4"), Without("W2"), Without("unpark"), Moved("W1", "W4")]),
    (
        Lost::WithBuffers,
        &[
            Without("P2"),
            Without("W3"),
            Moved("P2", "P3"),
            Moved("W3", "W4"),
            Moved("W1", "W3"),
            Moved("W2", "W3"),
        ],
    ),
    (Lost::Never, &[AsItIs, Moved("W1", "W2"), Without("P3"), Without("P4")]),
];

fn names(order: Option<&Order>) -> String {
    let names = order.into_iter().flatten().map(|(_, step)| *step);
    names.collect::<Vec<_>>().join(" ")
}

fn main() {
    println!("protocol      stores at once   stores later   the first order that loses the task");
    for (expected, mutants) in MUTANTS {
        for mutant in mutants {
            let [at_once, later] =
                [AtOnce, Later].map(|stores| mutant.check(stores, |memory| memory.found));
            let first = names(at_once.first_bad.as_ref().or(later.first_bad.as_ref()));
            let counts = |verdict: &Verdict| format!("{} of {}", verdict.bad, verdict.orders);
            let (once, late) = (counts(&at_once), counts(&later));
            println!("{}", format!("{mutant:14}{once:>14}{late:>15}   {first}").trim_end());
            let lost = match (at_once.bad > 0, later.bad > 0) {
                (true, true) => Lost::Always,
                (false, true) => Lost::WithBuffers,
                _ => Lost::Never,
            };
            assert_eq!(lost, expected, "{mutant}");
        }
    }
    println!("is the worker woken in vain?");
    for mutant in [AsItIs, Moved("W1", "W2"), Without("P3"), Without("P4")] {
        let Verdict { orders, bad, first_bad, .. } = mutant.check(Later, |memory| !memory.in_vain);
        let first = names(first_bad.as_ref());
        println!(
            "{}",
            format!("{mutant:14}{:>29}   {first}", format!("{bad} of {orders}")).trim_end()
        );
    }
}
