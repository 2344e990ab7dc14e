//! What the verdicts of paired gates are worth on this machine: pairs of one build with itself, one side of which does so much
//! more work, and how often gates on such pairs would cry out. Measures nothing: it is given the pairs.

use flywheel_stats::{Bootstrap, FIRST_PAIRS, GATE_LEVEL, SplitMix64};
use flywheel_stats::{PairVerdict, StatsError, missing_pairs};
use serde::{Deserialize, Serialize};

use super::paired::{self, GateFigure, PairFigures, PairedFigure, Thresholds};
use crate::Environment;
use crate::compare::verdict_word;
use crate::table::{new_table, render};
use crate::units::{percent, ratio};

/// Gates that are drawn from the pairs of one level.
const GATES: u64 = 400;

/// Resamples of each of their looks: fewer than a real gate's, for there are many looks.
const RESAMPLES: usize = 1_000;

/// The self-test of one workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// [`crate::limits::GATE_SCHEMA_VERSION`] of the build that wrote it.
    pub schema_version: u32,
    /// The exact command, one argument each.
    pub command: Vec<String>,
    /// When it began: RFC 3339 in UTC, to the second.
    pub started_utc: String,
    /// The machine and the build.
    pub environment: Environment,
    /// The workload's name.
    pub workload: String,
    /// The one rate at which response times were measured.
    pub rate_per_s: f64,
    /// Seconds of each loop.
    pub seconds: u64,
    /// From when on a change matters.
    pub thresholds: Thresholds,
    /// The figures that are judged.
    pub judged: Vec<GateFigure>,
    /// One for each slowdown, 0 among them.
    pub levels: Vec<SelfTestLevel>,
}

/// Pairs with one slowdown, and what gates make of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SelfTestLevel {
    /// Work that the second side did on top, in percent of the processor's time.
    pub slowdown_percent: f64,
    /// The pairs.
    pub pairs: Vec<PairFigures>,
    /// Of those, voided.
    pub voided: usize,
    /// Each figure on its own.
    pub figures: Vec<SelfTestFigure>,
    /// The gate as a whole; `None` of too few pairs.
    pub gate: Option<GateRates>,
}

/// One figure of one level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTestFigure {
    /// What all pairs together say.
    pub all: PairedFigure,
    /// Standard deviation of one pair's logarithm: what pairs differ by from each other.
    pub noise: f64,
    /// How gates end that judge this figure alone; `None` of too few pairs.
    pub rates: Option<GateRates>,
}

/// How often gates end how, as shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GateRates {
    /// With "regressed".
    pub regressed: f64,
    /// With "improved".
    pub improved: f64,
    /// With "equivalent".
    pub equivalent: f64,
    /// With "inconclusive".
    pub inconclusive: f64,
    /// Pairs that they took, on average.
    pub pairs: f64,
}

impl SelfTestLevel {
    /// Draws gates from the pairs, with replacement, each as sequential as a real one.
    ///
    /// # Errors
    /// What the statistics refuse.
    pub fn new(
        slowdown_percent: f64,
        pairs: Vec<PairFigures>,
        judged: &[GateFigure],
        thresholds: &Thresholds,
        seed: u64,
    ) -> Result<Self, StatsError> {
        let valid: Vec<&PairFigures> = pairs.iter().filter(|pair| pair.void.is_none()).collect();
        let all = paired::compare(&valid, judged, thresholds, &Bootstrap::for_gate(seed))?;
        let mut figures = Vec::new();
        for all in all {
            let rates = rates(&valid, &[all.figure], thresholds, seed)?;
            figures.push(SelfTestFigure { noise: noise(&valid, all.figure), all, rates });
        }
        let gate = rates(&valid, judged, thresholds, seed)?;
        let voided = pairs.len() - valid.len();
        Ok(Self { slowdown_percent, voided, figures, gate, pairs })
    }
}

fn rates(
    pairs: &[&PairFigures],
    judged: &[GateFigure],
    thresholds: &Thresholds,
    seed: u64,
) -> Result<Option<GateRates>, StatsError> {
    let mut rates = GateRates::default();
    if pairs.len() < FIRST_PAIRS {
        return Ok(None);
    }
    let mut random = SplitMix64::new(seed);
    for gate in 0..GATES {
        let bootstrap =
            Bootstrap { level: GATE_LEVEL, resamples: RESAMPLES, seed: seed.wrapping_add(gate) };
        let (mut drawn, mut verdict) = (Vec::new(), PairVerdict::Inconclusive);
        while let missing @ 1.. = missing_pairs(drawn.len(), verdict) {
            let draw = |_| pairs[random.next_index(pairs.len())];
            drawn.extend((0..missing).map(draw));
            let found = paired::compare(&drawn, judged, thresholds, &bootstrap)?;
            verdict = paired::verdict(&drawn, judged, &found);
        }
        let share = 1.0 / GATES as f64;
        *match verdict {
            PairVerdict::Regressed => &mut rates.regressed,
            PairVerdict::Improved => &mut rates.improved,
            PairVerdict::Equivalent => &mut rates.equivalent,
            PairVerdict::Inconclusive => &mut rates.inconclusive,
        } += share;
        rates.pairs += share * drawn.len() as f64;
    }
    Ok(Some(rates))
}

fn noise(pairs: &[&PairFigures], figure: GateFigure) -> f64 {
    let logs: Vec<f64> = pairs.iter().filter_map(|pair| figure.log_ratio(pair)).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
    (squares / (logs.len() as f64 - 1.0)).sqrt()
}

/// The self-test as tables, and what to know of them. Ends in a line break.
pub fn self_test_summary(test: &SelfTest) -> String {
    let mut figures = new_table(&[
        "slowdown",
        "figure",
        "pairs",
        "ratio",
        "98.2 % interval",
        "noise",
        "regressed",
        "improved",
        "equivalent",
        "inconclusive",
    ]);
    let mut gates =
        new_table(&["slowdown", "regressed", "improved", "equivalent", "inconclusive", "pairs"]);
    for level in &test.levels {
        let slowdown = format!("{} %", level.slowdown_percent);
        for figure in &level.figures {
            let of = &figure.all.comparison;
            let share = |of: fn(&GateRates) -> f64| shown(figure.rates.as_ref(), of);
            figures.add_row([
                slowdown.clone(),
                figure.all.figure.label().to_owned(),
                of.pairs.to_string(),
                ratio(of.ratio.estimate),
                format!("[{}, {}]", ratio(of.ratio.low), ratio(of.ratio.high)),
                percent(figure.noise),
                share(|of| of.regressed),
                share(|of| of.improved),
                share(|of| of.equivalent),
                share(|of| of.inconclusive),
            ]);
        }
        let share = |of: fn(&GateRates) -> f64| shown(level.gate.as_ref(), of);
        gates.add_row([
            slowdown,
            share(|of| of.regressed),
            share(|of| of.improved),
            share(|of| of.equivalent),
            share(|of| of.inconclusive),
            level.gate.map_or("-".into(), |of| format!("{:.1}", of.pairs)),
        ]);
    }
    let judged: Vec<&str> = test.judged.iter().map(|figure| figure.label()).collect();
    let voided: usize = test.levels.iter().map(|level| level.voided).sum();
    format!(
        "workload {}, {} s each, response times at {:.0}/s\n\nThe same build against itself, one side with so much more \
         work on the processor; gates of each figure alone:\n\n{}\n\nGates that judge {} (beyond {} is {}, response \
         times beyond {}):\n\n{}\n\nRates are those of {GATES} gates, each of 8 to 20 pairs drawn anew from those measured: they are no \
         surer than so few pairs can make them. Noise is the standard deviation of one pair. The slowdown is a share of the \
         process's own processor time, so that `CPU per operation` sees it best; it is burned by the generator's threads. {voided} \
         pairs were void.\n",
        test.workload,
        test.seconds,
        test.rate_per_s,
        render(figures, &[1]),
        judged.join(", "),
        percent(test.thresholds.threshold),
        verdict_word(PairVerdict::Regressed),
        percent(test.thresholds.latency_threshold),
        render(gates, &[]),
    )
}

/// A rate, if there is one.
fn shown(rates: Option<&GateRates>, of: fn(&GateRates) -> f64) -> String {
    rates.map_or("-".into(), |rates| percent(of(rates)))
}
