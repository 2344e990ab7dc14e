//! What `flywheel peers` leaves behind: several systems under one workload on one disk, side by side. Ratios and
//! intervals are worked out here from the runs' own figures; nothing is measured.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flywheel_stats::{Bootstrap, Centre, Direction, Interval, compare_pairs, compare_runs};
use serde::{Deserialize, Serialize};

use crate::folder::{Named, write_files};
use crate::html::peers_report;
use crate::limits::PEERS_SCHEMA_VERSION;
use crate::result::{ReadError, read_versioned};
use crate::table::{new_table, render};
use crate::units::{bytes, count, rate, ratio, time};
use crate::{Environment, LatencyUs, RunResult};

/// Everything known of one comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeersResult {
    /// [`PEERS_SCHEMA_VERSION`] of the build that wrote it.
    pub schema_version: u32,
    /// The workload's name.
    pub workload: String,
    /// The workload's properties as resolved, defaults included.
    pub properties: BTreeMap<String, String>,
    /// The seed of every draw.
    pub seed: u64,
    /// The exact command, one argument each.
    pub command: Vec<String>,
    /// When it began: RFC 3339 in UTC, to the second.
    pub started_utc: String,
    /// The machine and the build.
    pub environment: Environment,
    /// How often each system was measured in each loop, in turns.
    pub rounds: u64,
    /// Memory that each process had, its page cache included; `None` where it could not be bounded.
    pub memory_limit_bytes: Option<u64>,
    /// Why it could not, if it could not.
    pub memory_limit_refused: Option<String>,
    /// The one rate at which response times were measured.
    pub rate_per_s: Option<f64>,
    /// The systems, Flywheel first.
    pub systems: Vec<SystemFigures>,
}

/// One system's figures over all rounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SystemFigures {
    /// Its name.
    pub system: String,
    /// How it was set, in words that its users know.
    pub settings: BTreeMap<String, String>,
    /// Records loaded per second.
    pub load_ops_per_s: Option<f64>,
    /// Closed loop: operations per second of each round.
    pub throughput_ops_per_s: Vec<f64>,
    /// The same over the device's saturated reads of the same round.
    pub per_device_read_iops: Vec<f64>,
    /// Flywheel's throughput over this one's, with 95 % bounds; `None` for itself.
    pub flywheel_over_this: Option<Interval>,
    /// Open loop at the one rate: response times of the slowest type of operation, each round.
    pub response_us: Vec<LatencyUs>,
    /// Which type that was in the last round.
    pub slowest: Option<String>,
    /// Arrivals that were refused or given up, in all open loops: not in those times.
    #[serde(default)]
    pub refused: u64,
    /// Whether the rate was kept in every round.
    pub sustained: bool,
    /// Bytes written to storage per byte that users wrote, closed loop, last round, as the kernel counts them.
    pub written_bytes_per_user_byte: Option<f64>,
    /// Bytes of files per byte of records loaded, after the last closed loop.
    pub disk_bytes_per_user_byte: Option<f64>,
    /// Resident memory at its most, closed loop, over all rounds.
    pub peak_resident_bytes: Option<u64>,
    /// Processor time per operation, closed loop, mean of the rounds; generator included.
    pub cpu_us_per_op: Option<f64>,
    /// Operations that failed, or brought wrong data, in all runs.
    pub faults: u64,
    /// Why it was not run to the end, if it was not: killed for want of memory, for one.
    #[serde(default)]
    pub failure: Option<String>,
    /// The result folders of its runs.
    pub folders: Vec<String>,
}

/// The runs of one system.
#[derive(Clone, Debug, Default)]
pub struct SystemRuns {
    /// Its name.
    pub system: String,
    /// How fast it was loaded.
    pub load_ops_per_s: Option<f64>,
    /// Closed loops, with their folders.
    pub closed: Vec<(RunResult, String)>,
    /// Open loops at the one rate.
    pub open: Vec<(RunResult, String)>,
    /// Why there are no more of them.
    pub failure: Option<String>,
}

/// Seconds in a block of the bootstrap: neighbours in time are alike.
const BLOCK_S: usize = 3;

/// Rounds from which on each one counts as a pair; below, intervals come from the seconds of the runs.
const PAIRED_ROUNDS: usize = 3;

impl PeersResult {
    /// Works out the figures of all systems. The first one is held against each of the others.
    pub fn add(&mut self, runs: &[SystemRuns], user_bytes: f64) {
        self.schema_version = PEERS_SCHEMA_VERSION;
        let Some(first) = runs.first() else { return };
        self.systems = runs
            .iter()
            .enumerate()
            .map(|(index, runs)| {
                let mut figures = figures_of(runs, user_bytes);
                if index > 0 {
                    figures.flywheel_over_this = advantage(runs, first, self.seed);
                }
                figures
            })
            .collect();
    }

    /// Reads a `peers.json` of this schema version or an older one.
    pub fn from_json(json: &str) -> Result<Self, ReadError> {
        read_versioned(json, PEERS_SCHEMA_VERSION)
    }

    /// Whether every system did what was asked of it.
    pub fn is_clean(&self) -> bool {
        self.systems.iter().all(|system| system.faults == 0 && system.failure.is_none())
    }
}

fn figures_of(runs: &SystemRuns, user_bytes: f64) -> SystemFigures {
    let all = || runs.closed.iter().chain(&runs.open);
    let closed = || runs.closed.iter().map(|(result, _)| result);
    let last = runs.closed.last().map(|(result, _)| result);
    let slowest = |result: &RunResult| result.slowest().map(|(_, of)| of.response_us);
    let cpu: Vec<f64> = closed().filter_map(|result| result.process.cpu_us_per_op).collect();
    SystemFigures {
        system: runs.system.clone(),
        settings: last.map(|result| result.settings.clone()).unwrap_or_default(),
        load_ops_per_s: runs.load_ops_per_s,
        throughput_ops_per_s: closed().map(|result| result.throughput_ops_per_s).collect(),
        per_device_read_iops: closed()
            .filter_map(|result| result.ratios.throughput_per_device_read_iops)
            .collect(),
        flywheel_over_this: None,
        response_us: runs.open.iter().filter_map(|(result, _)| slowest(result)).collect(),
        slowest: runs
            .open
            .last()
            .and_then(|(result, _)| result.slowest())
            .map(|(kind, _)| kind.name().to_owned()),
        refused: runs
            .open
            .iter()
            .filter_map(|(result, _)| result.schedule.as_ref())
            .map(|of| of.refused_total() + of.late)
            .sum(),
        sustained: runs
            .open
            .iter()
            .all(|(result, _)| result.schedule.as_ref().is_none_or(|of| of.sustained)),
        written_bytes_per_user_byte: last
            .and_then(|result| result.process.written_bytes_per_user_byte),
        disk_bytes_per_user_byte: last
            .and_then(|result| result.disk_bytes)
            .filter(|_| user_bytes > 0.0)
            .map(|size| size as f64 / user_bytes),
        peak_resident_bytes: closed().filter_map(|result| result.process.peak_resident_bytes).max(),
        cpu_us_per_op: mean(&cpu),
        failure: runs.failure.clone(),
        faults: all().map(|(result, _)| faults(result)).sum(),
        folders: all().map(|(_, folder)| folder.clone()).collect(),
    }
}

fn faults(result: &RunResult) -> u64 {
    let failed: u64 = result.operations.values().map(|of| of.errors).sum();
    let wrong = result.verification.as_ref().map_or(0, |found| found.wrong);
    let lost = result.validation.as_ref().is_some_and(|found| !found.passed());
    (failed + wrong + u64::from(lost)).max(result.faults)
        + result.read_back.as_ref().map_or(0, |found| found.wrong)
}

fn mean(figures: &[f64]) -> Option<f64> {
    (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
}

/// The geometric mean: rates of rounds are compared as ratios.
fn geometric_mean(figures: &[f64]) -> Option<f64> {
    let logs: Vec<f64> = figures.iter().filter(|of| **of > 0.0).map(|of| of.ln()).collect();
    mean(&logs).map(f64::exp)
}

/// The middle one, of an even number the worse of the two in the middle: percentiles are not averaged.
fn middle(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// How many times the throughput of `of` the `first` has.
fn advantage(of: &SystemRuns, first: &SystemRuns, seed: u64) -> Option<Interval> {
    let bootstrap = Bootstrap::new(seed);
    let rounds = of.closed.len().min(first.closed.len());
    if rounds >= PAIRED_ROUNDS {
        let pairs = of.closed.iter().zip(&first.closed);
        let pairs: Vec<(f64, f64)> = pairs
            .map(|((theirs, _), (ours, _))| {
                (theirs.throughput_ops_per_s, ours.throughput_ops_per_s)
            })
            .collect();
        let found = compare_pairs(&pairs, Direction::HigherIsBetter, 0.0, &bootstrap);
        return found.ok().map(|found| found.ratio);
    }
    let seconds = |runs: &SystemRuns| -> Vec<f64> {
        let whole = |(result, _): &(RunResult, String)| {
            // The last one is seldom a whole second.
            let whole = result.intervals.len().saturating_sub(1);
            result.intervals[..whole]
                .iter()
                .map(|interval| interval.count as f64)
                .collect::<Vec<_>>()
        };
        runs.closed.iter().flat_map(whole).collect()
    };
    let found = compare_runs(
        &seconds(of),
        &seconds(first),
        Centre::Mean,
        BLOCK_S,
        Direction::HigherIsBetter,
        0.0,
        &bootstrap,
    );
    found.ok().map(|found| found.ratio)
}

/// The columns of the table of systems.
pub(crate) const COLUMNS: [&str; 12] = [
    "system",
    "ops/s",
    "flywheel over it",
    "ops/IOPS",
    "p50",
    "p99",
    "p99.9",
    "max",
    "write amp",
    "space",
    "memory",
    "CPU/op",
];

/// The cells of one system.
pub(crate) fn row(system: &SystemFigures) -> [String; 12] {
    let optional = |figure: Option<f64>, text: fn(f64) -> String| figure.map_or("-".into(), text);
    // Of a rate that was not kept, times only say how long the run was.
    let times = |figure: fn(&LatencyUs) -> f64| -> String {
        let all: Vec<f64> = system.response_us.iter().map(figure).collect();
        match middle(all) {
            Some(us) if system.sustained => time(us),
            Some(_) => "not sust.".into(),
            None => "-".into(),
        }
    };
    let longest = system.response_us.iter().map(|us| us.max).reduce(f64::max);
    [
        system.system.clone(),
        optional(geometric_mean(&system.throughput_ops_per_s), rate),
        system.flywheel_over_this.map_or("-".into(), |of| {
            format!("{} [{}, {}]", ratio(of.estimate), ratio(of.low), ratio(of.high))
        }),
        optional(geometric_mean(&system.per_device_read_iops), ratio),
        times(|us| us.p50),
        times(|us| us.p99),
        times(|us| us.p999),
        optional(longest.filter(|_| system.sustained), time),
        optional(system.written_bytes_per_user_byte, ratio),
        optional(system.disk_bytes_per_user_byte, ratio),
        optional(system.peak_resident_bytes.map(|size| size as f64), bytes),
        optional(system.cpu_us_per_op, time),
    ]
}

/// What to know of the table.
pub(crate) fn remarks(result: &PeersResult) -> Vec<String> {
    let mut remarks = vec![format!(
        "{} rounds in turns; every write durable when acknowledged. Throughput: closed loop.",
        result.rounds
    )];
    remarks.extend(result.rate_per_s.map(|of| {
        format!(
            "Response times: open loop at {} operations/s for each, the slowest type of operation, the middle \
             round. A system with a thread for each client has its arrivals dealt to those threads: one that waits \
             holds up its own.",
            rate(of)
        )
    }));
    remarks.push(match (result.memory_limit_bytes, &result.memory_limit_refused) {
        (Some(limit), _) => {
            format!("Each process had {} of memory, page cache included.", bytes(limit as f64))
        }
        (None, reason) => format!(
            "Memory was not bounded ({}): systems that read through the page cache had all of it.",
            reason.as_deref().unwrap_or("not asked for")
        ),
    });
    remarks.push(
        "Write amp and space: bytes that the kernel saw written, and bytes of files, per byte that users \
         wrote or loaded. CPU per operation includes the generator."
            .into(),
    );
    let is_kept = |of: &&SystemFigures| of.load_ops_per_s.is_none() && of.failure.is_none();
    let kept: Vec<&str> =
        result.systems.iter().filter(is_kept).map(|of| of.system.as_str()).collect();
    if !kept.is_empty() {
        remarks.push(format!(
            "Loaded before, and as earlier runs left them (--keep): {}.",
            kept.join(", ")
        ));
    }
    remarks.extend(result.systems.iter().filter(|of| of.refused > 0).map(|of| {
        format!("{} refused {} arrivals of the open loops.", of.system, count(of.refused))
    }));
    remarks.extend(result.systems.iter().filter_map(|of| {
        let failure = of.failure.as_ref()?;
        Some(format!("{} was not run to the end: {failure}", of.system))
    }));
    remarks
}

/// The comparison as a table, and what to know of it. Ends in a line break.
pub fn peers_summary(result: &PeersResult) -> String {
    let mut table = new_table(&COLUMNS);
    for system in &result.systems {
        table.add_row(row(system));
    }
    let remarks = remarks(result).join("\n");
    format!("workload {}\n\n{}\n\n{remarks}\n", result.workload, render(table, &[0]))
}

/// Writes `peers.json`, `summary.txt` and `report.html` into a new folder, as [`crate::write_folder`] does.
pub fn write_peers_folder(root: &Path, result: &PeersResult) -> std::io::Result<PathBuf> {
    let workload = format!("{}-peers", result.workload);
    let named =
        Named { started_utc: &result.started_utc, workload: &workload, command: &result.command };
    let json = serde_json::to_string_pretty(result);
    let json = json.expect("plain figures and text keys always make JSON") + "\n";
    let (summary, page) = (peers_summary(result), peers_report(result));
    write_files(
        root,
        &named,
        &[("peers.json", json), ("summary.txt", summary), ("report.html", page)],
    )
}
