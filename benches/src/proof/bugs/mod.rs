//! Bugs that other runtimes had or have, on ours and on them.
//!
//! Each was told in a thread of the other project; the scenario is ours. `examples/bug_*.rs` are the same four on our
//! runtime alone. A run has a process of its own, which this one ends when its time is over, since a runtime that hangs
//! cannot be shut down.
//!
//! The proof is about ours: it is broken if ours fails. What the others do is printed.
//!
//! Book: chapters 13, 14, 17

mod scenarios;

use super::bound;
use crate::machine::version_of;
use scenarios::Limits;
use std::env;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A whole run may take this long, before it is ended.
const TIME: Duration = Duration::from_secs(120);
/// Ours may let a round wait as long as this, on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// The others too in the full size; in the small one their round is over sooner.
const SHORT: Duration = Duration::from_secs(2);

struct Bug {
    name: &'static str,
    what: &'static str,
    /// Contestants, ours first, each with the crate that its version is of.
    runs: &'static [(&'static str, &'static str)],
}

const OURS: (&str, &str) = ("ours", "waterwheel");
const TOKIO: (&str, &str) = ("tokio", "tokio");
const SMOL: (&str, &str) = ("smol", "async-executor");

const BUGS: [Bug; 4] = [
    Bug {
        name: "tokio-4730",
        what: "a task wakes by a timer and blocks its worker: timers and sockets go on",
        runs: &[OURS, TOKIO, SMOL],
    },
    Bug {
        name: "tokio-4941",
        what: "a task spawns a child and blocks its worker: the child begins meanwhile",
        runs: &[OURS, TOKIO, SMOL],
    },
    Bug {
        name: "tokio-8056",
        what: "blocking calls that wait for each other: each gets a thread",
        runs: &[OURS, TOKIO],
    },
    Bug {
        name: "async-executor-104",
        what: "a thread that serves tasks no longer spawns some: others serve them",
        runs: &[OURS, SMOL],
    },
];

pub(super) fn run(full: bool) -> Result<(), String> {
    println!("| scenario | runtime | outcome |\n|---|---|---|");
    let mut broken = Vec::new();
    for bug in &BUGS {
        for run in bug.runs {
            let (contestant, lock_name) = *run;
            let patience = if full || *run == OURS { PATIENCE } else { SHORT };
            let outcome = in_a_child(bug.name, contestant, patience)?;
            let version = version_of(lock_name).unwrap_or("?");
            println!("| {}: {} | {lock_name} {version} | {outcome} |", bug.name, bug.what);
            if *run == OURS && !outcome.starts_with("passes") {
                broken.push(bug.name);
            }
        }
    }
    bound(broken.is_empty(), &format!("ours fails in {}", broken.join(", ")))
}

/// What came out, as a sentence that begins with `passes` or `fails`.
fn in_a_child(bug: &str, contestant: &str, patience: Duration) -> Result<String, String> {
    let begin = Instant::now();
    let mut child = Command::new(env::current_exe().map_err(|error| error.to_string())?)
        .args(["bug", bug, contestant, &patience.as_millis().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut output = child.stdout.take().ok_or("the child's output is piped")?;
    let (sender, said) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.read_to_string(&mut text);
        // Nobody listens any more once the time is over.
        sender.send(read.map(|_| text)).unwrap_or(());
    });
    let said = said.recv_timeout(TIME);
    // It has ended by itself, or it hangs; either way this is its end.
    child.kill().map_err(|error| error.to_string())?;
    let status = child.wait().map_err(|error| error.to_string())?;
    Ok(match said {
        Ok(Ok(text)) if !text.trim().is_empty() => text.trim().to_owned(),
        Ok(_) => format!("fails: ended with {status} and no word"),
        Err(_) => format!("fails: hung, ended after {:.0} s", begin.elapsed().as_secs_f64()),
    })
}

/// Runs one scenario on one contestant in this process, and prints what came out.
///
/// # Errors
///
/// One line, if there is no such scenario on such a contestant.
pub(crate) fn one(bug: &str, contestant: &str, patience: Duration) -> Result<(), String> {
    let limits = Limits { patience };
    let outcome = match (bug, contestant) {
        ("tokio-4730", who) => scenarios::bad_task(who, limits)?,
        ("tokio-4941", who) => scenarios::last_child(who, limits)?,
        ("tokio-8056", who) => scenarios::groups_of_calls(who, limits)?,
        ("async-executor-104", who) => scenarios::serves_no_longer(who, limits)?,
        _ => return Err(format!("no scenario `{bug}`")),
    };
    match outcome {
        Ok(passed) => println!("passes: {passed}"),
        Err(failed) => println!("fails: {failed}"),
    }
    Ok(())
}
