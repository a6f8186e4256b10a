//! The page over a result set that is made up: a win, a loss, a failed row, a failed round, a fact, one round only.

use super::super::Report;
use super::{html, words::escape};
use crate::catalogue::{Contestant, Metric, Place, ROWS, Row, Who};
use crate::peer::Layout;
use crate::rows::Sample;
use crate::runner::Results;
use crate::stats::Good;

const fn of(who: Who) -> Contestant {
    Contestant { who, layout: Layout { high: 0, low: 2 } }
}

const TIME: Metric = Metric { name: "ns/<turn>", good: Good::Low, place: Place::Table };
const RATE: Metric = Metric { name: "messages/s", good: Good::High, place: Place::Record };
const FACT: Metric = Metric { name: "queued, least", good: Good::High, place: Place::Fact };

static TURNS: Row = Row {
    name: "turns-2",
    contestants: &[of(Who::Ours), of(Who::Tokio), of(Who::Smol)],
    baselines: &[Who::Tokio],
    metrics: &[TIME, RATE, FACT],
    band: 0.05,
    what: "a wheel turns & <stops>",
    fair: "no \"trick\" is played",
    ..ROWS[0]
};
static BROKEN: Row = Row { name: "broken-1", ..TURNS };

/// Results in which contestant `c` has `values[c][round]` in each metric, `None` where it failed.
fn results(row: &'static Row, values: &[&[Option<f64>]]) -> Results {
    let sample = |value: &Option<f64>| -> Option<Sample> {
        let value = (*value)?;
        Some(row.metrics.iter().map(|metric| (metric.name.to_owned(), value)).collect())
    };
    Results {
        row,
        contestants: row.contestants.to_vec(),
        samples: values.iter().map(|of_one| of_one.iter().map(sample).collect()).collect(),
    }
}

/// Ours takes 1.5 times as long as tokio, so it carries 1.5 times as much; one of smol's rounds failed.
fn mixed() -> Report {
    let ours: &[_] = &[Some(150.0), Some(160.0), Some(140.0)];
    let tokio: &[_] = &[Some(100.0), Some(100.0), Some(100.0)];
    let smol: &[_] = &[Some(0.0), None, Some(9_000_000.0)];
    let none: &[_] = &[None, None, None];
    let failures = ["turns-2, smol 2: exit status: 1: <gone>", "broken-1, ours 0+2: no result"];
    Report::new(
        &[results(&TURNS, &[ours, tokio, smol]), results(&BROKEN, &[none, none, none])],
        3,
        false,
        failures.map(str::to_owned).to_vec(),
    )
}

/// Fails on a tag that does not close what is open, on a bare `&` or `<`, and on an attribute without quotes.
fn assert_well_formed(page: &str) {
    let page = page.strip_prefix("<!DOCTYPE html>\n").expect("a document type comes first");
    let mut open = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        for entity in text.split('&').skip(1).chain(tag.split('&').skip(1)) {
            let name = entity.split_once(';').expect("an entity ends").0;
            assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "&{name};");
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
        let word = tag.split([' ', '\n']).next().unwrap_or_default();
        match word.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "</{name}>"),
            None if tag.ends_with('/') => {}
            None => open.push(word),
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
}

fn ids(page: &str, before: &str) -> Vec<String> {
    let after = page.split(before).skip(1);
    after.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}

fn assert_sound(page: &str) {
    assert_well_formed(page);
    for part in
        ["NaN", "inf%", ">inf", "src=", "<script", "url(", "@import", "href=\"http", "href=\"//"]
    {
        assert!(!page.contains(part), "the page holds `{part}`");
    }
    let known = ids(page, " id=\"");
    let mut unique = known.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(known.len(), unique.len(), "an id is there twice");
    for target in ids(page, "href=\"#") {
        assert!(known.contains(&target), "#{target} leads nowhere");
    }
    let charts = page.matches("role=\"img\"").count();
    assert_eq!(page.matches("-title\">").count(), charts, "each chart has a title");
    assert_eq!(page.matches("<desc id=").count(), charts, "each chart has a description");
}

#[test]
fn a_page_shows_wins_losses_and_failures_alike() {
    let page = html(&mixed());
    assert_sound(&page);
    for part in [
        "Of 2 comparisons: wins 1, equal 0, losses 1. Runs that failed: 2.",
        "Against tokio: wins 1, equal 0, losses 1.",
        "ns/&lt;turn&gt;: ours 0+2 is slower than tokio 2: 1.50 times <span class=\"piece\">[1.40..1.60]</span>",
        "messages/s: ours 0+2 is faster than tokio 2: 1.50 times <span class=\"piece\">[1.40..1.60]</span>",
        "a wheel turns &amp; &lt;stops&gt;.",
        "no &quot;trick&quot; is played.",
        "smol 2: exit status: 1: &lt;gone&gt;",
        "1 of 3 rounds failed",
        "failed: no figures",
        "no verdict",
        "About the run",
    ] {
        assert!(page.contains(part), "`{part}` is not in the page");
    }
}

#[test]
fn one_round_has_no_interval_and_only_one_mark() {
    let one = |value| -> &'static [Option<f64>] { value };
    let values = [one(&[Some(1.0)]), one(&[Some(1.02)]), one(&[None])];
    let page = html(&Report::new(&[results(&TURNS, &values)], 1, true, Vec::new()));
    assert_sound(&page);
    assert!(page.contains(
        "is equal to tokio 2 within 5\u{a0}%: 0.98 times <span class=\"piece\">[one round"
    ));
    assert!(page.contains("<dt>Rounds</dt><dd>1 round, interleaved"));
    assert!(page.contains("A first look."));
}

#[test]
fn without_any_row_there_is_still_a_page() {
    let page = html(&Report::new(&[], 5, false, Vec::new()));
    assert_sound(&page);
    assert!(page.contains("Of 0 comparisons"));
}

#[test]
fn every_row_of_the_catalogue_gets_a_section() {
    let rounds = [Some(3.0), Some(4.0), Some(5.0)];
    let all: Vec<Results> =
        ROWS.iter().map(|row| results(row, &vec![&rounds[..]; row.contestants.len()])).collect();
    let page = html(&Report::new(&all, 3, false, Vec::new()));
    assert_sound(&page);
    for row in ROWS {
        assert!(page.contains(&format!("<h2>{}</h2>", escape(row.name))), "{}", row.name);
        assert!(page.contains(&escape(row.what)), "{}", row.name);
    }
}

#[test]
fn nothing_that_is_printed_escapes_its_place() {
    assert_eq!(
        escape("<a href='x' id=\"y\">&\x1b[1m"),
        "&lt;a href=&#39;x&#39; id=&quot;y&quot;&gt;&amp; [1m"
    );
}

mod scales {
    use super::super::scale::{Scale, label};

    #[test]
    fn a_position_is_always_inside_the_chart() {
        let odd = [0.0, -1.0, 1.0, 1e-300, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        for scale in [
            Scale::of_ratios(odd.into_iter()),
            Scale::of_values(odd.into_iter()),
            Scale::of_ratios(std::iter::empty()),
            Scale::of_values(std::iter::empty()),
            Scale::of_values([0.0, 0.0].into_iter()),
            Scale::of_values([7.0].into_iter()),
        ] {
            for value in odd {
                assert!((0.0..=100.0).contains(&scale.at(value)), "{value} in {scale:?}");
            }
        }
    }

    #[test]
    fn ticks_are_few_and_round() {
        let ratios = |values: &[f64]| -> Vec<String> {
            Scale::of_ratios(values.iter().copied()).ticks().into_iter().map(label).collect()
        };
        assert_eq!(ratios(&[]), ["0.9", "0.95", "1", "1.05", "1.1", "1.15"]);
        assert_eq!(ratios(&[0.6, 1.3]), ["0.6", "0.8", "1", "1.2"]);
        assert_eq!(ratios(&[0.3, 4.0]), ["0.5", "1", "2"]);
        assert_eq!(ratios(&[0.02]), ["0.02", "0.05", "0.1", "0.2", "0.5", "1"]);
        assert!(ratios(&[1e-9, 1e9]).len() <= 6);
        assert!(ratios(&[1e-9, 1e9]).contains(&"1".to_owned()));
        let values: Vec<f64> = Scale::of_values([0.0, 250.0].into_iter()).ticks();
        assert_eq!(values, [0.0, 50.0, 100.0, 150.0, 200.0, 250.0]);
        assert_eq!(label(2e-5), "2e-5");
        assert_eq!(label(0.25), "0.25");
        assert_eq!(label(20_000.0), "20,000");
    }
}
