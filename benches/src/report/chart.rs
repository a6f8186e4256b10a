//! The chart: every figure's ratio to its baseline on a logarithmic scale, as one SVG written by hand.
//!
//! Left of the line through 1 a contestant is faster (or carries more) than the baseline: ratios of rates are turned
//! round, so left is always good. Each runtime has a pattern as well as a colour; the picture brings its own background,
//! light or dark as the reader's system asks.
//!
//! Book: chapter 20

use super::page::escape;
use super::table::digits;
use super::{Entry, Figure, Report};
use crate::catalogue::{Place, Who};
use crate::stats::Good;
use std::fmt::Write;

/// All lengths in px.
const WIDTH: f64 = 960.0;
const LEFT: f64 = 330.0;
const RIGHT: f64 = 40.0;
const TOP: f64 = 120.0;
const BAR: f64 = 16.0;
const GAP: f64 = 30.0;
/// Ratios beyond these are drawn at the edge, with their number.
const LEAST: f64 = 0.03;
const MOST: f64 = 30.0;

/// Draws the report.
pub(crate) fn svg(report: &Report) -> String {
    let in_table = |figure: &&Figure| figure.place == Place::Table;
    let figures: Vec<&Figure> = report.figures.iter().filter(in_table).collect();
    let bars: usize = figures.iter().map(|figure| drawn(figure).count()).sum();
    let height = TOP + bars as f64 * BAR + figures.len() as f64 * GAP + 30.0;
    let mut svg = head(report, height);
    for ratio in [0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0] {
        let (at, class) = (x(ratio), if ratio == 1.0 { "one" } else { "grid" });
        let _ = writeln!(
            svg,
            r#"<line class="{class}" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{:.0}"/>
<text x="{at:.1}" y="{:.0}" text-anchor="middle">{ratio}</text>"#,
            height - 20.0,
            TOP - 8.0
        );
    }
    let mut y = TOP;
    for figure in figures {
        y += GAP;
        let _ = writeln!(
            svg,
            r#"<text class="row" x="16" y="{:.1}">{}: {}</text>"#,
            y - 6.0,
            escape(figure.row),
            escape(figure.metric)
        );
        for entry in drawn(figure) {
            bar(&mut svg, figure, entry, y);
            y += BAR;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Whom a figure shows: all but the baseline, which is the line through 1.
fn drawn(figure: &Figure) -> impl Iterator<Item = &Entry> {
    figure.entries.iter().filter(|entry| {
        entry
            .ratio
            .is_some_and(|ratio| ratio.low != 1.0 || ratio.high != 1.0 || ratio.median != 1.0)
    })
}

fn x(ratio: f64) -> f64 {
    let share = (ratio.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

/// A pattern's number and a runtime's name in the legend.
fn style(who: Who) -> (usize, &'static str) {
    match who {
        Who::Ours => (0, "ours"),
        Who::Smol => (1, "smol"),
        Who::Tokio => (2, "tokio, one runtime"),
        Who::TokioTwo => (3, "tokio, two runtimes"),
        Who::EpollLoop => (4, "epoll loop"),
        Who::TextbookRecv | Who::TextbookSleep => (4, "textbook"),
    }
}

fn head(report: &Report, height: f64) -> String {
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-labelledby="title desc">
<title id="title">Waterwheel and its peers, as ratios to tokio</title>
<desc id="desc">{}</desc>
<style>
svg {{ font-family: sans-serif; font-size: 13px; }}
text {{ fill: #1b1f24; }} .paper {{ fill: #ffffff; }} .row {{ font-weight: bold; }}
.grid {{ stroke: #c8ccd2; }} .one, .whisker, .edge {{ stroke: #1b1f24; }}
.one {{ stroke-width: 2; }} .whisker {{ stroke-width: 1.5; }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e8eaed; }} .paper {{ fill: #1b1f24; }}
.grid {{ stroke: #4a5058; }} .one, .whisker, .edge {{ stroke: #e8eaed; }} }}
</style>
<defs>{}</defs>
<rect class="paper" width="100%" height="100%"/>
<text class="row" x="16" y="26" font-size="16">Ratio to tokio; left of 1 is better than tokio (ratios of rates are turned round)</text>
<text x="16" y="46">{}, {} cores; {}; {} rounds; whiskers: 95 % bootstrap interval</text>
"##,
        escape(&finding(report)),
        patterns(),
        escape(&report.machine.processor),
        report.machine.cores,
        report.machine.date,
        report.rounds,
    );
    let legend = [Who::Ours, Who::Smol, Who::TokioTwo, Who::TextbookRecv];
    let mut at = 16.0;
    for (number, name) in legend.map(style) {
        let _ = writeln!(
            svg,
            r#"<rect class="edge" x="{at}" y="60" width="24" height="13" fill="url(#p{number})"/>
<text x="{}" y="71">{name}</text>"#,
            at + 30.0
        );
        at += 60.0 + 7.5 * name.len() as f64;
    }
    svg
}

/// Solid, stripes one way, stripes the other way, dots, a grid: told apart without colour too.
fn patterns() -> String {
    let marks = [
        "",
        r#"<path d="M0 8 8 0" stroke="white" stroke-width="2"/>"#,
        r#"<path d="M0 0 8 8" stroke="white" stroke-width="2"/>"#,
        r#"<circle cx="4" cy="4" r="1.8" fill="white"/>"#,
        r#"<path d="M0 4H8M4 0V8" stroke="white" stroke-width="1.2"/>"#,
    ];
    let colours = ["#0b6fb8", "#b0500c", "#4f7d1c", "#7a4fa0", "#6b7280"];
    let mut text = String::new();
    for (number, (mark, colour)) in marks.iter().zip(colours).enumerate() {
        let _ = write!(
            text,
            r#"<pattern id="p{number}" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="{colour}"/>{mark}</pattern>"#
        );
    }
    text
}

fn bar(svg: &mut String, figure: &Figure, entry: &Entry, y: f64) {
    let Some(ratio) = entry.ratio else { return };
    let turned = |value: f64| if figure.good == Good::Low { value } else { 1.0 / value };
    let (middle, one) = (x(turned(ratio.median)), x(1.0));
    let (low, high) = (x(turned(ratio.low)), x(turned(ratio.high)));
    let (pattern, _) = style(entry.who);
    let label = if turned(ratio.median) < 1.0 {
        (middle.min(low).min(high) - 6.0, "end")
    } else {
        (middle.max(low).max(high) + 6.0, "start")
    };
    // A label at the right edge would leave the picture.
    let label = if label.0 > WIDTH - 50.0 { (one - 6.0, "end") } else { label };
    let _ = writeln!(
        svg,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="end" font-size="12">{}</text>
<rect class="edge" x="{:.1}" y="{:.1}" width="{:.1}" height="{}" fill="url(#p{pattern})"/>
<line class="whisker" x1="{low:.1}" x2="{high:.1}" y1="{:.1}" y2="{:.1}"/>
<text x="{:.1}" y="{:.1}" text-anchor="{}" font-size="12">{}</text>"#,
        LEFT - 54.0,
        y + 12.0,
        escape(&entry.contestant),
        middle.min(one),
        y + 2.0,
        (middle - one).abs().max(1.0),
        BAR - 4.0,
        y + BAR / 2.0,
        y + BAR / 2.0,
        label.0,
        y + 12.0,
        label.1,
        digits(turned(ratio.median))
    );
}

/// What the picture says, for those who cannot see it.
fn finding(report: &Report) -> String {
    let mut words = String::from("Ours against the baseline: ");
    for figure in &report.figures {
        for duel in &figure.duels {
            let _ = write!(
                words,
                "{} {} {} {} of {} ({}); ",
                figure.row,
                figure.metric,
                duel.ours,
                digits(duel.ratio.median),
                duel.baseline,
                duel.words().to_lowercase()
            );
        }
    }
    words
}
