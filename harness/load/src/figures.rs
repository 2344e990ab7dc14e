//! What a phase measured: counts, percentiles, series, verdicts.
//! A plain value: it neither measures nor prints, and compares with nothing.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::target::TargetErrorKind;
use crate::workload::Operation;

/// Which phase was driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Inserting the records.
    Load,
    /// The operations of the mix.
    Run,
}

/// A distribution of times in microseconds. All zero when nothing was recorded.
///
/// From a histogram of nanoseconds with 3 significant digits; percentiles are those of the merged histogram.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Latency {
    /// Smallest.
    pub min: f64,
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// 99.99th percentile.
    pub p9999: f64,
    /// Largest.
    pub max: f64,
}

/// Nanoseconds as microseconds.
pub(crate) fn us(ns: u64) -> f64 {
    ns as f64 / 1e3
}

impl Latency {
    /// Of a histogram of nanoseconds.
    pub fn of(histogram_ns: &Histogram<u64>) -> Self {
        if histogram_ns.is_empty() {
            return Self::default();
        }
        let quantile = |quantile| us(histogram_ns.value_at_quantile(quantile));
        Self {
            min: us(histogram_ns.min()),
            mean: histogram_ns.mean() / 1e3,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p95: quantile(0.95),
            p99: quantile(0.99),
            p999: quantile(0.999),
            p9999: quantile(0.9999),
            max: us(histogram_ns.max()),
        }
    }
}

/// One operation's figures. Those of failed operations are only counted, never timed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OperationFigures {
    /// Answered, whether or not the record was there.
    pub count: u64,
    /// Failed.
    pub errors: u64,
    /// Answered with "no such record"; part of `count`.
    pub not_found: u64,
    /// From the intended start to the end; the actual start when the run is not paced. Gate on this one.
    pub response_us: Latency,
    /// From the actual start to the end. Only when paced; else it is `response_us`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service_us: Option<Latency>,
    /// From the intended to the actual start. Only when paced; else there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wait_us: Option<Latency>,
}

/// One operation's merged histograms, in nanoseconds, for the HDR log and for percentile plots.
#[derive(Debug, Clone)]
pub struct OperationHistograms {
    /// As [`OperationFigures::response_us`].
    pub response_ns: Histogram<u64>,
    /// As [`OperationFigures::service_us`].
    pub service_ns: Option<Histogram<u64>>,
    /// As [`OperationFigures::wait_us`].
    pub wait_ns: Option<Histogram<u64>>,
}

/// One second of the measured window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IntervalFigures {
    /// Seconds from the start of the measured window.
    pub start_s: f64,
    /// Length in seconds: 1, less for the last one.
    pub length_s: f64,
    /// Operations answered in it (READMODIFYWRITE counts once).
    pub operations: u64,
    /// Operations that failed in it.
    pub errors: u64,
    /// Operations that were refused in it ([`TargetErrorKind::is_refusal`]). They are part of `errors` in a closed loop,
    /// and beside them in an open one.
    #[serde(default)]
    pub throttled: u64,
    /// Response time, median, microseconds, 2 significant digits.
    pub p50_us: f64,
    /// Response time, 99th percentile, microseconds, 2 significant digits.
    pub p99_us: f64,
    /// Response time, largest, microseconds, 2 significant digits.
    pub max_us: f64,
}

/// Errors of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFigures {
    /// The kind.
    pub kind: TargetErrorKind,
    /// How many, warm-up and retried inserts included.
    pub count: u64,
    /// The first few, each with its operation and key.
    pub samples: Vec<String>,
}

/// What `dataintegrity`, or the check of read-your-writes, found, warm-up included.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verification {
    /// Records checked, and reads that found none.
    pub checked: u64,
    /// Of those, wrong, missing, out of order or not asked for.
    pub failed: u64,
    /// The first few failures, each with its key.
    pub samples: Vec<String>,
}

/// What a run did to the sum of all numbers, as far as it was told; warm-up included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// What acknowledged operations added.
    pub added: i64,
    /// Operations that may have changed the sum by 1 and that nobody has an answer of.
    pub unsettled: u64,
    /// Transfers whose second half was refused, so that 1 is gone.
    pub halved: u64,
    /// Operations answered.
    pub operations: u64,
}

/// What all records of a workload whose sum is known came to, warm-up included: each was read by its key before the
/// run and after it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Validation {
    /// Records that were read, each twice.
    pub records: u64,
    /// Of these, missing, without a number, or not to be read.
    pub unreadable: u64,
    /// Accounts below 0, which no operation takes them to.
    pub overdrawn: u64,
    /// The sum before the run.
    pub before: i64,
    /// What it should be after it: that, and what acknowledged operations added.
    pub expected: i64,
    /// The least that it may be, given operations without an answer.
    pub least: i64,
    /// The most that it may be.
    pub most: i64,
    /// What it is.
    pub found: i64,
    /// Operations that failed, were abandoned or ended halfway, so that each changed the sum by 1 or may have.
    pub unsettled: u64,
    /// Operations answered.
    pub operations: u64,
    /// `|found - expected| / operations`: 0 where nothing went wrong. YCSB+T's anomaly score (Dey, Fekete, Nambiar,
    /// Roehm: "YCSB+T: Benchmarking web-scale transactional databases", ICDE workshops 2014).
    pub anomaly_score: f64,
    /// The first few records that something was wrong with.
    pub samples: Vec<String>,
}

impl Validation {
    /// Whether nothing was lost or made up but by operations that nobody was told the end of.
    pub fn passed(&self) -> bool {
        self.unreadable == 0
            && self.overdrawn == 0
            && (self.least..=self.most).contains(&self.found)
    }
}

/// Times in nanoseconds with how often each occurred, ascending.
pub type TimeCounts = Vec<(u64, u64)>;

/// How a paced or open run kept its schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PaceFigures {
    /// The rate asked for, operations per second; in an open loop what its arrivals came to.
    pub target_ops_per_s: f64,
    /// How far behind the schedule the latest worker was at the end, microseconds: how late its last operation
    /// started, in an open loop the least late of its last second or two.
    pub final_slip_us: f64,
    /// Whether at least 99 % of the rate was reached; in an open loop, whether 99.9 % of the arrivals were answered and
    /// the slip was below 0.5 % of the length (or 50 ms). If not, the response times say how long the run was, not how fast the target is.
    pub sustained: bool,
}

/// What became of arrivals, beside those that were answered or failed. With those and the ones abandoned at the
/// end, `refused` adds up to `offered`; with `late`, `offered` adds up to the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ArrivalFigures {
    /// Handed to the target.
    pub offered: u64,
    /// Given up without being offered: the driver came to them too late.
    pub late: u64,
    /// Refused because the target was busy, by the target's reason.
    pub refused: BTreeMap<String, u64>,
}

impl ArrivalFigures {
    /// Refused, whatever the reason.
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// One step of an open loop. An operation counts in the second in which it ended, an arrival in the one in which
/// it was offered or given up.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StepFigures {
    /// Seconds from the start of the measured window.
    pub start_s: f64,
    /// Length in seconds.
    pub length_s: f64,
    /// The rate asked for, arrivals a second.
    pub rate_per_s: f64,
    /// Its arrivals.
    pub arrivals: ArrivalFigures,
    /// Operations answered.
    pub accepted: u64,
    /// Operations that failed; refusals are none.
    pub errors: u64,
    /// From the arrival to the end, of those accepted.
    pub response_us: Latency,
    /// When the last one was refused, in seconds from the start of the step; `None` if none was.
    pub last_refusal_s: Option<f64>,
}

/// What only an open loop has.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OpenFigures {
    /// All arrivals.
    pub total: ArrivalFigures,
    /// By step.
    pub steps: Vec<StepFigures>,
    /// By second, as [`RunFigures::intervals`].
    pub seconds: Vec<ArrivalFigures>,
    /// Most operations in flight together, as the driver saw it.
    pub in_flight_most: u64,
}

/// What was recorded of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecordedFigures {
    /// Operations written.
    pub operations: u64,
    /// Operations that should have been: the writing fell behind, or failed.
    pub dropped: u64,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// What was done in all, warm-up included: what the target's own counters have seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Operations answered.
    pub operations: u64,
    /// Bytes of keys, field names and values handed over by writes that succeeded.
    pub user_bytes_written: u64,
    /// Bytes of keys, field names and values that came back.
    pub user_bytes_read: u64,
    /// Records that scans returned.
    pub records_scanned: u64,
}

/// The figures of one phase.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunFigures {
    /// Load or run.
    pub phase: Phase,
    /// The target's name.
    pub target: String,
    /// Logical clients.
    pub clients: u64,
    /// Worker threads that drove them.
    pub workers: usize,
    /// Seed of every draw.
    pub seed: u64,
    /// Seconds run before figures were taken.
    pub warm_up_s: f64,
    /// Seconds from the end of the warm-up to the last answer.
    pub runtime_s: f64,
    /// Operations answered per second of `runtime_s`; failures do not count, READMODIFYWRITE counts once.
    pub throughput_ops_per_s: f64,
    /// Operations answered in the measured window; READMODIFYWRITE counts once.
    pub operations_total: u64,
    /// Operations that failed in the measured window; READMODIFYWRITE counts once.
    pub errors_total: u64,
    /// By operation. As in YCSB, READ and UPDATE include the halves of every READMODIFYWRITE.
    pub operations: BTreeMap<Operation, OperationFigures>,
    /// By second.
    pub intervals: Vec<IntervalFigures>,
    /// Response times by second; not part of the JSON.
    #[serde(skip)]
    pub interval_times: Vec<TimeCounts>,
    /// Errors by kind.
    pub errors: Vec<ErrorFigures>,
    /// Inserts tried again in the load phase.
    pub insertion_retries: u64,
    /// What was verified; `None` without `dataintegrity` or read-your-writes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verification: Option<Verification>,
    /// What the run did to the sum of all numbers, as far as it was told; not part of the JSON.
    #[serde(skip)]
    pub told: Told,
    /// What all records came to; `None` where that is not known beforehand, or was not looked at
    /// ([`crate::validate`]).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub validation: Option<Validation>,
    /// How the schedule was kept; `None` where clients only wait for answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pace: Option<PaceFigures>,
    /// What only an open loop has; `None` of a closed one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub open: Option<OpenFigures>,
    /// What was recorded; `None` where nothing was to be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recorded: Option<RecordedFigures>,
    /// Bytes of keys, names and values written in the measured window.
    pub user_bytes_written: u64,
    /// The same and more, with the warm-up.
    pub whole_phase: Totals,
    /// Whether the run was stopped, or abandoned operations, before it was done.
    pub partial: bool,
    /// Operations that had not come back when the time to drain was over.
    pub abandoned: u64,
    /// Merged histograms by operation; not part of the JSON.
    #[serde(skip)]
    pub histograms: BTreeMap<Operation, OperationHistograms>,
}

impl RunFigures {
    /// Response time at `percentile` (0 to 100) of `operation`, microseconds; `None` when it did not occur.
    pub fn percentile_us(&self, operation: Operation, percentile: f64) -> Option<f64> {
        let histogram = &self.histograms.get(&operation)?.response_ns;
        (!histogram.is_empty()).then(|| us(histogram.value_at_percentile(percentile)))
    }

    /// Response time of whole operations of all types together.
    ///
    /// READ and UPDATE include the halves of READMODIFYWRITE: where there are any, those count beside it.
    pub fn response_of_all_us(&self) -> Latency {
        let mut histograms = self.histograms.values().map(|histograms| &histograms.response_ns);
        let Some(first) = histograms.next() else { return Latency::default() };
        let mut all = first.clone();
        for other in histograms {
            all.add(other).expect("all histograms have the same bounds");
        }
        Latency::of(&all)
    }

    /// Whether nothing failed: no error, no failed check, no wrong sum, nothing abandoned. A stop is no failure.
    pub fn is_clean(&self) -> bool {
        let verified =
            self.verification.as_ref().is_none_or(|verification| verification.failed == 0);
        let validated = self.validation.as_ref().is_none_or(Validation::passed);
        self.errors.is_empty() && self.abandoned == 0 && verified && validated
    }
}
