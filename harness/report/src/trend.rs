//! A history of results, one JSON object a line, kept in git beside the code, and the places where it changed. The
//! change points are `flywheel-stats`'; which results make one series is decided here.

use std::collections::BTreeMap;

use flywheel_stats::{ChangeOptions, ChangePoint, Direction, StatsError, change_points};
use serde::{Deserialize, Serialize};

use crate::limits::TREND_SCHEMA_VERSION;
use crate::table::{new_table, render};
use crate::units::{percent, rate, ratio, time};
use crate::{Environment, RunResult, Schedule};

/// One result, cut down to what a trend needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrendEntry {
    /// [`TREND_SCHEMA_VERSION`] of the build that wrote it.
    pub schema_version: u32,
    /// When the run began: RFC 3339 in UTC.
    pub started_utc: String,
    /// Git commit that the build came from.
    pub git_revision: Option<String>,
    /// The workload's name.
    pub workload: String,
    /// What was measured.
    pub system: String,
    /// Records, clients, loop and rate: what else must agree within a series.
    pub load: String,
    /// Processor, cores, disk and file system: the same.
    pub host: String,
    /// Operations per second.
    pub throughput_ops_per_s: f64,
    /// The same over the device's saturated 4 KiB reads per second.
    pub ops_per_device_read_iops: Option<f64>,
    /// Response time of the slowest type of operation: median.
    pub p50_us: Option<f64>,
    /// 99th percentile.
    pub p99_us: Option<f64>,
    /// 99.9th percentile.
    pub p999_us: Option<f64>,
    /// Processor time per operation.
    pub cpu_us_per_op: Option<f64>,
}

impl TrendEntry {
    /// Of a result.
    pub fn of(result: &RunResult) -> Self {
        // Times of a rate that was not kept say nothing, and those at a share of the peak are each at a rate of its own.
        let is_comparable = |of: &Schedule| of.sustained && of.peak_ops_per_s.is_none();
        let told = result.schedule.as_ref().is_none_or(is_comparable);
        let slowest = result.slowest().map(|(_, of)| of.response_us).filter(|_| told);
        Self {
            schema_version: TREND_SCHEMA_VERSION,
            started_utc: result.started_utc.clone(),
            git_revision: result.environment.git_revision.clone(),
            workload: result.workload.clone(),
            system: result.system.clone(),
            load: load_of(result),
            host: host_of(&result.environment),
            throughput_ops_per_s: result.throughput_ops_per_s,
            ops_per_device_read_iops: result.ratios.throughput_per_device_read_iops,
            p50_us: slowest.map(|us| us.p50),
            p99_us: slowest.map(|us| us.p99),
            p999_us: slowest.map(|us| us.p999),
            cpu_us_per_op: result.process.cpu_us_per_op,
        }
    }

    /// The line of a history, with its line break.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).expect("plain figures make JSON") + "\n"
    }
}

fn load_of(result: &RunResult) -> String {
    let property = |name: &str| result.properties.get(name).map_or("?", String::as_str);
    let records = property("recordcount");
    let load = match &result.schedule {
        // A share of the peak is a rate of its own in each run.
        Some(schedule) if schedule.peak_ops_per_s.is_some() => {
            let peak = schedule.peak_ops_per_s.unwrap_or(1.0);
            format!("{} at {}", schedule.arrivals, percent(schedule.rate_per_s / peak))
        }
        Some(schedule) => format!("{} at {:.0}/s", schedule.arrivals, schedule.rate_per_s),
        None => format!("{} clients", property("threadcount")),
    };
    let setting = |name: &str| result.settings.get(name).map_or("?", String::as_str);
    let profile = result.environment.build_profile.as_deref().unwrap_or("?");
    let (cache, shards) = (setting("cache"), setting("shards"));
    format!("{records} records, {load}, cache {cache}, shards {shards}, {profile} build")
}

fn host_of(of: &Environment) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "?".into());
    let cores = of.cores.map_or("?".into(), |cores| cores.to_string());
    let (disk, kind) = (text(&of.disk.device), text(&of.file_system.kind));
    format!("{} x {cores}, {disk}, {kind}", text(&of.cpu_model))
}

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TrendError {
    /// A line is not an entry.
    #[error("line {line}: not an entry of a history: {error}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// A line was written by a newer build.
    #[error(
        "line {line}: schema version {found}, and this build reads up to {TREND_SCHEMA_VERSION}"
    )]
    Newer {
        /// Counted from 1.
        line: usize,
        /// The version in it.
        found: u32,
    },
    /// The statistics refuse a series.
    #[error("{series}: {error}")]
    Stats {
        /// Which.
        series: String,
        /// Why.
        error: StatsError,
    },
}

/// Reads a history; empty lines are skipped.
pub fn parse_history(text: &str) -> Result<Vec<TrendEntry>, TrendError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let line_number = index + 1;
            let entry: TrendEntry = serde_json::from_str(line)
                .map_err(|error| TrendError::Line { line: line_number, error })?;
            let found = entry.schema_version;
            if found > TREND_SCHEMA_VERSION {
                return Err(TrendError::Newer { line: line_number, found });
            }
            Ok(entry)
        })
        .collect()
}

/// A figure that is followed over time.
struct Metric {
    name: &'static str,
    of: fn(&TrendEntry) -> Option<f64>,
    direction: Direction,
    show: fn(f64) -> String,
}

const METRICS: [Metric; 6] = [
    Metric {
        name: "operations/s",
        of: |entry| Some(entry.throughput_ops_per_s),
        direction: Direction::HigherIsBetter,
        show: rate,
    },
    Metric {
        name: "operations per device IOPS",
        of: |entry| entry.ops_per_device_read_iops,
        direction: Direction::HigherIsBetter,
        show: ratio,
    },
    Metric {
        name: "p50",
        of: |entry| entry.p50_us,
        direction: Direction::LowerIsBetter,
        show: time,
    },
    Metric {
        name: "p99",
        of: |entry| entry.p99_us,
        direction: Direction::LowerIsBetter,
        show: time,
    },
    Metric {
        name: "p99.9",
        of: |entry| entry.p999_us,
        direction: Direction::LowerIsBetter,
        show: time,
    },
    Metric {
        name: "processor time per operation",
        of: |entry| entry.cpu_us_per_op,
        direction: Direction::LowerIsBetter,
        show: time,
    },
];

/// A change of one figure in one series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrendChange {
    /// Workload, system, load and host.
    pub series: String,
    /// The figure.
    pub metric: &'static str,
    /// The first result after it.
    pub started_utc: String,
    /// And that one's commit.
    pub git_revision: Option<String>,
    /// How many results of the series came since, that one included.
    pub results_since: usize,
    /// What changed.
    #[serde(flatten)]
    pub change: ChangePoint,
    /// Whether it changed for the worse.
    pub is_regression: bool,
    /// Means before and after with their units, for people.
    #[serde(skip)]
    pub shown: (String, String),
}

/// All changes in a history, by series and figure, oldest first. Results stand in the order of their time.
pub fn changes(
    entries: &[TrendEntry],
    options: &ChangeOptions,
) -> Result<Vec<TrendChange>, TrendError> {
    let mut found = Vec::new();
    for (series, mut entries) in by_series(entries) {
        entries.sort_by(|a, b| a.started_utc.cmp(&b.started_utc));
        for metric in &METRICS {
            let with: Vec<(&TrendEntry, f64)> =
                entries.iter().filter_map(|entry| Some((*entry, (metric.of)(entry)?))).collect();
            let figures: Vec<f64> = with.iter().map(|(_, figure)| *figure).collect();
            let points = change_points(&figures, options)
                .map_err(|error| TrendError::Stats { series: series.clone(), error })?;
            found.extend(points.into_iter().map(|change| {
                let (entry, _) = with[change.index];
                let rose = change.mean_after > change.mean_before;
                TrendChange {
                    series: series.clone(),
                    metric: metric.name,
                    started_utc: entry.started_utc.clone(),
                    git_revision: entry.git_revision.clone(),
                    results_since: with.len() - change.index,
                    is_regression: rose == (metric.direction == Direction::LowerIsBetter),
                    shown: ((metric.show)(change.mean_before), (metric.show)(change.mean_after)),
                    change,
                }
            }));
        }
    }
    Ok(found)
}

/// The series of a history with their lengths.
pub fn series(entries: &[TrendEntry]) -> Vec<(String, usize)> {
    by_series(entries).into_iter().map(|(series, entries)| (series, entries.len())).collect()
}

fn by_series(entries: &[TrendEntry]) -> BTreeMap<String, Vec<&TrendEntry>> {
    let mut by_series: BTreeMap<String, Vec<&TrendEntry>> = BTreeMap::new();
    for entry in entries {
        let TrendEntry { workload, system, load, host, .. } = entry;
        let name = format!("{workload} on {system}, {load} ({host})");
        by_series.entry(name).or_default().push(entry);
    }
    by_series
}

/// Changes as text for people. Ends in a line break.
pub fn trend_summary(entries: &[TrendEntry], changes: &[TrendChange]) -> String {
    let mut text = String::new();
    for (series, length) in series(entries) {
        let of: Vec<&TrendChange> = changes.iter().filter(|of| of.series == series).collect();
        text += &format!("{series}: {length} results\n");
        if of.is_empty() {
            text += "no change\n\n";
            continue;
        }
        let mut table =
            new_table(&["figure", "since", "commit", "before", "after", "change", "p", ""]);
        for TrendChange {
            metric, started_utc, git_revision, change, shown, is_regression, ..
        } in of
        {
            let moved = change.mean_after / change.mean_before - 1.0;
            table.add_row([
                (*metric).to_owned(),
                started_utc.clone(),
                git_revision.as_deref().map_or("-".into(), |of| of.chars().take(10).collect()),
                shown.0.clone(),
                shown.1.clone(),
                format!("{:+.1} %", moved * 100.0),
                format!("{:.1e}", change.p_value),
                if *is_regression { "worse" } else { "better" }.to_owned(),
            ]);
        }
        text += &render(table, &[0, 1, 2, 7]);
        text += "\n\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(day: usize, throughput: f64, p99_us: f64) -> TrendEntry {
        let result = RunResult {
            workload: "a".into(),
            system: "flywheel".into(),
            started_utc: format!("2026-{:02}-{:02}T00:00:00Z", 1 + day / 28, 1 + day % 28),
            throughput_ops_per_s: throughput,
            ..RunResult::default()
        };
        let mut entry = TrendEntry::of(&result);
        entry.git_revision = Some(format!("commit{day}"));
        entry.p99_us = Some(p99_us);
        entry
    }

    /// 40 days with a little noise; from day 25 on a tenth slower.
    fn history() -> Vec<TrendEntry> {
        let noise = |day: usize| ((day * 7919) % 13) as f64 / 13.0 - 0.5;
        (0..40)
            .map(|day| {
                let worse = if day < 25 { 1.0 } else { 0.9 };
                entry(
                    day,
                    1e5 * worse * (1.0 + 0.01 * noise(day)),
                    900.0 * (1.0 + 0.02 * noise(day)),
                )
            })
            .collect()
    }

    #[test]
    fn a_drop_is_found_at_its_commit_and_nothing_else_is() {
        let mut entries = history();
        // The order in the file does not matter, and results of another load are another series.
        entries.reverse();
        entries
            .extend((0..10).map(|day| TrendEntry { load: "other".into(), ..entry(day, 5.0, 9.0) }));
        let found = changes(&entries, &ChangeOptions::default()).unwrap();
        assert_eq!(found.len(), 1, "{found:#?}");
        let change = &found[0];
        assert_eq!((change.metric, change.is_regression), ("operations/s", true));
        assert_eq!(change.git_revision.as_deref(), Some("commit25"));
        assert_eq!(change.results_since, 15);
        let text = trend_summary(&entries, &found);
        assert!(
            text.contains("-10.") && text.contains("worse") && text.contains("no change"),
            "{text}"
        );
    }

    #[test]
    fn what_rises_is_better_or_worse_by_its_figure() {
        let mut entries = history();
        for (day, entry) in entries.iter_mut().enumerate() {
            let noise = 1.0 + 0.01 * ((day * 7919) % 13) as f64;
            entry.throughput_ops_per_s = noise * if day < 20 { 1e5 } else { 2e5 };
            entry.p99_us = Some(noise * if day < 20 { 500.0 } else { 900.0 });
        }
        let found = changes(&entries, &ChangeOptions::default()).unwrap();
        let of: Vec<_> = found.iter().map(|change| (change.metric, change.is_regression)).collect();
        assert_eq!(of, [("operations/s", false), ("p99", true)]);
    }

    #[test]
    fn a_history_survives_its_lines_and_bad_ones_are_named() {
        let entries = history();
        let text: String = entries.iter().map(TrendEntry::to_line).collect();
        assert_eq!(parse_history(&text).unwrap(), entries);
        let error = parse_history(&format!("{text}\n{{\"x\": 1}}\n")).unwrap_err().to_string();
        assert!(error.starts_with("line 42: not an entry"), "{error}");
        let newer = text.replacen("\"schema_version\":1", "\"schema_version\":99", 1);
        let error = parse_history(&newer).unwrap_err().to_string();
        assert!(error.contains("schema version 99"), "{error}");
    }
}
