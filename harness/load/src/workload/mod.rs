//! The validated workload: what every other part of the generator sees.
//! No text is parsed after this point, and nothing here runs or measures.

mod arrivals;
mod chooser;
mod class;
mod keys;
mod names;
mod operation;
mod resolve;
mod trace;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::generate::{Discrete, Lengths};

pub use arrivals::{ArrivalPlan, Arrivals, RateShape, Sine, Step};
pub use chooser::KeyChooser;
pub use class::{NUMBER_FIELD, WorkloadClass};
pub use names::{KNOWN, Known, Use};
pub use operation::Operation;
pub use resolve::{Resolved, WorkloadError};
pub use trace::Trace;
pub(crate) use trace::scaled_ns;

/// Which key an operation goes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RequestDistribution {
    /// Every key alike.
    Uniform,
    /// Scrambled zipfian.
    Zipfian,
    /// The most recent inserts most often.
    Latest,
    /// A hot share of the keys takes a share of the operations.
    Hotspot {
        /// Share of the keys in the hot set, in `[0, 1]`.
        data_fraction: f64,
        /// Share of the operations on the hot set, in `[0, 1]`.
        operation_fraction: f64,
    },
    /// A hot set as the hotspot's, which moves on by its own width again and again.
    Shifting {
        /// As the hotspot's.
        data_fraction: f64,
        /// As the hotspot's.
        operation_fraction: f64,
        /// How long it stays where it is.
        shift: Duration,
    },
    /// One key after the other.
    Sequential,
    /// Exponentially falling with age.
    Exponential {
        /// Percent of operations on the newest keys, above 0 and below 100.
        percentile: f64,
        /// Share of the keys that counts as newest, above 0.
        fraction: f64,
    },
}

/// How key numbers become key names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertOrder {
    /// By the hash of the number: keys arrive in no order.
    Hashed,
    /// By the number itself.
    Ordered,
}

/// Which start of an operation YCSB would have measured from. Both are always measured here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasurementInterval {
    /// From when it was sent.
    Operation,
    /// From when the schedule wanted it sent.
    Intended,
    /// Both.
    Both,
}

/// A workload whose properties were all checked. Made by [`Workload::resolve`] only.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Workload {
    /// What operations do, and what is checked.
    pub class: WorkloadClass,
    /// What each record's number is at first, in the classes that have one.
    pub initial_number: i64,
    /// Name of the table.
    pub table: String,
    /// Records in the table at the start of the run phase, at least 1.
    pub record_count: u64,
    /// First key number of the load phase.
    pub insert_start: u64,
    /// Records that the load phase inserts; `insert_start + insert_count <= record_count`.
    pub insert_count: u64,
    /// Operations of the run phase over all clients; `None` means no limit.
    pub operation_count: Option<u64>,
    /// Longest measured run; `None` means no limit. Warm-up comes on top.
    pub max_execution_time: Option<Duration>,
    /// Logical clients, each with one operation in flight.
    pub thread_count: u64,
    /// Operations per second over all clients; `None` means as fast as they return.
    pub target_ops_per_s: Option<f64>,
    /// How operations arrive: as clients come back, or by themselves.
    pub arrivals: ArrivalPlan,
    /// The trace that operations come from, in place of the mix, the distribution and a rate; `None` where those draw
    /// them.
    pub trace: Option<Trace>,
    /// Seed of every random draw.
    pub seed: u64,
    /// Run before figures are taken.
    pub warm_up: Duration,

    /// Names of the fields by number, 1 to 65,535 of them.
    pub field_names: Vec<String>,
    /// How long a field is, in bytes.
    pub field_lengths: Lengths,
    /// The longest a field can be, in bytes.
    pub field_length_max: u64,
    /// Whether values are derived from keys, and reads verified.
    pub data_integrity: bool,

    /// The operations by weight.
    pub mix: Discrete<Operation>,
    /// Which key an operation goes to.
    pub request_distribution: RequestDistribution,
    /// Hashed or ordered key names.
    pub insert_order: InsertOrder,
    /// Fewest digits in a key name.
    pub zero_padding: usize,
    /// Read every field, or one at random.
    pub read_all_fields: bool,
    /// Name every field when reading them all.
    pub read_all_fields_by_name: bool,
    /// Update every field, or one at random.
    pub write_all_fields: bool,
    /// How many records a scan asks for.
    pub scan_lengths: Lengths,

    /// Retries of a failed insert in the load phase.
    pub insertion_retry_limit: u64,
    /// Mean pause between those.
    pub insertion_retry_interval: Duration,

    /// Pause between progress lines.
    pub status_interval: Duration,
    /// Percentiles to print, each above 0 and at most 100.
    pub percentiles: Vec<f64>,
    /// Which start YCSB would have measured from.
    pub measurement_interval: MeasurementInterval,

    effective: BTreeMap<String, String>,
}

impl Workload {
    /// Every property with the value in effect, defaults included: what a report must keep to repeat a run.
    ///
    /// Properties of other databases are in it as they were given.
    pub fn properties(&self) -> &BTreeMap<String, String> {
        &self.effective
    }

    /// Fields in a record.
    pub fn field_count(&self) -> u16 {
        // Resolving bounds the count by FIELD_COUNT_MAX, which fits.
        self.field_names.len() as u16
    }

    /// Share of the mix that `operation` has, in `[0, 1]`.
    pub fn share(&self, operation: Operation) -> f64 {
        self.mix.shares().iter().filter(|(_, of)| *of == operation).map(|(share, _)| share).sum()
    }

    /// Inserts that the run phase is expected to do, doubled as YCSB does to leave room for chance.
    ///
    /// 0 when the run is bounded by time alone. YCSB multiplies by the raw `insertproportion`, which is
    /// the same when the proportions add up to 1.
    pub fn expected_inserts(&self) -> u64 {
        (self.operation_count.unwrap_or(0) as f64 * self.share(Operation::Insert) * 2.0) as u64
    }
}
