//! This build against another, measured in pairs, and whether more pairs are needed. The statistics are
//! `flywheel-stats`'; which figures they are given, and which pairs are void, is decided here.

use std::collections::BTreeMap;

use flywheel_stats::{
    Bootstrap, Comparison, Direction, MOST_PAIRS, PairVerdict, StatsError, compare_pairs,
    missing_pairs,
};
use serde::{Deserialize, Serialize};

use crate::OperationKind;

/// A candidate fails to keep the rate more often than the baseline, and is slower whatever its other runs say, if chance alone
/// would bring that about less often than this (a sign test): 7 pairs and none of the baseline's, for example.
const UNSUSTAINED_P: f64 = 0.01;

/// One build.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Build {
    /// Its binary.
    pub path: String,
    /// The revision that it was built from, as it says itself.
    pub git_revision: Option<String>,
    /// Whether sources were changed since then.
    pub git_changed: Option<bool>,
}

/// A figure that builds are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateFigure {
    /// Operations per second of the closed loop.
    Throughput,
    /// Processor time per operation of the closed loop, in microseconds, the generator's included.
    Cpu,
    /// Bytes written to storage per operation of the closed loop, as the kernel counts them.
    WrittenBytes,
    /// Median response time at the one rate, of one type of operation.
    P50,
    /// The 99th percentile of the same.
    P99,
}

impl GateFigure {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 5] =
        [Self::Throughput, Self::Cpu, Self::WrittenBytes, Self::P50, Self::P99];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Cpu => "cpu",
            Self::WrittenBytes => "written",
            Self::P50 => "p50",
            Self::P99 => "p99",
        }
    }

    /// Its name in tables, with its unit.
    pub fn label(self) -> &'static str {
        match self {
            Self::Throughput => "operations/s",
            Self::Cpu => "CPU per operation",
            Self::WrittenBytes => "bytes written per operation",
            Self::P50 => "p50 at the one rate",
            Self::P99 => "p99 at the one rate",
        }
    }

    /// Which way it should go.
    pub fn direction(self) -> Direction {
        match self {
            Self::Throughput => Direction::HigherIsBetter,
            _ => Direction::LowerIsBetter,
        }
    }

    fn of(self, side: &SideFigures) -> Option<f64> {
        let figure = match self {
            Self::Throughput => Some(side.throughput_ops_per_s),
            Self::Cpu => side.cpu_us_per_op,
            // Less than a byte an operation is none: nothing against nothing is the same, and against something a change.
            Self::WrittenBytes => side.written_bytes_per_op.map(|bytes| bytes.max(1.0)),
            Self::P50 => side.p50_us,
            Self::P99 => side.p99_us,
        };
        // No such operation: there is nothing to compare.
        figure.filter(|figure| figure.is_finite() && *figure > 0.0)
    }

    /// ln(candidate / baseline) of a pair that has both.
    pub(super) fn log_ratio(self, pair: &PairFigures) -> Option<f64> {
        Some((self.of(&pair.candidate)? / self.of(&pair.baseline)?).ln())
    }
}

/// What one build did in one pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SideFigures {
    /// Closed loop, of which it had every second turn: per second of its own turns.
    pub throughput_ops_per_s: f64,
    /// Closed loop; the whole process.
    pub cpu_us_per_op: Option<f64>,
    /// Closed loop; the whole process.
    pub written_bytes_per_op: Option<f64>,
    /// Whether the one rate was kept in the open loop.
    pub sustained: bool,
    /// Open loop at the one rate, of the type of operation that is looked at; `None` if the rate was not kept.
    pub p50_us: Option<f64>,
    /// See `p50_us`.
    pub p99_us: Option<f64>,
}

/// One pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PairFigures {
    /// Whether the candidate was measured first.
    pub candidate_first: bool,
    /// The baseline's figures.
    pub baseline: SideFigures,
    /// The candidate's.
    pub candidate: SideFigures,
    /// The better over the worse of the probes before and after, less 1, of reads or of durable writes, whichever moved more;
    /// `None` without probes.
    pub device_drift: Option<f64>,
    /// Why it does not count, if it does not.
    pub void: Option<String>,
}

/// From when on a change matters, as shares; and from when on a pair is void.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Of throughput, processor time and bytes.
    pub threshold: f64,
    /// Of response times, which vary more.
    pub latency_threshold: f64,
    /// Of the probes around a pair.
    pub void_beyond: f64,
}

impl Thresholds {
    fn of(&self, figure: GateFigure) -> f64 {
        match figure {
            GateFigure::P50 | GateFigure::P99 => self.latency_threshold,
            _ => self.threshold,
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { threshold: 0.05, latency_threshold: 0.25, void_beyond: 0.5 }
    }
}

/// What pairs say of one figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedFigure {
    /// Which.
    pub figure: GateFigure,
    /// Whether the verdict of the gate depends on it.
    pub is_judged: bool,
    /// Candidate over baseline.
    pub comparison: Comparison,
}

/// A candidate against a baseline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PairedCheck {
    /// The workload's name.
    pub workload: String,
    /// The workload's properties as resolved, defaults included.
    pub properties: BTreeMap<String, String>,
    /// What is compared with.
    pub baseline: Build,
    /// What is to pass.
    pub candidate: Build,
    /// The type of operation whose response times are compared: the baseline's slowest when it was measured first.
    pub operation: Option<OperationKind>,
    /// The one rate at which response times were measured.
    pub rate_per_s: f64,
    /// Seconds of each loop.
    pub seconds: u64,
    /// From when on a change matters.
    pub thresholds: Thresholds,
    /// The figures that are judged.
    pub judged: Vec<GateFigure>,
    /// The seed of the order and of the bootstrap.
    pub seed: u64,
    /// All pairs, in the order in which they were measured.
    pub pairs: Vec<PairFigures>,
    /// What they say.
    pub figures: Vec<PairedFigure>,
}

impl PairedCheck {
    /// Notes a pair, which is void if the disk changed meanwhile. The figures follow. Whether the pair counts.
    ///
    /// # Errors
    /// What the statistics refuse.
    pub fn add(&mut self, mut pair: PairFigures) -> Result<bool, StatsError> {
        let drift = pair.device_drift.filter(|drift| *drift > self.thresholds.void_beyond);
        if let Some(drift) = drift {
            pair.void = Some(format!("the disk's own speed changed by {:.0} %", drift * 100.0));
        }
        let counts = pair.void.is_none();
        self.pairs.push(pair);
        self.figures = compare(
            &self.valid().collect::<Vec<_>>(),
            &self.judged,
            &self.thresholds,
            &Bootstrap::for_gate(self.seed),
        )?;
        Ok(counts)
    }

    /// The pairs that count.
    pub fn valid(&self) -> impl Iterator<Item = &PairFigures> {
        self.pairs.iter().filter(|pair| pair.void.is_none())
    }

    /// Of those, pairs in which only the baseline failed to keep the rate, and in which only the candidate did.
    pub fn unsustained(&self) -> (usize, usize) {
        unsustained(&self.valid().collect::<Vec<_>>())
    }

    /// How many more pairs to measure: none once every judged figure has its verdict, one has got worse, or it is
    /// hopeless.
    pub fn missing_pairs(&self) -> usize {
        let valid: Vec<&PairFigures> = self.valid().collect();
        if self.pairs.len() - valid.len() > MOST_PAIRS {
            return 0;
        }
        missing_pairs(valid.len(), verdict(&valid, &self.judged, &self.figures))
    }

    /// The worst of the figures that are judged.
    pub fn verdict(&self) -> PairVerdict {
        verdict(&self.valid().collect::<Vec<_>>(), &self.judged, &self.figures)
    }
}

fn unsustained(pairs: &[&PairFigures]) -> (usize, usize) {
    let kept = |pair: &&&PairFigures| (pair.baseline.sustained, pair.candidate.sustained);
    let count = |of| pairs.iter().filter(|pair| kept(pair) == of).count();
    (count((false, true)), count((true, false)))
}

/// Whether the candidate failed more often than chance would have it, were both as good.
fn fails_more_often((baseline, candidate): (usize, usize)) -> bool {
    let all = baseline + candidate;
    // C(all, k) / 2^all, from k = all down.
    let (mut term, mut tail) = (0.5f64.powi(all as i32), 0.0);
    for k in (candidate..=all).rev() {
        tail += term;
        term *= k as f64 / (all - k + 1) as f64;
    }
    tail < UNSUSTAINED_P
}

/// Compares all figures, each over the pairs that have it.
pub(super) fn compare(
    pairs: &[&PairFigures],
    judged: &[GateFigure],
    thresholds: &Thresholds,
    bootstrap: &Bootstrap,
) -> Result<Vec<PairedFigure>, StatsError> {
    let mut found = Vec::new();
    for figure in GateFigure::ALL {
        let both =
            |pair: &&PairFigures| Some((figure.of(&pair.baseline)?, figure.of(&pair.candidate)?));
        let figures: Vec<(f64, f64)> = pairs.iter().filter_map(both).collect();
        if figures.len() < 2 {
            continue;
        }
        let comparison =
            compare_pairs(&figures, figure.direction(), thresholds.of(figure), bootstrap)?;
        found.push(PairedFigure { figure, is_judged: judged.contains(&figure), comparison });
    }
    Ok(found)
}

/// See [`PairedCheck::verdict`]. A judged figure that no pair has says nothing.
pub(super) fn verdict(
    pairs: &[&PairFigures],
    judged: &[GateFigure],
    figures: &[PairedFigure],
) -> PairVerdict {
    if fails_more_often(unsustained(pairs)) {
        return PairVerdict::Regressed;
    }
    let of = |judged: &GateFigure| figures.iter().find(|figure| figure.figure == *judged);
    let all: Vec<PairVerdict> = judged
        .iter()
        .map(|judged| of(judged).map_or(PairVerdict::Inconclusive, |of| of.comparison.verdict))
        .collect();
    if all.is_empty() {
        return PairVerdict::Inconclusive;
    }
    [PairVerdict::Regressed, PairVerdict::Inconclusive, PairVerdict::Improved]
        .into_iter()
        .find(|verdict| all.contains(verdict))
        .unwrap_or(PairVerdict::Equivalent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_missed_more_often_than_chance_has_it_is_told_from_bad_luck() {
        // Chances of heads: 7 of 7 is 1 in 128, 6 of 6 is 1 in 64; 12 of 14 is 106 in 16,384, 11 of 14 is 470.
        let slower = [(0, 7), (0, 20), (2, 12)];
        let luck = [(0, 0), (0, 6), (3, 11), (7, 7), (12, 2), (20, 0)];
        assert!(slower.into_iter().all(fails_more_often));
        assert!(!luck.into_iter().any(fails_more_often));
    }
}
