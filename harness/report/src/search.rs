//! What `flywheel search` leaves behind: every rate it tried, the highest that meets the target, and the knee of
//! latency against throughput. `results/README.md` tells the schema. Searches nothing itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::folder::{Named, write_files};
use crate::html::search_report;
use crate::limits::SEARCH_SCHEMA_VERSION;
use crate::result::{ReadError, read_versioned};
use crate::table::{Paint, new_table, render};
use crate::units::{rate, ratio, time};
use crate::{
    CurvePoint, DeviceBracket, Environment, LatencyCurve, OperationKind, RateEstimate, Verdict,
};

/// Everything known of one search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchResult {
    /// [`SEARCH_SCHEMA_VERSION`] of the build that wrote it.
    pub schema_version: u32,
    /// The workload's name.
    pub workload: String,
    /// What was measured.
    pub system: String,
    /// The workload's properties as resolved, defaults included.
    pub properties: BTreeMap<String, String>,
    /// The seed of the first step's draws.
    pub seed: u64,
    /// The exact command, one argument each.
    pub command: Vec<String>,
    /// When it began: RFC 3339 in UTC, to the second.
    pub started_utc: String,
    /// The machine and the build.
    pub environment: Environment,
    /// The device before and after.
    pub device: DeviceBracket,
    /// How arrivals were spaced.
    pub arrivals: String,
    /// Bound on each operation type's p99 of response time.
    pub target_p99_us: f64,
    /// Measured seconds of each run.
    pub seconds_each: u64,
    /// What the workload's clients reached in a closed loop.
    pub peak_ops_per_s: f64,
    /// Every run, in the order in which they were made.
    pub runs: Vec<RateRun>,
    /// The highest rate that meets the target; `None` if none does.
    pub best: Option<BestRate>,
    /// The rate where latency leaves the floor, by Kneedle over all rates that were sustained.
    pub knee_rate_per_s: Option<f64>,
    /// Operations that failed, were never answered, or brought wrong data. A refusal is none.
    pub faults: u64,
}

/// One run at one rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RateRun {
    /// The rate asked for.
    pub rate_per_s: f64,
    /// Operations answered per second.
    pub throughput_ops_per_s: f64,
    /// The type of operation with the highest p99, which is held against the target.
    pub slowest: Option<OperationKind>,
    /// Its response time: median.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// 99.9th percentile.
    pub p999_us: f64,
    /// The slowest.
    pub max_us: f64,
    /// Arrivals refused or given up.
    pub turned_away: u64,
    /// Whether the rate was kept.
    pub sustained: bool,
    /// Whether it was made to confirm the best rate, and not to find it.
    pub confirms: bool,
}

impl RateRun {
    /// Whether the rate was kept and the target met.
    pub fn meets(&self, target_p99_us: f64) -> bool {
        // Nothing that was answered is nothing that was met.
        self.sustained && self.slowest.is_some() && self.p99_us <= target_p99_us
    }
}

/// The highest rate that meets the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BestRate {
    /// The rate.
    pub rate_per_s: f64,
    /// The lowest rate above it that does not meet the target; `None` if none was tried.
    pub too_high_per_s: Option<f64>,
    /// Runs at this rate.
    pub runs: u64,
    /// Of those, how many met the target.
    pub met: u64,
}

impl BestRate {
    /// Probability that a run at this rate meets the target: 95 % bounds by Wilson's score interval, which holds
    /// for few runs too.
    pub fn confidence(&self) -> (f64, f64) {
        const Z: f64 = 1.96;
        let (n, met) = (self.runs as f64, self.met as f64);
        if n == 0.0 {
            return (0.0, 1.0);
        }
        let share = met / n;
        let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let spread =
            Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        ((centre - spread).max(0.0), (centre + spread).min(1.0))
    }
}

impl SearchResult {
    /// 0 a rate was found, 1 none meets the target, 2 a fault.
    pub fn verdict(&self) -> Verdict {
        if self.faults > 0 || self.runs.is_empty() {
            Verdict::Fault
        } else if self.best.is_some() {
            Verdict::Met
        } else {
            Verdict::Missed
        }
    }

    /// Latency against throughput: of each rate the run in the middle by its p99, those that were not sustained
    /// counting as the worst.
    pub fn curve(&self) -> LatencyCurve {
        let mut runs: Vec<&RateRun> = self.runs.iter().collect();
        let worst = |run: &RateRun| if run.sustained { run.p99_us } else { f64::INFINITY };
        runs.sort_by(|a, b| {
            a.rate_per_s.total_cmp(&b.rate_per_s).then(worst(a).total_cmp(&worst(b)))
        });
        let middle = |of_rate: &[&RateRun]| {
            let run = of_rate[(of_rate.len() - 1) / 2];
            CurvePoint {
                rate_per_s: run.rate_per_s,
                p50_us: run.p50_us,
                p99_us: run.p99_us,
                p999_us: run.p999_us,
                sustained: run.sustained,
            }
        };
        LatencyCurve {
            points: runs.chunk_by(|a, b| a.rate_per_s == b.rate_per_s).map(middle).collect(),
            target_p99_us: self.target_p99_us,
            knee_rate_per_s: self.knee_rate_per_s,
            best_rate_per_s: self.best.map(|best| RateEstimate {
                low: best.rate_per_s,
                estimate: best.rate_per_s,
                high: best.too_high_per_s.unwrap_or(best.rate_per_s),
            }),
        }
    }

    /// Reads a `search.json` of this schema version or an older one.
    pub fn from_json(json: &str) -> Result<Self, ReadError> {
        read_versioned(json, SEARCH_SCHEMA_VERSION)
    }

    /// The JSON of `search.json`, ending in a line break.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("plain figures and text keys always make JSON") + "\n"
    }
}

/// The search in a few lines and a table. Ends in a line break.
pub fn search_summary(result: &SearchResult, paint: Paint) -> String {
    let SearchResult { workload, system, seconds_each, arrivals, .. } = result;
    let mut table = new_table(&["rate", "reached", "slowest", "p50", "p99", "p99.9", "max", ""]);
    let mut runs: Vec<&RateRun> = result.runs.iter().collect();
    runs.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
    for run in runs {
        let word = match (run.sustained, run.meets(result.target_p99_us)) {
            (false, _) => "not sustained",
            (true, true) => "met",
            (true, false) => "missed",
        };
        // Of a rate that was not kept, times only say how long the run was.
        let cell = |us: f64| if run.sustained { time(us) } else { "-".into() };
        table.add_row([
            rate(run.rate_per_s),
            rate(run.throughput_ops_per_s),
            run.slowest.map_or("-", OperationKind::name).to_owned(),
            cell(run.p50_us),
            cell(run.p99_us),
            cell(run.p999_us),
            cell(run.max_us),
            format!("{word}{}", if run.confirms { ", confirming" } else { "" }),
        ]);
    }
    let mut text = format!(
        "search for the highest rate: workload {workload} on {system}, {arrivals} arrivals, \
         {seconds_each} s each\n\n{}\n\n",
        render(table, &[2, 7])
    );
    text += &paint.verdict(result.verdict(), &conclusion(result));
    text += &format!("\nclosed loop  {} ops/s at its peak\n", rate(result.peak_ops_per_s));
    if let Some(knee) = result.knee_rate_per_s {
        let share = if result.peak_ops_per_s > 0.0 { knee / result.peak_ops_per_s } else { 0.0 };
        text += &format!("knee         {} ops/s, {} of the peak\n", rate(knee), ratio(share));
    }
    if let Some(iops) = result.device.read_iops_max() {
        text += &format!("device       {} random 4 KiB reads/s\n", rate(iops));
    }
    text
}

/// What was found, in a sentence.
pub(crate) fn conclusion(result: &SearchResult) -> String {
    let bound = time(result.target_p99_us);
    match (result.verdict(), result.best) {
        (Verdict::Fault, _) => {
            format!("fault: {} operations failed or brought wrong data", result.faults)
        }
        (_, Some(best)) => {
            let (low, high) = best.confidence();
            let beyond = best.too_high_per_s.map_or_else(
                || "nothing higher was tried".to_owned(),
                |rate_of| format!("{} does not", rate(rate_of)),
            );
            format!(
                "{} ops/s meet p99 <= {bound} in {} of {} runs (so {:.0} to {:.0} % of runs do, with 95 % \
                 confidence); {beyond}",
                rate(best.rate_per_s),
                best.met,
                best.runs,
                low * 100.0,
                high * 100.0
            )
        }
        _ => format!("no rate that was tried meets p99 <= {bound}"),
    }
}

/// Writes `search.json`, `summary.txt` and `report.html` into a new folder, as [`crate::write_folder`] does.
pub fn write_search_folder(root: &Path, result: &SearchResult) -> std::io::Result<PathBuf> {
    let workload = format!("{}-search", result.workload);
    let named =
        Named { started_utc: &result.started_utc, workload: &workload, command: &result.command };
    let summary = search_summary(result, Paint::plain());
    let page = search_report(result);
    let files =
        [("search.json", result.to_json()), ("summary.txt", summary), ("report.html", page)];
    write_files(root, &named, &files)
}

/// A result with nothing in it yet.
pub fn new_search() -> SearchResult {
    SearchResult { schema_version: SEARCH_SCHEMA_VERSION, ..SearchResult::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rate_per_s: f64, p99_us: f64, sustained: bool) -> RateRun {
        RateRun {
            rate_per_s,
            throughput_ops_per_s: rate_per_s,
            slowest: Some(OperationKind::Read),
            p99_us,
            sustained,
            ..RateRun::default()
        }
    }

    #[test]
    fn a_rate_that_was_not_kept_meets_nothing() {
        assert!(run(10.0, 500.0, true).meets(500.0));
        assert!(!run(10.0, 501.0, true).meets(500.0));
        assert!(!run(10.0, 1.0, false).meets(500.0));
    }

    #[test]
    fn the_curve_takes_the_middle_run_of_each_rate() {
        let mut result = new_search();
        result.runs = vec![
            run(2.0, 9.0, true),
            run(1.0, 5.0, true),
            run(2.0, 70.0, false),
            run(2.0, 8.0, true),
            run(3.0, 1.0, false),
        ];
        let points: Vec<_> = result
            .curve()
            .points
            .iter()
            .map(|of| (of.rate_per_s, of.p99_us, of.sustained))
            .collect();
        assert_eq!(points, [(1.0, 5.0, true), (2.0, 9.0, true), (3.0, 1.0, false)]);
    }

    #[test]
    fn few_runs_say_little_and_the_interval_says_so() {
        let of = |runs, met| BestRate { runs, met, ..BestRate::default() }.confidence();
        // Wilson's interval for 3 of 3 and for 8 of 10, from tables.
        let (low, high) = of(3, 3);
        assert!((low - 0.4385).abs() < 1e-3 && high > 0.999, "{low} {high}");
        let (low, high) = of(10, 8);
        assert!((low - 0.4902).abs() < 1e-3 && (high - 0.9433).abs() < 1e-3, "{low} {high}");
        assert_eq!(of(0, 0), (0.0, 1.0));
    }

    #[test]
    fn the_summary_says_what_was_found_and_hides_the_times_of_rates_not_kept() {
        let mut result = new_search();
        result.workload = "a".into();
        result.target_p99_us = 10_000.0;
        result.runs = vec![run(2000.0, 9e6, false), run(1000.0, 900.0, true)];
        assert_eq!(result.verdict(), Verdict::Missed);
        let best = BestRate { rate_per_s: 1000.0, too_high_per_s: Some(2000.0), runs: 3, met: 3 };
        result.best = Some(best);
        let text = search_summary(&result, Paint::plain());
        assert!(text.contains("1,000 ops/s meet p99 <= 10.0 ms in 3 of 3 runs"), "{text}");
        assert!(text.contains("2,000 does not") && !text.contains("9.00 s"), "{text}");
        assert_eq!(serde_json::from_str::<SearchResult>(&result.to_json()).unwrap(), result);
        result.faults = 1;
        assert_eq!(result.verdict(), Verdict::Fault);
    }
}
