//! What the runs say, worked out once and then written in four ways: a table, JSON, a chart, a page.
//!
//! Book: chapter 20

pub(crate) mod chart;
mod page;
pub(crate) mod table;

use crate::catalogue::{Contestant, Place, Row, Who};
use crate::machine::Machine;
use crate::rows::Sample;
use crate::runner::Results;
use crate::stats::{Good, Ratio, Summary, Verdict};
use serde::Serialize;
use std::fs;
use std::io;
use std::path::Path;

/// The whole comparison.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where, when, with what.
    pub(crate) machine: Machine,
    /// How often everything was measured.
    pub(crate) rounds: usize,
    /// Shorter runs.
    pub(crate) quick: bool,
    /// One line per run that gave no figures.
    pub(crate) failures: Vec<String>,
    /// One for each metric of each row.
    pub(crate) figures: Vec<Figure>,
}

/// One metric of one row, for all who took part.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// The row's name.
    pub(crate) row: &'static str,
    /// What it measures.
    pub(crate) what: &'static str,
    /// How it could be unfair, and what was done about it.
    pub(crate) fair: &'static str,
    /// The metric's name, with the unit.
    pub(crate) metric: &'static str,
    /// Which way is good.
    pub(crate) good: Good,
    #[serde(skip)]
    pub(crate) place: Place,
    /// Distance from 1 that counts as equal.
    pub(crate) band: f64,
    /// Whom the entries' ratios are against: the row's first baseline, where one took part.
    pub(crate) baseline: Option<String>,
    /// The contestants' values.
    pub(crate) entries: Vec<Entry>,
    /// Ours against each baseline.
    pub(crate) duels: Vec<Duel>,
}

/// One contestant's values.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// Its name with its workers.
    pub(crate) contestant: String,
    #[serde(skip)]
    pub(crate) who: Who,
    /// By round.
    pub(crate) values: Vec<Option<f64>>,
    /// Where they lie.
    pub(crate) summary: Option<Summary>,
    /// Against the row's first baseline, round by round.
    pub(crate) ratio: Option<Ratio>,
    /// In how many rounds both have a value. With one there is no interval.
    pub(crate) rounds: usize,
}

/// Ours against one baseline.
#[derive(Debug, Serialize)]
pub(crate) struct Duel {
    /// Ours, with its workers.
    pub(crate) ours: String,
    /// The other, with its workers.
    pub(crate) baseline: String,
    /// Ours divided by the other, round by round.
    pub(crate) ratio: Ratio,
    /// In how many rounds both have a value. With one there is no interval.
    pub(crate) rounds: usize,
    /// What that says.
    pub(crate) verdict: Verdict,
}

impl Duel {
    /// The verdict's word, with a question mark if the interval holds 1.
    fn words(&self) -> String {
        format!("{}{}", self.verdict.word(), if self.is_unsure() { "?" } else { "" })
    }

    /// Does the interval hold 1, though the median lies beyond the band?
    fn is_unsure(&self) -> bool {
        self.verdict != Verdict::Equal && self.ratio.low <= 1.0 && self.ratio.high >= 1.0
    }
}

impl Figure {
    /// The entry with this contestant's name.
    fn entry(&self, contestant: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.contestant == contestant)
    }
}

impl Report {
    /// Works out the figures.
    pub(crate) fn new(
        results: &[Results],
        rounds: usize,
        quick: bool,
        failures: Vec<String>,
    ) -> Self {
        let figures = results.iter().flat_map(figures).collect();
        Self { machine: Machine::here(), rounds, quick, failures, figures }
    }

    /// Writes `report.json`, `chart.svg` and `table.md` into `folder`.
    ///
    /// # Errors
    ///
    /// When the folder or a file cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("report.json"), serde_json::to_string_pretty(self)?)?;
        fs::write(folder.join("chart.svg"), chart::svg(self))?;
        fs::write(folder.join("table.md"), table::markdown(self))
    }

    /// Writes the page, `index.html`, into `folder`.
    ///
    /// # Errors
    ///
    /// When the folder or the file cannot be written.
    pub(crate) fn write_page(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("index.html"), page::html(self))
    }
}

fn figures(results: &Results) -> Vec<Figure> {
    let row = results.row;
    row.metrics
        .iter()
        .map(|metric| {
            let values = |index: usize| -> Vec<Option<f64>> {
                let value = |run: &Option<Sample>| run.as_ref()?.get(metric.name).copied();
                results.samples[index].iter().map(value).collect()
            };
            let all: Vec<(Contestant, Vec<Option<f64>>)> =
                results.contestants.iter().copied().zip((0..).map(values)).collect();
            Figure {
                row: row.name,
                what: row.what,
                fair: row.fair,
                metric: metric.name,
                good: metric.good,
                place: metric.place,
                band: row.band,
                baseline: first_baseline(row, &all).map(|(one, _)| one.to_string()),
                entries: all.iter().map(|(one, values)| entry(row, *one, values, &all)).collect(),
                duels: if metric.place == Place::Fact {
                    Vec::new()
                } else {
                    duels(row, metric.good, &all)
                },
            }
        })
        .collect()
}

/// A contestant and what it reached, by round.
type Values = (Contestant, Vec<Option<f64>>);

fn entry(row: &Row, one: Contestant, values: &[Option<f64>], all: &[Values]) -> Entry {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    let baseline = first_baseline(row, all);
    Entry {
        contestant: one.to_string(),
        who: one.who,
        values: values.to_vec(),
        summary: Summary::of(&known),
        ratio: baseline.and_then(|(_, theirs)| Ratio::of(values, theirs)),
        rounds: baseline.map_or(0, |(_, theirs)| common_rounds(values, theirs)),
    }
}

/// Whom the contestants of a row are drawn against.
fn first_baseline<'a>(row: &Row, all: &'a [Values]) -> Option<&'a Values> {
    let first = row.baselines.first()?;
    all.iter().find(|(other, _)| other.who == *first)
}

/// The number of rounds in which both have a value.
fn common_rounds(ours: &[Option<f64>], theirs: &[Option<f64>]) -> usize {
    ours.iter().zip(theirs).filter(|(ours, theirs)| ours.is_some() && theirs.is_some()).count()
}

fn duels(row: &Row, good: Good, all: &[Values]) -> Vec<Duel> {
    let is = |who: Who| move |(one, _): &&Values| one.who == who;
    let mut duels = Vec::new();
    for (ours, our_values) in all.iter().filter(is(Who::Ours)) {
        for baseline in row.baselines {
            for (theirs, their_values) in all.iter().filter(is(*baseline)) {
                let Some(ratio) = Ratio::of(our_values, their_values) else { continue };
                let verdict = Verdict::of(ratio.median, good, row.band);
                let rounds = common_rounds(our_values, their_values);
                let (ours, baseline) = (ours.to_string(), theirs.to_string());
                duels.push(Duel { ours, baseline, ratio, rounds, verdict });
            }
        }
    }
    duels
}
