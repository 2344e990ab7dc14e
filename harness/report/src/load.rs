//! How a run was loaded: its schedule, its generator, and what the generator itself costs. Judges whether a
//! schedule was kept only by what the driver said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Arrivals that wait for nobody, or clients that pace themselves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// `constant` or `poisson` arrivals of an open loop, or `paced` clients of a closed one.
    pub arrivals: String,
    /// How the rate changed: `flat`, `sine` or `burst`.
    pub shape: String,
    /// The mean rate asked for, in operations per second.
    pub rate_per_s: f64,
    /// What the arrivals came to: chance, and a shape that ended halfway, move it; `None` in a closed loop.
    #[serde(default)]
    pub arrived_per_s: Option<f64>,
    /// The closed loop's peak that the rate was made a share of, if it was.
    pub peak_ops_per_s: Option<f64>,
    /// Arrivals that were handed to the system.
    pub offered: u64,
    /// Arrivals that were given up: nobody came to them within 10 s, or before the run was over.
    pub late: u64,
    /// Arrivals that the system refused because it was busy, by its reason.
    pub refused: BTreeMap<String, u64>,
    /// How far behind the schedule the generator was at the end.
    pub final_slip_us: f64,
    /// At most so many operations were in flight together: the sum of each thread's most. `None` in a closed loop.
    pub in_flight_most: Option<u64>,
    /// Whether the rate was kept. If not, response times say how long the run was, not how fast the system is.
    pub sustained: bool,
}

impl Schedule {
    /// Whether arrivals waited for nobody.
    pub fn is_open(&self) -> bool {
        self.in_flight_most.is_some()
    }

    /// Refused, whatever the reason.
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// Who made the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Logical clients, or operations that could be in flight in an open loop.
    pub clients: u64,
    /// Its threads.
    pub workers: u64,
    /// The cores that those were pinned to, if there were any to spare.
    pub pinned_cores: Vec<u64>,
    /// What it does against nothing; `None` if that was not measured.
    pub floor: Option<Floor>,
}

/// The same workload in the same loop against the null target, which answers at once: what is left is the
/// harness's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// Operations per second.
    pub throughput_ops_per_s: f64,
    /// Median of the response time, in microseconds.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// The slowest.
    pub max_us: f64,
    /// 99th percentile of how late operations started; `None` where there was no schedule.
    pub wait_p99_us: Option<f64>,
}

/// What came before the figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// Operations that overwrote data before anything was measured, to bring files into the state of use.
    pub precondition_ops: u64,
    /// Seconds run at the measured load and not counted.
    pub warm_up_s: f64,
    /// Whether throughput and p99 were steady at its end; `None` where its length was fixed.
    pub steady: Option<bool>,
    /// The slope of throughput over its last seconds, relative to the mean of them.
    pub throughput_drift: Option<f64>,
    /// The slope of p99.
    pub p99_drift: Option<f64>,
}

/// What was read back after the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadBack {
    /// Records that must be there and were asked for.
    pub checked: u64,
    /// Of those, missing or wrong.
    pub wrong: u64,
    /// Records that must be there in all; fewer were checked where there are many.
    pub expected: u64,
}

/// The trace that the measured operations were recorded to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// The file.
    pub file: String,
    /// Operations in it.
    pub operations: u64,
    /// Operations that it lacks: the writing fell behind, or failed.
    pub dropped: u64,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

impl Recording {
    /// True if it has all that was measured.
    pub fn is_whole(&self) -> bool {
        self.dropped == 0 && self.error.is_none()
    }
}

/// What all records of a workload whose sum is known came to: each was read by its key before the run and after.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Records.
    pub records: u64,
    /// Of those, missing, not to be read, or holding what no operation leaves.
    pub wrong: u64,
    /// The sum before the run.
    pub before: i64,
    /// What it should be after it: that, and what acknowledged operations added.
    pub expected: i64,
    /// The least and the most that it may be: operations without an answer may count or not.
    pub least: i64,
    /// See `least`.
    pub most: i64,
    /// What it is.
    pub found: i64,
    /// Operations that failed, were abandoned or ended halfway.
    pub unsettled: u64,
    /// `|found - expected|` per operation answered: YCSB+T's anomaly score.
    pub anomaly_score: f64,
}

impl Validation {
    /// True if nothing was lost or made up, but by operations without an answer.
    pub fn passed(&self) -> bool {
        self.wrong == 0 && (self.least..=self.most).contains(&self.found)
    }
}
