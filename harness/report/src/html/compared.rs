//! The page of a comparison: ratios with their verdicts, and all runs over time on one axis. What is more than noise was
//! concluded where the figures were compared.

use std::collections::BTreeSet;

use super::page::{Report, Tone};
use super::plots::{self, Lines, Scale};
use crate::compare::{Runs, RunsComparison, verdict_word};
use crate::ratio_table::{RatioRow, RatioTable};
use crate::units::{count, percent};
use crate::{Interval, PairVerdict, RunResult};

/// The page of a comparison of the first of these with each of the others.
pub fn compare_report(all: &[Runs], comparisons: &[RunsComparison]) -> String {
    let names = names(all);
    let (baseline, others) = names.split_first().map_or(("", &[][..]), |(a, b)| (a.as_str(), b));
    // Under the names that tell them apart: workload and system are often the same.
    let named = |(runs, name): (&Runs, &String)| {
        let of = |run: &RunResult| RunResult { workload: name.clone(), ..run.clone() };
        runs.results.iter().map(of).collect::<Vec<_>>()
    };
    let results: Vec<RunResult> = all.iter().zip(&names).flat_map(named).collect();
    let has_throttling = results.iter().any(is_throttled);
    let mut page = Report::new(format!("{} against {baseline}", others.join(", ")));
    if let Some(worst) = worst(comparisons) {
        page = page.badge(tone(worst), verdict_word(worst));
    }
    for (comparison, other) in comparisons.iter().zip(others) {
        page = page.ratios(&format!("{other} over {baseline}"), &ratios(comparison));
    }
    if has_throttling {
        let throttled = |one: &Interval| Some(one.throttled as f64);
        let scale = Scale::PerSecond("throttled requests per second");
        page = page
            .plot(
                "Throttled requests over time",
                plots::overlay(&over_time(all, &names, throttled), scale),
            )
            .table(
                "Throttling",
                ["run", "throttled", "share", "in seconds", "ended"],
                &rows(all, &names),
            );
    }
    let p99 = plots::overlay(
        // Of a second without an answer there is none: zero would read as a splendid one.
        &over_time(all, &names, |one| (one.count > 0).then_some(one.p99_us)),
        Scale::Time("p99 of each second, of what was accepted"),
    );
    page.plot("p99 over time", p99).runs("Runs", &results).to_html()
}

fn is_throttled(result: &RunResult) -> bool {
    result.intervals.iter().any(|one| one.throttled > 0)
}

/// The last folder of each path, if that tells them apart: all of it would be a legend of its own.
fn names(all: &[Runs]) -> Vec<String> {
    let short = |runs: &Runs| {
        let name = runs.name.trim_end_matches('/');
        name.rsplit('/').next().unwrap_or(name).to_owned()
    };
    let names: Vec<String> = all.iter().map(short).collect();
    let distinct: BTreeSet<&String> = names.iter().collect();
    if distinct.len() == names.len() {
        return names;
    }
    all.iter().map(|runs| runs.name.clone()).collect()
}

fn worst(comparisons: &[RunsComparison]) -> Option<PairVerdict> {
    let has = |verdict: &PairVerdict| comparisons.iter().any(|one| one.verdict() == *verdict);
    let from_the_worst = [
        PairVerdict::Regressed,
        PairVerdict::Inconclusive,
        PairVerdict::Improved,
        PairVerdict::Equivalent,
    ];
    from_the_worst.into_iter().find(has)
}

fn tone(verdict: PairVerdict) -> Tone {
    match verdict {
        PairVerdict::Improved | PairVerdict::Equivalent => Tone::Good,
        PairVerdict::Inconclusive => Tone::Open,
        PairVerdict::Regressed => Tone::Bad,
    }
}

fn ratios(comparison: &RunsComparison) -> RatioTable {
    let row = |figure: &crate::FigureComparison| RatioRow {
        label: figure.figure.trim_end_matches(", us").to_owned(),
        low: figure.ratio.low,
        estimate: figure.ratio.estimate,
        high: figure.ratio.high,
        note: verdict_word(figure.verdict).to_owned(),
    };
    let threshold = comparison.threshold;
    RatioTable {
        rows: comparison.figures.iter().map(row).collect(),
        threshold: Some((1.0 - threshold, 1.0 + threshold)),
        ..RatioTable::default()
    }
}

/// A figure of every whole second of all runs.
fn over_time(
    all: &[Runs],
    names: &[String],
    figure: impl Fn(&Interval) -> Option<f64>,
) -> Vec<Lines> {
    let of_run = |result: &RunResult| {
        let whole = result.intervals.len().saturating_sub(1);
        let seconds = result.intervals[..whole].iter();
        seconds.filter_map(|one| Some((one.at_s, figure(one)?))).collect()
    };
    let lines = |(runs, name): (&Runs, &String)| Lines {
        name: name.clone(),
        runs: runs.results.iter().map(of_run).collect(),
    };
    all.iter().zip(names).map(lines).collect()
}

fn rows(all: &[Runs], names: &[String]) -> Vec<[String; 5]> {
    let named = all.iter().zip(names);
    let runs = named.flat_map(|(runs, name)| runs.results.iter().map(move |result| (name, result)));
    let row = |(name, result): (&String, &RunResult)| match result
        .throttling
        .filter(|of| of.requests > 0)
    {
        None => [name.clone(), "none".into(), "-".into(), "-".into(), "-".into()],
        Some(of) => {
            let (requests, seconds) = (count(of.requests), count(of.throttled_s));
            [name.clone(), requests, percent(of.share), seconds, of.end()]
        }
    };
    runs.map(row).collect()
}
