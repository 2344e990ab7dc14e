//! Runs side by side: may they be compared, what changed, and is that more than noise? The statistics are
//! `flywheel-stats`'; which figures they are given, and when they are refused, is decided here.

use std::collections::BTreeSet;

use flywheel_stats::{
    Bootstrap, Centre, Direction, Interval, MIN_PAIRS, PairVerdict, StatsError, compare_pairs,
    compare_runs,
};
use serde::{Deserialize, Serialize};

use crate::table::{new_table, render};
use crate::units::{ratio, time};
use crate::{Environment, RunResult};

/// Seconds in a block of the bootstrap: neighbours in time are alike.
const BLOCK_S: usize = 5;

/// Rates that differ by less than this share are one rate.
const SAME_RATE: f64 = 0.01;

/// Results that belong together: runs of one system.
#[derive(Clone, Debug)]
pub struct Runs {
    /// What to call them.
    pub name: String,
    /// At least one, in the order in which they were made.
    pub results: Vec<RunResult>,
}

/// In what two sets of runs are unlike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unlike {
    /// Machine, disk, file system, kernel.
    Host,
    /// Workload, properties, loop, rate.
    Settings,
    /// Schema of the result.
    Schema,
}

impl Unlike {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Settings => "settings",
            Self::Schema => "schema",
        }
    }
}

/// One difference that speaks against a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of which kind.
    pub unlike: Unlike,
    /// What differs, and how.
    pub what: String,
}

/// What differs between two sets of runs that should not, or within either.
pub fn differences(a: &Runs, b: &Runs) -> Vec<Difference> {
    let Some(first) = a.results.first() else { return Vec::new() };
    let others = a.results.iter().chain(&b.results).skip(1);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (unlike, name, a, b) in others.flat_map(|other| unlike(first, other)) {
        if seen.insert(name.clone()) {
            found.push(Difference { unlike, what: format!("{name}: {a} and {b}") });
        }
    }
    found
}

type Facts = Vec<(Unlike, String, String, String)>;

fn unlike(a: &RunResult, b: &RunResult) -> Facts {
    let mut facts = Facts::new();
    let versions = (a.schema_version.to_string(), b.schema_version.to_string());
    facts.push((Unlike::Schema, "schema version".into(), versions.0, versions.1));
    for ((name, of_a), (_, of_b)) in host(&a.environment).into_iter().zip(host(&b.environment)) {
        facts.push((Unlike::Host, name.into(), of_a, of_b));
    }
    facts.push((Unlike::Settings, "workload".into(), a.workload.clone(), b.workload.clone()));
    if a.system == b.system {
        let names: BTreeSet<&String> = a.settings.keys().chain(b.settings.keys()).collect();
        for name in names {
            let of = |result: &RunResult| result.settings.get(name).cloned().unwrap_or_default();
            facts.push((Unlike::Settings, format!("setting {name}"), of(a), of(b)));
        }
    }
    let names: BTreeSet<&String> = a.properties.keys().chain(b.properties.keys()).collect();
    // A trace is told by what is in it, and not by where it lies.
    let says_nothing = |name: &String| ["seed", "tracefile"].contains(&name.as_str());
    for name in names.into_iter().filter(|name| !says_nothing(name)) {
        let of = |result: &RunResult| result.properties.get(name).cloned().unwrap_or_default();
        facts.push((Unlike::Settings, name.clone(), of(a), of(b)));
    }
    let rate_of = |result: &RunResult| match &result.schedule {
        None => "closed loop".to_owned(),
        Some(schedule) => schedule.arrivals.clone(),
    };
    facts.push((Unlike::Settings, "loop".into(), rate_of(a), rate_of(b)));
    if !same_rate(a, b) {
        let rate = |result: &RunResult| {
            result.schedule.as_ref().map_or("none".into(), |of| format!("{:.0}/s", of.rate_per_s))
        };
        facts.push((Unlike::Settings, "rate".into(), rate(a), rate(b)));
    }
    facts.retain(|(_, _, a, b)| a != b);
    facts
}

fn same_rate(a: &RunResult, b: &RunResult) -> bool {
    match (&a.schedule, &b.schedule) {
        (Some(a), Some(b)) => (a.rate_per_s - b.rate_per_s).abs() <= SAME_RATE * a.rate_per_s,
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// What makes two machines alike, as far as figures go. Not the build: that is what is compared.
fn host(of: &Environment) -> Vec<(&'static str, String)> {
    fn show<T: std::fmt::Debug>(value: &Option<T>) -> String {
        value.as_ref().map_or("unknown".into(), |value| format!("{value:?}"))
    }
    vec![
        ("processor", show(&of.cpu_model)),
        ("cores", show(&of.cores)),
        ("processor features", of.cpu_flags.join(" ")),
        ("SMT", show(&of.smt)),
        ("frequency governor", show(&of.governor)),
        ("memory", show(&of.memory_bytes)),
        ("kernel", show(&of.kernel)),
        ("build profile", show(&of.build_profile)),
        ("disk", show(&of.disk.device)),
        ("disk model", show(&of.disk.model)),
        ("disk size", show(&of.disk.size_bytes)),
        ("I/O scheduler", show(&of.disk.scheduler)),
        ("write cache", show(&of.disk.write_cache)),
        ("file system", show(&of.file_system.kind)),
        ("mount options", show(&of.file_system.mount_options)),
    ]
}

/// One figure of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FigureComparison {
    /// Which, with its unit.
    pub figure: String,
    /// Of the baseline: the mean over its runs.
    pub a: f64,
    /// Of the other.
    pub b: f64,
    /// B over A, with 95 % bounds.
    pub ratio: Interval,
    /// What that means for B.
    pub verdict: PairVerdict,
    /// Why there is no better verdict, if there is a reason beside noise.
    pub note: Option<String>,
}

/// A baseline and another, figure by figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunsComparison {
    /// The baseline.
    pub a: String,
    /// The other.
    pub b: String,
    /// The change below which nobody cares.
    pub threshold: f64,
    /// Pairs of runs behind the intervals; 0 where they come from the seconds of single runs.
    pub pairs: usize,
    /// The figures.
    pub figures: Vec<FigureComparison>,
}

impl RunsComparison {
    /// The worst of all figures: regressed, then inconclusive, then the rest.
    pub fn verdict(&self) -> PairVerdict {
        let has = |verdict| self.figures.iter().any(|figure| figure.verdict == verdict);
        [PairVerdict::Regressed, PairVerdict::Inconclusive, PairVerdict::Improved]
            .into_iter()
            .find(|verdict| has(*verdict))
            .unwrap_or(PairVerdict::Equivalent)
    }
}

/// A figure that runs can be compared by.
struct Figure {
    name: &'static str,
    of_run: fn(&RunResult) -> f64,
    /// Of a second, if seconds add up to the run's; percentiles do not.
    of_second: Option<fn(&crate::Interval) -> f64>,
    direction: Direction,
    /// Whether it says something only where both kept one rate.
    needs_one_rate: bool,
}

const FIGURES: [Figure; 3] = [
    Figure {
        name: "operations/s",
        of_run: |result| result.throughput_ops_per_s,
        of_second: Some(|second| second.count as f64),
        direction: Direction::HigherIsBetter,
        needs_one_rate: false,
    },
    Figure {
        name: "p50, us",
        of_run: |result| result.slowest().map_or(0.0, |(_, of)| of.response_us.p50),
        of_second: None,
        direction: Direction::LowerIsBetter,
        needs_one_rate: true,
    },
    Figure {
        name: "p99, us",
        of_run: |result| result.slowest().map_or(0.0, |(_, of)| of.response_us.p99),
        of_second: None,
        direction: Direction::LowerIsBetter,
        needs_one_rate: true,
    },
];

/// Compares `b` with the baseline `a`. Throughput always; response times only of pairs of runs, at one rate that both
/// kept: at different rates they say nothing of the systems, and percentiles of seconds do not add up.
///
/// With [`MIN_PAIRS`] runs or more of each, the k-th of one is paired with the k-th of the other. With fewer, the
/// seconds of the runs are compared, which know nothing of the differences between one run and the next.
///
/// # Errors
/// What the statistics refuse, such as runs with too few whole seconds.
pub fn compare(
    a: &Runs,
    b: &Runs,
    threshold: f64,
    seed: u64,
) -> Result<RunsComparison, StatsError> {
    let pairs = a.results.len().min(b.results.len());
    let pairs = if pairs >= MIN_PAIRS { pairs } else { 0 };
    let mut schedules = a.results.iter().chain(&b.results).map(|result| result.schedule.as_ref());
    let kept = schedules.all(|of| of.is_some_and(|of| of.sustained));
    let one_rate = a.results.first().zip(b.results.first()).is_some_and(|(a, b)| same_rate(a, b));
    let bootstrap = Bootstrap::new(seed);
    let figures = FIGURES
        .iter()
        .filter(|figure| !figure.needs_one_rate || (kept && one_rate))
        .filter_map(|figure| match figure.of_second {
            _ if pairs > 0 => Some(figure.by_pairs(a, b, threshold, &bootstrap)),
            Some(of) => Some(figure.by_seconds(a, b, of, threshold, &bootstrap)),
            None => None,
        })
        .collect::<Result<_, _>>()?;
    Ok(RunsComparison { a: a.name.clone(), b: b.name.clone(), threshold, pairs, figures })
}

impl Figure {
    fn by_pairs(
        &self,
        a: &Runs,
        b: &Runs,
        threshold: f64,
        bootstrap: &Bootstrap,
    ) -> Result<FigureComparison, StatsError> {
        let both = a.results.iter().zip(&b.results);
        let pairs: Vec<_> = both.map(|(a, b)| ((self.of_run)(a), (self.of_run)(b))).collect();
        let found = compare_pairs(&pairs, self.direction, threshold, bootstrap)?;
        Ok(self.comparison(a, b, found.ratio, found.verdict, None))
    }

    fn by_seconds(
        &self,
        a: &Runs,
        b: &Runs,
        of_second: fn(&crate::Interval) -> f64,
        threshold: f64,
        bootstrap: &Bootstrap,
    ) -> Result<FigureComparison, StatsError> {
        let (of_a, of_b) = (seconds(a, of_second), seconds(b, of_second));
        let (centre, direction) = (Centre::Mean, self.direction);
        let found = compare_runs(&of_a, &of_b, centre, BLOCK_S, direction, threshold, bootstrap)?;
        let note = format!(
            "from the seconds of single runs: {MIN_PAIRS} runs of each would tell the difference \
             between one run and the next, too"
        );
        Ok(self.comparison(a, b, found.ratio, found.verdict, Some(note)))
    }

    fn comparison(
        &self,
        a: &Runs,
        b: &Runs,
        ratio: Interval,
        verdict: PairVerdict,
        note: Option<String>,
    ) -> FigureComparison {
        let mean = |runs: &Runs| {
            runs.results.iter().map(self.of_run).sum::<f64>() / runs.results.len().max(1) as f64
        };
        FigureComparison {
            figure: self.name.to_owned(),
            a: mean(a),
            b: mean(b),
            ratio,
            verdict,
            note,
        }
    }
}

/// The whole seconds of all runs, one after the other.
fn seconds(runs: &Runs, of: impl Fn(&crate::Interval) -> f64) -> Vec<f64> {
    let whole = |result: &RunResult| result.intervals.len().saturating_sub(1);
    runs.results
        .iter()
        .flat_map(|result| result.intervals[..whole(result)].iter().map(&of).collect::<Vec<_>>())
        .collect()
}

/// The word for a verdict.
pub fn verdict_word(verdict: PairVerdict) -> &'static str {
    match verdict {
        PairVerdict::Regressed => "regressed",
        PairVerdict::Improved => "improved",
        PairVerdict::Equivalent => "equivalent",
        PairVerdict::Inconclusive => "inconclusive",
    }
}

/// A comparison as a table. Ends in a line break.
pub fn comparison_table(of: &RunsComparison) -> String {
    let mut table = new_table(&["figure", "A", "B", "B / A", "95 % interval", "verdict"]);
    for figure in &of.figures {
        let show = |value: f64| {
            if figure.figure.ends_with(", us") { time(value) } else { crate::units::rate(value) }
        };
        table.add_row([
            figure.figure.trim_end_matches(", us").to_owned(),
            show(figure.a),
            show(figure.b),
            format!("{:.3}", figure.ratio.estimate),
            format!("{:.3} to {:.3}", figure.ratio.low, figure.ratio.high),
            verdict_word(figure.verdict).to_owned(),
        ]);
    }
    let basis = match of.pairs {
        0 => "seconds of the runs, in blocks".to_owned(),
        pairs => format!("{pairs} pairs of runs"),
    };
    let mut text = format!(
        "A  {}\nB  {}\n\n{}\n\nIntervals from {basis}; changes within {} % count as none.\n",
        of.a,
        of.b,
        render(table, &[0, 5]),
        ratio(of.threshold * 100.0)
    );
    if let Some(note) = of.figures.iter().find_map(|figure| figure.note.as_ref()) {
        text += &format!("Note: {note}.\n");
    }
    if of.figures.len() == 1 {
        text += "Response times are compared only of 6 runs of each or more, at one rate that all kept.\n";
    }
    text
}
