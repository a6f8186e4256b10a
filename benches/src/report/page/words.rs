//! Verdicts in words, and text made safe for HTML.
//!
//! Book: chapter 20

use super::super::table::digits;
use super::super::{Duel, Figure};
use crate::stats::{Good, Verdict};

/// Text as HTML and SVG may hold it, in an attribute too.
pub(in super::super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // What a terminal may colour, no page may hold.
            control if control.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

/// `ours 0+1 is slower than tokio 1: 1.21 times [1.06..1.28]`.
pub(super) fn sentence(figure: &Figure, duel: &Duel) -> String {
    let Duel { ours, baseline, ratio, rounds, verdict } = duel;
    let (better, worse) = comparatives(figure);
    let compared = match verdict {
        Verdict::Win => format!("{better} than {baseline}"),
        Verdict::Loss => format!("{worse} than {baseline}"),
        Verdict::Equal => {
            format!("is equal to {baseline} within {:.0}\u{a0}%", figure.band * 100.0)
        }
    };
    let interval = match rounds {
        0 | 1 => "[one round, no interval]".to_owned(),
        _ => interval(ratio.low, ratio.high),
    };
    let unsure = if duel.is_unsure() { "; unsure, the interval holds 1" } else { "" };
    format!("{ours} {compared}: {} times {interval}{unsure}", digits(ratio.median))
}

/// A sentence for the page, safe, its interval in one piece.
pub(super) fn marked_up(sentence: &str) -> String {
    escape(sentence).replace('[', "<span class=\"piece\">[").replace(']', "]</span>")
}

/// `[1.06..1.28]`.
pub(super) fn interval(low: f64, high: f64) -> String {
    format!("[{}..{}]", digits(low), digits(high))
}

/// The words for a better and a worse value of a metric, from its name and direction.
fn comparatives(figure: &Figure) -> (&'static str, &'static str) {
    let name = figure.metric.to_lowercase();
    let parts: Vec<&str> = name.split(|c: char| !c.is_alphanumeric() && c != '%').collect();
    let has = |words: &[&str]| parts.iter().any(|part| words.contains(part));
    match figure.good {
        Good::High if name.contains("/s") => ("is faster", "is slower"),
        Good::High => ("is better", "is worse"),
        Good::Low if has(&["cpu"]) => ("takes less processor time", "takes more processor time"),
        Good::Low if has(&["b", "kb", "mb", "kib", "mib", "byte", "bytes"]) => {
            ("takes less memory", "takes more memory")
        }
        Good::Low if has(&["late", "overshoot"]) => ("is less late", "is later"),
        Good::Low if has(&["ns", "us", "ms", "s"]) => ("is faster", "is slower"),
        Good::Low => ("is better", "is worse"),
    }
}

/// Which way is better, with an arrow.
pub(super) fn direction(good: Good) -> &'static str {
    match good {
        Good::Low => "\u{2190} better",
        Good::High => "better \u{2192}",
    }
}
