//! The schema of `result.json`; `results/README.md` tells it to people. Holds figures, measures none.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits::{DEFAULT_TARGET_P99_US, SCHEMA_VERSION};
use crate::load::{Generator, Preparation, ReadBack, Recording, Schedule, Validation};
use crate::series::{Event, HeatMap, Interval, SpectrumPoint};
use crate::throttling::Throttling;
use crate::{DeviceBracket, Environment, ProcessFigures, Ratios, Verdict};

/// Everything known of one run. Times end in their unit, rates in `_per_s`, ratios have none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// [`SCHEMA_VERSION`] of the build that wrote it.
    pub schema_version: u32,
    /// The workload's name.
    pub workload: String,
    /// What was measured: `store`, `null`, or the name of another engine.
    #[serde(default)]
    pub system: String,
    /// The workload's properties as resolved, defaults included.
    pub properties: BTreeMap<String, String>,
    /// The seed that the workload was generated from.
    pub seed: u64,
    /// The exact command, one argument each.
    #[serde(default)]
    pub command: Vec<String>,
    /// When the run began: RFC 3339 in UTC, to the second.
    #[serde(default)]
    pub started_utc: String,
    /// Length of the measured phase, in seconds.
    #[serde(default)]
    pub elapsed_s: f64,
    /// True if the run was stopped early: the figures hold for the part that ran.
    #[serde(default)]
    pub partial: bool,
    /// The machine and the build.
    pub environment: Environment,
    /// Completed operations of all types, per second of the measured phase.
    pub throughput_ops_per_s: f64,
    /// Figures by type of operation; types that the workload lacks are absent.
    pub operations: BTreeMap<OperationKind, OperationFigures>,
    /// The loading before the measured phase, if this run did it.
    #[serde(default)]
    pub load: Option<LoadPhase>,
    /// What came between loading and measuring.
    #[serde(default)]
    pub preparation: Preparation,
    /// The schedule, unless clients only waited for answers.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// Who made the load, and what that costs by itself.
    #[serde(default)]
    pub generator: Generator,
    /// Requests that were throttled; worked out by [`RunResult::seal`].
    #[serde(default)]
    pub throttling: Option<Throttling>,
    /// The measured phase second by second.
    #[serde(default)]
    pub intervals: Vec<Interval>,
    /// What the engine did beside answering.
    #[serde(default)]
    pub events: Vec<Event>,
    /// How many operations took how long, when.
    #[serde(default)]
    pub heat_map: HeatMap,
    /// What the check of the data after the run found, if one was made.
    #[serde(default)]
    pub verification: Option<Verification>,
    /// What all records came to, where that is known beforehand.
    #[serde(default)]
    pub validation: Option<Validation>,
    /// Operations that failed, brought wrong data, or were never answered, warm-up included. A refusal is none.
    #[serde(default)]
    pub faults: u64,
    /// What was read back after the run, if anything was.
    #[serde(default)]
    pub read_back: Option<ReadBack>,
    /// The trace that the run was recorded to, if it was.
    #[serde(default)]
    pub recording: Option<Recording>,
    /// The device before and after.
    pub device: DeviceBracket,
    /// What the engine says of itself.
    pub engine: EngineFigures,
    /// How the system was set, in words that its users know.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// What the process used, as the kernel counts it.
    #[serde(default)]
    pub process: ProcessFigures,
    /// Bytes of the system's files after the run.
    #[serde(default)]
    pub disk_bytes: Option<u64>,
    /// Figures over the device's; worked out by [`RunResult::seal`].
    #[serde(default)]
    pub ratios: Ratios,
    /// The target and whether it was met.
    pub target: Target,
}

/// YCSB's names for what a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OperationKind {
    /// Reads one item.
    Read,
    /// Changes one item.
    Update,
    /// Adds one item.
    Insert,
    /// Reads neighbours in key order.
    Scan,
    /// Reads one item and writes it back changed.
    ReadModifyWrite,
    /// Removes one item.
    Delete,
}

impl OperationKind {
    /// The name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Update => "UPDATE",
            Self::Insert => "INSERT",
            Self::Scan => "SCAN",
            Self::ReadModifyWrite => "READMODIFYWRITE",
            Self::Delete => "DELETE",
        }
    }
}

/// Figures of one type of operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationFigures {
    /// Operations that ended well; the samples behind the percentiles.
    pub count: u64,
    /// Operations that failed; they are not in the percentiles.
    pub errors: u64,
    /// Of `count`, those that found no item under their key.
    #[serde(default)]
    pub not_found: u64,
    /// Intended start to end: what a client waits.
    pub response_us: LatencyUs,
    /// Actual start to end; differs from the response only when load follows a schedule.
    #[serde(default)]
    pub service_us: Option<LatencyUs>,
    /// Intended to actual start; `None` where there was no schedule.
    #[serde(default)]
    pub wait_us: Option<LatencyUs>,
    /// The distribution of the response time.
    #[serde(default)]
    pub response_spectrum: Vec<SpectrumPoint>,
    /// The distribution of the service time; empty where it is the response time.
    #[serde(default)]
    pub service_spectrum: Vec<SpectrumPoint>,
    /// Percentiles of the response time that were asked for and have no column (`hdrhistogram.percentiles`).
    #[serde(default)]
    pub response_percentiles: Vec<SpectrumPoint>,
}

/// A distribution of times, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyUs {
    /// Arithmetic mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// The slowest.
    pub max: f64,
}

/// Filling the store before the measured phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadPhase {
    /// Records written.
    pub records: u64,
    /// Seconds it took.
    pub elapsed_s: f64,
    /// Records per second.
    pub throughput_ops_per_s: f64,
}

/// A check of what reads and scans returned during the run, against what must stand there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Items looked at.
    pub checked: u64,
    /// Items that were missing, or were not what was written.
    pub wrong: u64,
}

impl Verification {
    /// True if nothing was wrong.
    pub fn passed(&self) -> bool {
        self.wrong == 0
    }
}

/// What an engine counted; `None` where it has no such thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EngineFigures {
    /// Reads sent to the device per operation of any type.
    pub read_ios_per_op: Option<f64>,
    /// Bytes of such a read, if it was not of the index.
    pub bytes_per_read: Option<f64>,
    /// Of those, reads of parts of the index that were not in memory.
    pub index_reads_per_op: Option<f64>,
    /// Write amplification: bytes sent to the device per byte of keys and values written by users.
    pub bytes_written_per_user_byte: Option<f64>,
    /// Durable writes of the log per operation of any type: each is a batch and its sync.
    pub log_writes_per_op: Option<f64>,
    /// Bytes of such a write.
    pub bytes_per_log_write: Option<f64>,
    /// Bytes of files per byte of live records, when it was most.
    pub peak_file_bytes_per_live_byte: Option<f64>,
    /// Bytes of index in memory per item.
    pub index_bytes_per_item: Option<f64>,
    /// Lookups that the cache answered, from 0 to 1.
    pub cache_hit_ratio: Option<f64>,
    /// Bytes that compaction wrote.
    pub compaction_bytes: Option<u64>,
    /// Bytes that it read.
    pub compaction_read_bytes: Option<u64>,
    /// Seconds from opening a filled store to its first answer.
    pub recovery_s: Option<f64>,
}

/// What the run was to achieve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Bound on each operation type's p99 of response time, in microseconds.
    pub p99_us: f64,
    /// True if every type kept it and nothing failed; set by [`RunResult::seal`].
    pub met: bool,
}

impl Default for Target {
    fn default() -> Self {
        Self { p99_us: DEFAULT_TARGET_P99_US, met: false }
    }
}

impl Default for RunResult {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            workload: String::new(),
            system: String::new(),
            properties: BTreeMap::new(),
            seed: 0,
            command: Vec::new(),
            started_utc: String::new(),
            elapsed_s: 0.0,
            partial: false,
            environment: Environment::default(),
            throughput_ops_per_s: 0.0,
            operations: BTreeMap::new(),
            load: None,
            preparation: Preparation::default(),
            schedule: None,
            generator: Generator::default(),
            throttling: None,
            intervals: Vec::new(),
            events: Vec::new(),
            heat_map: HeatMap::default(),
            verification: None,
            validation: None,
            faults: 0,
            read_back: None,
            recording: None,
            device: DeviceBracket::default(),
            engine: EngineFigures::default(),
            settings: BTreeMap::new(),
            process: ProcessFigures::default(),
            disk_bytes: None,
            ratios: Ratios::default(),
            target: Target::default(),
        }
    }
}

/// Why a `result.json` could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or a field is missing or of the wrong type.
    #[error("not a result: {0}")]
    Json(#[from] serde_json::Error),
    /// Written by a newer build.
    #[error("schema version {found}, and this build reads up to {newest}: use a newer flywheel")]
    Newer {
        /// The version in the file.
        found: u32,
        /// The newest that this build reads.
        newest: u32,
    },
}

impl RunResult {
    /// Works out the ratios, the throttling and the verdict from the figures. Call it last.
    pub fn seal(&mut self) -> Verdict {
        let verdict = self.verdict();
        self.ratios = Ratios::of(self);
        self.throttling = Throttling::of(self);
        self.target.met = verdict == Verdict::Met;
        verdict
    }

    /// The verdict on the figures as they stand.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(self)
    }

    /// The measured type of operation with the highest p99.
    pub fn slowest(&self) -> Option<(OperationKind, &OperationFigures)> {
        self.operations
            .iter()
            .filter(|(_, operation)| operation.count > 0)
            .max_by(|(_, a), (_, b)| a.response_us.p99.total_cmp(&b.response_us.p99))
            .map(|(kind, operation)| (*kind, operation))
    }

    /// The JSON of `result.json`, ending in a line break.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("plain figures and text keys always make JSON") + "\n"
    }

    /// Reads a `result.json` of this schema version or an older one.
    pub fn from_json(json: &str) -> Result<Self, ReadError> {
        read_versioned(json, SCHEMA_VERSION)
    }
}

/// Reads a result of schema version `newest` or an older one.
pub(crate) fn read_versioned<T: DeserializeOwned>(json: &str, newest: u32) -> Result<T, ReadError> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: u32,
    }
    // First the version alone: a newer file may lack fields that this build requires.
    let found = serde_json::from_str::<Version>(json)?.schema_version;
    if found > newest {
        return Err(ReadError::Newer { found, newest });
    }
    Ok(serde_json::from_str(json)?)
}
