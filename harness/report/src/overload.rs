//! What `flywheel overload` leaves behind: its figures by phase and by second, the marks they are held against,
//! and the text for people. `results/README.md` tells the schema. Measures nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::folder::{Named, write_files};
use crate::limits::{
    OVERLOAD_P99_TIMES, OVERLOAD_RECOVERY_S, OVERLOAD_SCHEMA_VERSION, OVERLOAD_SHARE_OF_PEAK,
    OVERLOAD_SHARE_OFFERED,
};
use crate::table::{Paint, new_table, render};
use crate::units::{bytes, count, rate, ratio, time};
use crate::{DeviceBracket, Environment, Verdict};

/// Everything known of one overload run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverloadResult {
    /// [`OVERLOAD_SCHEMA_VERSION`] of the build that wrote it.
    pub schema_version: u32,
    /// The workload's name.
    pub workload: String,
    /// What was measured.
    pub system: String,
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
    /// The device before and after.
    pub device: DeviceBracket,
    /// How many times the peak was offered.
    pub factor: f64,
    /// The closed loop before.
    pub peak_before: PeakFigures,
    /// The closed loop after: the disk may have changed meanwhile.
    pub peak_after: PeakFigures,
    /// The open loop at `factor` times the first peak.
    pub overload: OfferedFigures,
    /// The open loop at half of it, from one moment to the next.
    pub recovery: OfferedFigures,
    /// Both steps of the open loop, second by second.
    pub seconds: Vec<OverloadSecond>,
    /// The queues.
    pub queues: QueueFigures,
    /// The process's memory.
    pub memory: MemoryFigures,
    /// What was to be reached, worked out by [`OverloadResult::seal`].
    pub marks: Vec<Mark>,
    /// Operations that failed, were never answered, or brought wrong data, in all phases. Refusals are none.
    pub faults: u64,
}

/// A closed loop at its peak.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeakFigures {
    /// Operations answered per second.
    pub throughput_ops_per_s: f64,
    /// Response time of all types together.
    pub p99_us: f64,
    /// The slowest.
    pub max_us: f64,
    /// Operations refused.
    pub refused: u64,
}

/// A step of the open loop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OfferedFigures {
    /// Length, in seconds.
    pub length_s: f64,
    /// The rate asked for.
    pub rate_per_s: f64,
    /// Operations handed to the engine.
    pub offered: u64,
    /// Arrivals that the generator came to too late to offer them.
    pub late: u64,
    /// Operations answered.
    pub accepted: u64,
    /// Operations refused, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Of the accepted, from the arrival to the answer.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// The slowest.
    pub max_us: f64,
    /// When the last one was refused, since the step began; `null` if none was.
    pub last_refusal_s: Option<f64>,
}

impl OfferedFigures {
    /// Operations answered per second.
    pub fn accepted_per_s(&self) -> f64 {
        if self.length_s > 0.0 { self.accepted as f64 / self.length_s } else { 0.0 }
    }

    fn share_offered(&self) -> f64 {
        let arrived = self.offered + self.late;
        if arrived > 0 { self.offered as f64 / arrived as f64 } else { 0.0 }
    }
}

/// One second of the open loop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverloadSecond {
    /// Its end, since the overload began.
    pub at_s: f64,
    /// Operations handed to the engine.
    pub offered: u64,
    /// Operations answered.
    pub accepted: u64,
    /// Operations refused, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Arrivals given up.
    pub late: u64,
    /// Response time of the accepted.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// The slowest.
    pub max_us: f64,
    /// Memory of the process, the most seen in this second.
    pub resident_bytes: Option<u64>,
}

/// The longest that each queue was, over all shards, and its bound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueFigures {
    /// Requests waiting in one shard's mailbox, and its bound.
    pub mailbox_most: u64,
    /// The bound.
    pub mailbox_bound: u64,
    /// Requests under way in one shard.
    pub active_most: u64,
    /// The bound.
    pub active_bound: u64,
    /// Requests under way together, as the generator saw it.
    pub in_flight_most: u64,
    /// The handle's bound.
    pub in_flight_bound: u64,
    /// The longest that a control message waited for its answer meanwhile.
    pub control_us_max: f64,
}

/// Memory of the process: the engine and the generator together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MemoryFigures {
    /// At the end of the first peak.
    pub before_bytes: Option<u64>,
    /// The most since.
    pub most_bytes: Option<u64>,
    /// What it may grow by: the cache's unused part, and the bounds of compaction and of waiting writes.
    pub allowed_growth_bytes: u64,
}

/// One figure, its bound, and whether it kept it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// What is asked.
    pub name: String,
    /// What was found.
    pub figure: f64,
    /// The least or the most allowed.
    pub bound: f64,
    /// Whether the bound is the least allowed, not the most.
    pub at_least: bool,
    /// Whether it was kept.
    pub met: bool,
}

impl Mark {
    fn least(name: &str, figure: f64, bound: f64) -> Self {
        Self { name: name.into(), figure, bound, at_least: true, met: figure >= bound }
    }

    fn most(name: &str, figure: f64, bound: f64) -> Self {
        Self { name: name.into(), figure, bound, at_least: false, met: figure <= bound }
    }
}

impl OverloadResult {
    /// Works out the marks.
    pub fn seal(&mut self) -> Verdict {
        self.schema_version = OVERLOAD_SCHEMA_VERSION;
        let peak = self.peak_ops_per_s();
        let over = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { f64::MAX };
        let of_peak = if peak > 0.0 { self.overload.accepted_per_s() / peak } else { 0.0 };
        let grown = self.grown_bytes().unwrap_or(0) as f64;
        let MemoryFigures { allowed_growth_bytes, .. } = self.memory;
        let QueueFigures { mailbox_most, mailbox_bound, active_most, active_bound, .. } =
            self.queues;
        self.marks = vec![
            Mark::least("accepted, over the peak", of_peak, OVERLOAD_SHARE_OF_PEAK),
            Mark::most(
                "p99 of accepted, over the peak's",
                over(self.overload.p99_us, self.peak_p99_us()),
                OVERLOAD_P99_TIMES,
            ),
            Mark::least(
                "arrivals offered in time",
                self.overload.share_offered(),
                OVERLOAD_SHARE_OFFERED,
            ),
            Mark::most("memory grown, bytes", grown, allowed_growth_bytes as f64),
            Mark::most(
                "mailbox, over its bound",
                over(mailbox_most as f64, mailbox_bound as f64),
                1.0,
            ),
            Mark::most(
                "under way, over its bound",
                over(active_most as f64, active_bound as f64),
                1.0,
            ),
            Mark::most(
                "recovery: nothing refused from, s",
                self.recovered_s(|second| second.refused.is_empty()),
                OVERLOAD_RECOVERY_S,
            ),
            Mark::most(
                "recovery: p99 back from, s",
                self.recovered_s(|second| second.p99_us <= self.peak_p99_us()),
                OVERLOAD_RECOVERY_S,
            ),
        ];
        self.verdict()
    }

    /// Whether all marks were met. A fault if anything failed, or nothing was measured.
    pub fn verdict(&self) -> Verdict {
        if self.faults > 0 || self.overload.accepted == 0 || self.marks.is_empty() {
            Verdict::Fault
        } else if self.marks.iter().all(|mark| mark.met) {
            Verdict::Met
        } else {
            Verdict::Missed
        }
    }

    /// The mean of the two peaks around the overload.
    pub fn peak_ops_per_s(&self) -> f64 {
        (self.peak_before.throughput_ops_per_s + self.peak_after.throughput_ops_per_s) / 2.0
    }

    /// The mean p99 of the two peaks.
    pub fn peak_p99_us(&self) -> f64 {
        (self.peak_before.p99_us + self.peak_after.p99_us) / 2.0
    }

    fn grown_bytes(&self) -> Option<u64> {
        Some(self.memory.most_bytes?.saturating_sub(self.memory.before_bytes?))
    }

    /// From the fall of the load to the start of the first second that is as it should be. A stall of the disk
    /// later on is not the overload's.
    fn recovered_s(&self, is_well: impl Fn(&OverloadSecond) -> bool) -> f64 {
        let mut recovery =
            self.seconds.iter().filter(|second| second.at_s > self.overload.length_s);
        let first = recovery.find(|second| second.accepted > 0 && is_well(second));
        first.map_or(self.recovery.length_s, |second| second.at_s - 1.0 - self.overload.length_s)
    }

    /// As pretty JSON with a line break at its end.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("figures make JSON") + "\n"
    }
}

/// Writes `overload.json`, `command.txt` and `summary.txt` into a new folder under `root`.
///
/// # Errors
/// What the file system says.
pub fn write_overload_folder(root: &Path, result: &OverloadResult) -> std::io::Result<PathBuf> {
    let workload = format!("{}-overload", result.workload);
    let named =
        Named { started_utc: &result.started_utc, workload: &workload, command: &result.command };
    let summary = overload_summary(result, Paint::plain());
    write_files(root, &named, &[("overload.json", result.to_json()), ("summary.txt", summary)])
}

/// One overload run for people. Ends in a line break.
pub fn overload_summary(result: &OverloadResult, paint: Paint) -> String {
    let OverloadResult { workload, system, factor, seed, .. } = result;
    let lines = [
        format!("overload of workload {workload} on {system}, {factor} x its peak, seed {seed}"),
        String::new(),
        phases(result),
        String::new(),
        marks(result),
        paint.verdict(result.verdict(), verdict_line(result)),
        format!("refused     {}", reasons(&result.overload.refused)),
        queues(result),
        memory(&result.memory),
    ];
    lines.join("\n") + "\n"
}

fn verdict_line(result: &OverloadResult) -> &'static str {
    match result.verdict() {
        Verdict::Met => "all marks met",
        Verdict::Missed | Verdict::Unsustained => "a mark was missed",
        Verdict::Fault => "fault: operations failed, brought wrong data, or none was accepted",
    }
}

fn phases(result: &OverloadResult) -> String {
    let mut table =
        new_table(&["phase", "offered/s", "accepted/s", "refused", "late", "p50", "p99", "max"]);
    let mut peak = |name: &str, peak: &PeakFigures| {
        table.add_row([
            name.to_owned(),
            "-".into(),
            rate(peak.throughput_ops_per_s),
            count(peak.refused),
            "-".into(),
            "-".into(),
            time(peak.p99_us),
            time(peak.max_us),
        ]);
    };
    peak("peak before", &result.peak_before);
    peak("peak after", &result.peak_after);
    for (name, step) in [("overload", &result.overload), ("recovery", &result.recovery)] {
        table.add_row([
            name.to_owned(),
            rate(step.offered as f64 / step.length_s.max(1.0)),
            rate(step.accepted_per_s()),
            count(step.refused.values().sum()),
            count(step.late),
            time(step.p50_us),
            time(step.p99_us),
            time(step.max_us),
        ]);
    }
    render(table, &[0])
}

fn marks(result: &OverloadResult) -> String {
    let mut table = new_table(&["mark", "figure", "bound", "met"]);
    for mark in &result.marks {
        let figure = |figure: f64| {
            if mark.name.ends_with("bytes") { bytes(figure) } else { ratio(figure) }
        };
        let sign = if mark.at_least { ">=" } else { "<=" };
        let met = if mark.met { "yes" } else { "no" };
        table.add_row([
            mark.name.clone(),
            figure(mark.figure),
            format!("{sign} {}", figure(mark.bound)),
            met.to_owned(),
        ]);
    }
    render(table, &[0, 3])
}

fn reasons(refused: &BTreeMap<String, u64>) -> String {
    if refused.is_empty() {
        return "none".into();
    }
    let each = refused.iter().map(|(reason, number)| format!("{} ({reason})", count(*number)));
    each.collect::<Vec<_>>().join(", ")
}

fn queues(result: &OverloadResult) -> String {
    let QueueFigures {
        mailbox_most,
        mailbox_bound,
        active_most,
        active_bound,
        in_flight_most,
        in_flight_bound,
        control_us_max,
    } = result.queues;
    format!(
        "queues      mailbox {mailbox_most} of {mailbox_bound}, under way in a shard {active_most} of \
         {active_bound}, in flight {in_flight_most} of {in_flight_bound}, control answered within {}",
        time(control_us_max)
    )
}

fn memory(memory: &MemoryFigures) -> String {
    let figure = |figure: Option<u64>| figure.map_or("-".into(), |size| bytes(size as f64));
    let (before, most) = (figure(memory.before_bytes), figure(memory.most_bytes));
    format!("memory      {before} after the first peak, at most {most} since")
}
