//! A row's section: what it measures, how it was kept fair, and for each metric the verdict, a chart and the figures.
//!
//! Book: chapter 20

use super::super::table::digits;
use super::super::{Duel, Entry, Figure, Report};
use super::strip;
use super::words::{escape, interval, marked_up, sentence};
use crate::catalogue::{Place, Who};
use crate::stats::Verdict;
use std::fmt::Write;

/// Writes the section of the row whose figures these are.
pub(super) fn write(report: &Report, number: usize, figures: &[Figure], page: &mut String) {
    let Figure { row, what, fair, .. } = &figures[0];
    let _ = writeln!(
        page,
        "<section class=\"row\" id=\"row-{number}\">\n<h2>{}</h2>\n\
         <p><strong>What it measures:</strong> {}.</p>\n\
         <p><strong>How it was kept fair:</strong> {}.</p>",
        escape(row),
        escape(what.trim_end_matches('.')),
        escape(fair.trim_end_matches('.'))
    );
    failures(report, row, page);
    page.push_str("<div class=\"cards\">\n");
    for (metric, figure) in figures.iter().enumerate() {
        let _ = writeln!(page, "<article>\n<h3>{}</h3>", escape(figure.metric));
        verdicts(figure, page);
        strip::chart(figure, &format!("chart-{number}-{metric}"), page);
        table(figure, page);
        page.push_str("</article>\n");
    }
    page.push_str("</div>\n</section>\n");
}

/// The runs of this row that gave nothing.
fn failures(report: &Report, row: &str, page: &mut String) {
    let begin = format!("{row}, ");
    let ours: Vec<&str> =
        report.failures.iter().filter_map(|failure| failure.strip_prefix(&begin)).collect();
    if ours.is_empty() {
        return;
    }
    page.push_str("<ul class=\"failed\">\n");
    for failure in ours {
        let _ = writeln!(page, "<li><b class=\"pill failed\">failed</b> {}</li>", escape(failure));
    }
    page.push_str("</ul>\n");
}

fn verdicts(figure: &Figure, page: &mut String) {
    page.push_str("<ul class=\"verdicts\">\n");
    for duel in &figure.duels {
        let (class, word) = pill(duel);
        let _ = writeln!(
            page,
            "<li><b class=\"pill {class}\">{word}</b> {}</li>",
            marked_up(&sentence(figure, duel))
        );
    }
    if figure.duels.is_empty() {
        let words = match (figure.place, figure.baseline.is_some()) {
            (Place::Fact, _) => "<b class=\"pill fact\">fact</b> About the run; no verdict.",
            (_, true) => {
                "<b class=\"pill failed\">no verdict</b> Ours and the baseline have no round in common."
            }
            (_, false) => "<b class=\"pill failed\">no verdict</b> No baseline took part.",
        };
        let _ = writeln!(page, "<li>{words}</li>");
    }
    page.push_str("</ul>\n");
}

fn pill(duel: &Duel) -> (&'static str, String) {
    let class = match duel.verdict {
        Verdict::Win => "win",
        Verdict::Equal => "equal",
        Verdict::Loss => "loss",
    };
    (class, duel.words().to_lowercase())
}

fn table(figure: &Figure, page: &mut String) {
    page.push_str(
        "<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">contestant</th>\
         <th scope=\"col\">median</th><th scope=\"col\">mad</th>\
         <th scope=\"col\">least..most</th><th scope=\"col\">ratio, 95 %</th></tr></thead>\n<tbody>\n",
    );
    for entry in &figure.entries {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}<span class=\"part\">{}</span></th>{}</tr>",
            escape(&entry.contestant),
            part(figure, entry),
            cells(entry)
        );
    }
    page.push_str("</tbody>\n</table></div>\n");
}

/// What a contestant is in its row.
fn part(figure: &Figure, entry: &Entry) -> &'static str {
    let is_compared = figure.duels.iter().any(|duel| duel.baseline == entry.contestant);
    match entry.who {
        Who::Ours => "",
        _ if is_compared => "compared with",
        _ => "shown beside",
    }
}

fn cells(entry: &Entry) -> String {
    let failed = entry.values.iter().filter(|value| value.is_none()).count();
    let Some(all) = entry.summary else {
        return "<td colspan=\"4\" class=\"none\">failed: no figures</td>".to_owned();
    };
    let mut cells = format!(
        "<td>{}</td><td>{}</td><td>{}..<wbr/>{}</td>",
        digits(all.median),
        digits(all.mad),
        digits(all.min),
        digits(all.max)
    );
    let interval = match entry.ratio {
        Some(ratio) if entry.rounds > 1 => interval(ratio.low, ratio.high),
        _ => "one round".to_owned(),
    };
    let _ = match entry.ratio {
        Some(ratio) => {
            let part = format!("<span class=\"part\">{interval}</span>");
            write!(cells, "<td>{}{part}</td>", digits(ratio.median))
        }
        None => write!(cells, "<td>-</td>"),
    };
    if failed > 0 {
        let rounds = entry.values.len();
        let note = format!("<span class=\"part\">{failed} of {rounds} rounds failed</span></td>");
        cells = cells.replacen("</td>", &note, 1);
    }
    cells
}
