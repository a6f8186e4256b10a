//! What the runs say, worked out once and then written in three ways: a table, JSON, a chart.
//!
//! Book: chapter 20

pub(crate) mod chart;
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
    /// The metric's name, with the unit.
    pub(crate) metric: &'static str,
    /// Which way is good.
    pub(crate) good: Good,
    #[serde(skip)]
    pub(crate) place: Place,
    /// Distance from 1 that counts as equal.
    pub(crate) band: f64,
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
    /// What that says.
    pub(crate) verdict: Verdict,
}

impl Duel {
    /// The verdict's word, with a question mark if the interval holds 1.
    fn words(&self) -> String {
        let unsure =
            self.verdict != Verdict::Equal && self.ratio.low <= 1.0 && self.ratio.high >= 1.0;
        format!("{}{}", self.verdict.word(), if unsure { "?" } else { "" })
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
                metric: metric.name,
                good: metric.good,
                place: metric.place,
                band: row.band,
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
    let baseline = all.iter().find(|(other, _)| other.who == row.baselines[0]);
    Entry {
        contestant: one.to_string(),
        who: one.who,
        values: values.to_vec(),
        summary: Summary::of(&known),
        ratio: baseline.and_then(|(_, theirs)| Ratio::of(values, theirs)),
    }
}

fn duels(row: &Row, good: Good, all: &[Values]) -> Vec<Duel> {
    let is = |who: Who| move |(one, _): &&Values| one.who == who;
    let mut duels = Vec::new();
    for (ours, our_values) in all.iter().filter(is(Who::Ours)) {
        for baseline in row.baselines {
            for (theirs, their_values) in all.iter().filter(is(*baseline)) {
                let Some(ratio) = Ratio::of(our_values, their_values) else { continue };
                let verdict = Verdict::of(ratio.median, good, row.band);
                let (ours, baseline) = (ours.to_string(), theirs.to_string());
                duels.push(Duel { ours, baseline, ratio, verdict });
            }
        }
    }
    duels
}
