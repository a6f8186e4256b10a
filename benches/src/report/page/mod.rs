//! The page to look at: one file of HTML with its charts and styles inside, without a script and without a remote asset.
//!
//! It is written from the data alone: any row, any metric, any contestant that the catalogue has. First the sums, wins
//! and losses in the same type; then where the figures come from; then a section for each row. All that comes from
//! outside this folder is escaped.
//!
//! Invariants: the page is well-formed as XML too, no text is smaller than 12 px, and nothing is told by colour alone.
//!
//! Book: chapter 20

mod scale;
mod section;
mod strip;
#[cfg(test)]
mod tests;
mod words;

use super::{Duel, Figure, Report};
use crate::catalogue::Who;
use crate::stats::Verdict;
use std::fmt::Write;
pub(super) use words::escape;

/// Styles for light and dark.
const STYLE: &str = include_str!("style.css");
/// Rounds below this give a first look, no interval to lean on.
const ROUNDS_TO_TRUST: usize = 5;

/// The whole page.
pub(super) fn html(report: &Report) -> String {
    let rows = rows(report);
    let mut page = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>Waterwheel beside its peers, {}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>Waterwheel beside its peers</h1>
"#,
        escape(&report.machine.date)
    );
    strip::marks(&mut page);
    summary(report, &rows, &mut page);
    origin(report, &mut page);
    reading(report, &mut page);
    contents(&rows, &mut page);
    for (number, row) in rows.iter().enumerate() {
        section::write(report, number, row, &mut page);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// The figures, row by row.
fn rows(report: &Report) -> Vec<&[Figure]> {
    report.figures.chunk_by(|one, next| one.row == next.row).collect()
}

/// A comparison with the place it comes from.
struct Finding<'a> {
    row: usize,
    figure: &'a Figure,
    duel: &'a Duel,
}

impl Finding<'_> {
    /// How far from equal, whichever way.
    fn distance(&self) -> f64 {
        self.duel.ratio.median.ln().abs()
    }

    fn baseline(&self) -> Option<Who> {
        Some(self.figure.entry(&self.duel.baseline)?.who)
    }
}

fn summary(report: &Report, rows: &[&[Figure]], page: &mut String) {
    let mut findings: Vec<Finding<'_>> = Vec::new();
    for (row, figures) in rows.iter().enumerate() {
        for figure in *figures {
            findings.extend(figure.duels.iter().map(|duel| Finding { row, figure, duel }));
        }
    }
    findings.sort_by(|one, other| other.distance().total_cmp(&one.distance()));
    let _ = writeln!(page, "<p class=\"lead\">{}</p>", tally(&findings, &report.failures));
    let _ = writeln!(page, "<ul class=\"peers\">");
    for who in Who::ALL {
        let theirs = || findings.iter().filter(|finding| finding.baseline() == Some(who));
        if theirs().next().is_some() {
            let count = |verdict| theirs().filter(|one| one.duel.verdict == verdict).count();
            let _ = writeln!(
                page,
                "<li>Against {}: wins {}, equal {}, losses {}.</li>",
                escape(who.name()),
                count(Verdict::Win),
                count(Verdict::Equal),
                count(Verdict::Loss)
            );
        }
    }
    page.push_str("</ul>\n<div class=\"lists\">\n");
    for (verdict, class, title) in [
        (Verdict::Win, "win", "Wins"),
        (Verdict::Loss, "loss", "Losses"),
        (Verdict::Equal, "equal", "Equal"),
    ] {
        list(&findings, verdict, class, title, page);
    }
    failures(report, page);
    page.push_str("</div>\n");
}

/// The sums in one sentence.
fn tally(findings: &[Finding<'_>], failures: &[String]) -> String {
    let count = |verdict| findings.iter().filter(|one| one.duel.verdict == verdict).count();
    format!(
        "Of {} comparisons: wins {}, equal {}, losses {}. Runs that failed: {}.",
        findings.len(),
        count(Verdict::Win),
        count(Verdict::Equal),
        count(Verdict::Loss),
        failures.len()
    )
}

fn list(findings: &[Finding<'_>], verdict: Verdict, class: &str, title: &str, page: &mut String) {
    let of_it: Vec<_> = findings.iter().filter(|one| one.duel.verdict == verdict).collect();
    let unsure = of_it.iter().filter(|one| one.duel.is_unsure()).count();
    let unsure = if unsure > 0 { format!(" ({unsure} unsure)") } else { String::new() };
    let _ = writeln!(
        page,
        "<section class=\"{class}\">\n<h2>{title}: {}{unsure}</h2>\n<ul>",
        of_it.len()
    );
    for Finding { row, figure, duel } in of_it {
        let _ = writeln!(
            page,
            "<li><a href=\"#row-{row}\">{}</a>, {}: {}</li>",
            escape(figure.row),
            escape(figure.metric),
            words::marked_up(&words::sentence(figure, duel))
        );
    }
    page.push_str("</ul>\n</section>\n");
}

fn failures(report: &Report, page: &mut String) {
    let count = report.failures.len();
    let _ = writeln!(page, "<section class=\"failed\">\n<h2>Failed runs: {count}</h2>\n<ul>");
    for failure in &report.failures {
        let _ = writeln!(page, "<li>{}</li>", escape(failure));
    }
    page.push_str("</ul>\n</section>\n");
}

fn origin(report: &Report, page: &mut String) {
    let machine = &report.machine;
    let rounds = if report.rounds == 1 { "1 round" } else { &format!("{} rounds", report.rounds) };
    let depth = if report.quick { "quick: short runs" } else { "full length" };
    let facts = [
        ("Date", machine.date.clone()),
        ("Command", machine.command.trim_end().to_owned()),
        ("Rounds", format!("{rounds}, interleaved, a process per run; {depth}")),
        ("Machine", format!("{}, {} cores, {}", machine.processor, machine.cores, machine.kernel)),
        ("Load average", format!("{} (1, 5 and 15 minutes, at the end of the run)", machine.load)),
        ("Built with", format!("{}; profile {}; system allocator", machine.rustc, machine.profile)),
        ("Commit", machine.commit.clone()),
        ("Crates", machine.crates.join(", ")),
    ];
    page.push_str("<h2>Where, when, with what</h2>\n<dl>\n");
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(page, "<dt>{name}</dt><dd>{}</dd>", escape(value));
    }
    page.push_str("</dl>\n");
    if report.rounds < ROUNDS_TO_TRUST || report.quick || cfg!(debug_assertions) {
        page.push_str(
            "<p class=\"note\">A first look. Figures to rely on come from a release build, at \
             full length, with 5 rounds or more, on a machine that does nothing else.</p>\n",
        );
    }
}

fn reading(report: &Report, page: &mut String) {
    page.push_str(
        "<h2>How to read a chart</h2>\n<p>Each line is a contestant. A mark is one round, the first \
         round on top; the upright bar is the median, the grey band its 95 % bootstrap interval. Where \
         a row has a baseline, a mark is the ratio to the baseline in the same round, and the baseline \
         is the line at 1. The arrow says which way is better. The scale is logarithmic unless it \
         begins at 0.</p>\n<p>The numbers behind a name are workers: for ours <em>H+L</em>, High-home \
         and Low-home; the others have as many in all. A ratio within the band that counts as equal is \
         equal; <em>unsure</em> means that the interval holds 1. Every metric with a verdict is \
         counted above, also those that the terminal leaves to the record. Who has no verdict is shown \
         beside and is not compared. <em>mad</em> is the median distance from the median.</p>\n<ul class=\"legend\">\n",
    );
    let takes_part = |who: &Who| {
        report.figures.iter().flat_map(|figure| &figure.entries).any(|entry| entry.who == *who)
    };
    for who in Who::ALL.into_iter().filter(takes_part) {
        let _ = writeln!(
            page,
            "<li><svg width=\"20\" height=\"16\" aria-hidden=\"true\">{}</svg> {}</li>",
            strip::mark(who, "10", 8.0, ""),
            escape(who.name())
        );
    }
    page.push_str("</ul>\n");
}

fn contents(rows: &[&[Figure]], page: &mut String) {
    page.push_str("<h2>Rows</h2>\n<ul class=\"contents\">\n");
    for (number, row) in rows.iter().enumerate() {
        let _ = writeln!(page, "<li><a href=\"#row-{number}\">{}</a></li>", escape(row[0].row));
    }
    page.push_str("</ul>\n");
}
