//! A metric's chart: a strip of marks for each contestant, with its median and interval.
//!
//! Written in percentages of its width, so its text keeps its size on a phone. The finding stands in `<desc>`, in words.
//!
//! Book: chapter 20

use super::super::table::digits;
use super::super::{Entry, Figure};
use super::scale::{Scale, label};
use super::words::{direction, escape, interval, sentence};
use crate::catalogue::Who;
use crate::stats::Ratio;
use std::fmt::Write;

/// Heights in px: of the arrow's line, of a contestant, of the axis.
const HEAD: f64 = 22.0;
const BAND: f64 = 44.0;
const AXIS: f64 = 22.0;
/// Marks of rounds are spread over this height, so that equal ones can be told apart.
const JITTER: f64 = 14.0;

/// The shape of a runtime's marks, by its place in [`Who::ALL`]: told apart without colour too.
const SHAPES: [&str; 8] = [
    r#"<circle r="4.5" fill="currentColor"/>"#,
    r#"<rect x="-4" y="-4" width="8" height="8" fill="currentColor"/>"#,
    r#"<path d="M0 -5.5 5.5 0 0 5.5 -5.5 0Z" fill="currentColor"/>"#,
    r#"<path d="M0 -5 5 4.5H-5Z" fill="none" stroke="currentColor" stroke-width="2"/>"#,
    r#"<path d="M-5 0H5M0 -5V5" stroke="currentColor" stroke-width="2.5"/>"#,
    r#"<path d="M-4 -4 4 4M4 -4 -4 4" stroke="currentColor" stroke-width="2.5"/>"#,
    r#"<circle r="4" fill="none" stroke="currentColor" stroke-width="2.5"/>"#,
    r#"<path d="M0 5 5 -4.5H-5Z" fill="currentColor"/>"#,
];

/// Writes the shapes, once for the page.
pub(super) fn marks(page: &mut String) {
    page.push_str("<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>");
    for (number, shape) in SHAPES.iter().enumerate() {
        let _ = write!(page, "<g id=\"mark-{number}\">{shape}</g>");
    }
    page.push_str("</defs></svg>\n");
}

/// A mark of `who` at `x` (a length or percentage) and `y`; `words` appear under a pointer.
pub(super) fn mark(who: Who, x: &str, y: f64, words: &str) -> String {
    let shape = Who::ALL.iter().position(|other| *other == who).unwrap_or(0) % SHAPES.len();
    let start = format!(r##"<use class="mark w{shape}" href="#mark-{shape}" x="{x}" y="{y:.1}""##);
    match words {
        "" => format!("{start}/>"),
        words => format!("{start}><title>{}</title></use>", escape(words)),
    }
}

/// What is drawn of one contestant.
struct Line<'a> {
    entry: &'a Entry,
    /// By round: ratios to the baseline, or values.
    marks: Vec<Option<f64>>,
    middle: Option<Ratio>,
    is_baseline: bool,
}

/// Writes the chart; `id` is the page's own name for it.
pub(super) fn chart(figure: &Figure, id: &str, page: &mut String) {
    let baseline = figure.baseline.as_ref().and_then(|name| figure.entry(name));
    let baseline = baseline.filter(|baseline| baseline.summary.is_some());
    let lines: Vec<Line<'_>> = figure.entries.iter().map(|one| line(one, baseline)).collect();
    let drawn = lines.iter().flat_map(|line| line.marks.iter().copied().flatten());
    let scale = if baseline.is_some() { Scale::of_ratios(drawn) } else { Scale::of_values(drawn) };
    let subject = baseline.map_or_else(
        || format!("{}, by contestant", figure.metric),
        |baseline| format!("{}, as a ratio to {}", figure.metric, baseline.contestant),
    );
    let height = HEAD + BAND * lines.len() as f64 + AXIS;
    let _ = writeln!(
        page,
        r#"<svg class="strip" role="img" width="100%" height="{height}" aria-labelledby="{id}-title {id}-desc">
<title id="{id}-title">{}: {}</title>
<desc id="{id}-desc">{}</desc>
<text class="arrow" x="0" y="14">{} ({})</text>"#,
        escape(figure.row),
        escape(&subject),
        escape(&finding(figure, &lines)),
        direction(figure.good),
        escape(&subject),
    );
    axis(scale, height, baseline.is_some(), page);
    for (number, line) in lines.iter().enumerate() {
        draw(line, scale, HEAD + BAND * number as f64, page);
    }
    page.push_str("</svg>\n");
}

fn line<'a>(entry: &'a Entry, baseline: Option<&Entry>) -> Line<'a> {
    let ones = vec![Some(1.0); entry.values.len()];
    let theirs = baseline.map_or(&ones, |baseline| &baseline.values);
    let ratio = |(ours, theirs): (&Option<f64>, &Option<f64>)| {
        Some((*ours)? / (*theirs)?).filter(|ratio| ratio.is_finite())
    };
    Line {
        entry,
        marks: entry.values.iter().zip(theirs).map(ratio).collect(),
        middle: Ratio::of(&entry.values, theirs),
        is_baseline: baseline.is_some_and(|baseline| baseline.contestant == entry.contestant),
    }
}

/// Ticks below and lines through the whole chart; the line through 1 is the baseline.
fn axis(scale: Scale, height: f64, has_baseline: bool, page: &mut String) {
    let end = height - AXIS + 4.0;
    for tick in scale.ticks() {
        let at = scale.at(tick);
        let anchor = match at {
            at if at < 8.0 => "start",
            at if at > 92.0 => "end",
            _ => "middle",
        };
        let class = if has_baseline && (tick - 1.0).abs() < 1e-9 { "one" } else { "grid" };
        let _ = writeln!(
            page,
            r#"<line class="{class}" x1="{at:.2}%" x2="{at:.2}%" y1="{HEAD}" y2="{end}"/><text class="tick" x="{at:.2}%" y="{:.0}" text-anchor="{anchor}">{}</text>"#,
            height - 4.0,
            label(tick)
        );
    }
    if has_baseline {
        let at = scale.at(1.0);
        let _ = writeln!(
            page,
            r#"<line class="one" x1="{at:.2}%" x2="{at:.2}%" y1="{HEAD}" y2="{end}"/>"#
        );
    }
}

fn draw(line: &Line<'_>, scale: Scale, top: f64, page: &mut String) {
    let middle = top + 29.0;
    let several = line.marks.iter().flatten().count() > 1;
    match line.middle {
        _ if line.is_baseline => {
            let at = format!("{:.2}%", scale.at(1.0));
            let _ = writeln!(page, "{}", mark(line.entry.who, &at, middle, "the baseline"));
        }
        Some(ratio) if several => {
            let (low, high) = (scale.at(ratio.low), scale.at(ratio.high));
            let _ = writeln!(
                page,
                r#"<rect class="band" x="{low:.2}%" y="{:.1}" width="{:.2}%" height="18" rx="2"/>"#,
                middle - 9.0,
                high - low
            );
            rounds(line, scale, middle, page);
            let median = scale.at(ratio.median);
            let _ = writeln!(
                page,
                r#"<line class="median" x1="{median:.2}%" x2="{median:.2}%" y1="{:.1}" y2="{:.1}"/>"#,
                middle - 11.0,
                middle + 11.0
            );
        }
        _ => rounds(line, scale, middle, page),
    }
    let _ = writeln!(
        page,
        r#"<rect class="under" y="{top:.1}" width="100%" height="17"/>
<text class="name" x="0" y="{:.1}">{}</text><text class="value" x="100%" y="{:.1}" text-anchor="end">{}</text>"#,
        top + 14.0,
        escape(&line.entry.contestant),
        top + 14.0,
        escape(&readout(line))
    );
}

fn rounds(line: &Line<'_>, scale: Scale, middle: f64, page: &mut String) {
    let last = line.marks.len().saturating_sub(1).max(1) as f64;
    for (round, value) in line.marks.iter().enumerate() {
        let Some(value) = value else { continue };
        let lower = if line.marks.len() == 1 { 0.0 } else { (round as f64 / last - 0.5) * JITTER };
        let words = format!("round {}: {}", round + 1, digits(*value));
        let at = format!("{:.2}%", scale.at(*value));
        let _ = writeln!(page, "{}", mark(line.entry.who, &at, middle + lower, &words));
    }
}

/// The number at the end of a contestant's line.
fn readout(line: &Line<'_>) -> String {
    if line.entry.summary.is_none() {
        return "no figures".to_owned();
    }
    if line.is_baseline {
        return "baseline, 1".to_owned();
    }
    let Some(ratio) = line.middle else { return "no common round".to_owned() };
    match line.marks.iter().flatten().count() {
        1 => format!("{} [one round]", digits(ratio.median)),
        _ => format!("{} {}", digits(ratio.median), interval(ratio.low, ratio.high)),
    }
}

/// What the chart says, for those who cannot see it.
fn finding(figure: &Figure, lines: &[Line<'_>]) -> String {
    let mut words: Vec<String> = figure.duels.iter().map(|duel| sentence(figure, duel)).collect();
    words.extend(lines.iter().map(|line| format!("{}: {}", line.entry.contestant, readout(line))));
    format!("{}.", words.join("; "))
}
