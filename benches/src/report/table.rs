//! The table: for a terminal one line per comparison, for the record also every contestant's spread.
//!
//! Book: chapter 20

use super::{Duel, Entry, Figure, Report};
use crate::catalogue::{Place, Who};
use std::fmt::Write;

/// The rounding of a table: three digits that mean something.
pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => thousands(value),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.2}"),
        size if size >= 0.001 => format!("{value:.4}"),
        _ => format!("{value:.1e}"),
    }
}

/// 195,523 as `195,500`.
fn thousands(value: f64) -> String {
    let unit = 10f64.powf(value.abs().log10().floor() - 3.0).max(1.0);
    let plain = format!("{:.0}", (value / unit).round() * unit);
    let mut text = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn median(entry: Option<&Entry>) -> String {
    entry.and_then(|entry| entry.summary).map_or_else(|| "-".to_owned(), |all| digits(all.median))
}

/// One line per comparison of ours with a baseline; `shown` says of which figures.
fn lines(report: &Report, shown: fn(&Figure) -> bool) -> Vec<Vec<String>> {
    let columns = columns(report);
    let mut header: Vec<String> =
        ["row", "metric", "ours"].into_iter().map(str::to_owned).collect();
    header.extend(columns.iter().map(|who| who.name().to_owned()));
    header.extend(["ours / baseline", "95 %", "verdict"].map(str::to_owned));
    let mut lines = vec![header];
    for figure in report.figures.iter().filter(|figure| shown(figure)) {
        for duel in &figure.duels {
            lines.push(line(figure, duel, &columns));
        }
    }
    lines
}

/// The runtimes that took part anywhere, without ours.
fn columns(report: &Report) -> Vec<Who> {
    let entries: Vec<&Entry> = report.figures.iter().flat_map(|figure| &figure.entries).collect();
    let takes_part = |who: &Who| entries.iter().any(|entry| entry.who == *who);
    Who::ALL.into_iter().filter(|who| *who != Who::Ours && takes_part(who)).collect()
}

fn line(figure: &Figure, duel: &Duel, columns: &[Who]) -> Vec<String> {
    let find = |found: &dyn Fn(&Entry) -> bool| figure.entries.iter().find(|entry| found(entry));
    let ours = find(&|entry| entry.contestant == duel.ours);
    let mut line = vec![figure.row.to_owned(), figure.metric.to_owned()];
    line.push(format!("{} ({})", median(ours), duel.ours.trim_start_matches("ours ")));
    line.extend(columns.iter().map(|who| median(find(&|entry| entry.who == *who))));
    line.push(format!("{} {}", digits(duel.ratio.median), duel.baseline));
    line.push(format!("{}..{}", digits(duel.ratio.low), digits(duel.ratio.high)));
    line.push(duel.words());
    line
}

/// The table for a terminal, with the machine above it.
pub(crate) fn text(report: &Report) -> String {
    let mut text = report.machine.lines().join("\n");
    let _ = writeln!(text, "\nrounds   {}, interleaved; medians\n", report.rounds);
    let lines = lines(report, |figure| figure.place == Place::Table);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..lines[0].len()).filter_map(width).collect();
    for line in &lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = if column < 2 {
                write!(text, "{cell:width$}  ")
            } else {
                write!(text, "{cell:>width$}  ")
            };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text.push_str(NOTE);
    failures(report, &mut text);
    text
}

const NOTE: &str = "\nours (H+L): H High-home and L Low-home workers; the others have as many in all. \
The ratio is the median over\nrounds, with its 95 % bootstrap interval; within 5 % (sockets and wake-ups: 10 %) \
counts as equal.\nA verdict with a question mark: the interval holds 1.\n";

fn failures(report: &Report, text: &mut String) {
    for failure in &report.failures {
        let _ = writeln!(text, "failed: {failure}");
    }
}

/// The same as Markdown, followed by each contestant's median, spread and ratio.
pub(crate) fn markdown(report: &Report) -> String {
    let mut text = String::from("# Waterwheel beside its peers\n\n```text\n");
    text.push_str(&report.machine.lines().join("\n"));
    let _ = writeln!(text, "\nrounds   {}, interleaved, a process per run; medians", report.rounds);
    text.push_str("```\n\n");
    rows(&lines(report, |_| true), &mut text);
    text.push_str(NOTE);
    failures(report, &mut text);
    text.push_str("\n## Every contestant\n\n`mad` is the median distance from the median.\n\n");
    let mut all = vec![
        ["row", "metric", "contestant", "median", "mad", "least", "most", "/ baseline", "95 %"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for figure in &report.figures {
        all.extend(figure.entries.iter().map(|entry| detail(figure, entry)));
    }
    rows(&all, &mut text);
    text
}

fn detail(figure: &Figure, entry: &Entry) -> Vec<String> {
    let mut line = vec![figure.row.to_owned(), figure.metric.to_owned(), entry.contestant.clone()];
    match entry.summary {
        Some(all) => line.extend([all.median, all.mad, all.min, all.max].map(digits)),
        None => line.extend(["failed", "", "", ""].map(str::to_owned)),
    }
    match entry.ratio {
        Some(ratio) => {
            line.push(digits(ratio.median));
            line.push(format!("{}..{}", digits(ratio.low), digits(ratio.high)));
        }
        None => line.extend(["-", "-"].map(str::to_owned)),
    }
    line
}

fn rows(lines: &[Vec<String>], text: &mut String) {
    for (number, line) in lines.iter().enumerate() {
        let _ = writeln!(text, "| {} |", line.join(" | "));
        if number == 0 {
            let rule: Vec<&str> =
                (0..line.len()).map(|at| if at < 2 { "---" } else { "--:" }).collect();
            let _ = writeln!(text, "|{}|", rule.join("|"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits() {
        for (value, text) in [
            (0.0, "0.00"),
            (0.123, "0.12"),
            (0.000_123, "1.2e-4"),
            (0.004_56, "0.0046"),
            (17.94, "17.9"),
            (352.4, "352"),
            (1_415.9, "1,416"),
            (195_523.0, "195,500"),
            (1_000_000.0, "1,000,000"),
        ] {
            assert_eq!(digits(value), text);
        }
    }
}
