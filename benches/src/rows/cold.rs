//! A runtime's whole life, again and again: built, one task run, ended.
//!
//! Book: chapter 20

use super::batch::per_operation;
use super::{Run, Sample, sample};
use crate::peer::Ends;

/// Lives of a batch.
const LIVES: usize = 25;

/// Builds a runtime, spawns one task, awaits it, and ends the runtime with all its threads joined.
pub(super) fn starts<P: Ends>(run: Run) -> Sample {
    let lives = || {
        for life in 0..LIVES {
            assert_eq!(P::live(run.layout, async move { life }), life, "the task runs");
        }
    };
    let nanos = per_operation(run, "ns", LIVES, lives)["ns"];
    sample([("us/cycle", nanos / 1e3)])
}
