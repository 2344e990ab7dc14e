//! From what the driver and the engine counted to the report's schema. No arithmetic but ratios of
//! two counts.

use std::collections::BTreeMap;

use flywheel_load::{Operation, RunFigures};
use flywheel_report::{
    EngineFigures, Interval, LatencyUs, LoadPhase, OperationFigures, OperationKind, Verification,
};
use flywheel_shard::StoreStats;

/// The operations by the schema's names.
pub fn operations(figures: &RunFigures) -> BTreeMap<OperationKind, OperationFigures> {
    let convert = |(operation, of): (&Operation, &flywheel_load::figures::OperationFigures)| {
        let converted = OperationFigures {
            count: of.count,
            errors: of.errors,
            not_found: of.not_found,
            response_us: latency(&of.response_us),
            service_us: of.service_us.as_ref().map(latency),
        };
        (kind(*operation), converted)
    };
    figures.operations.iter().map(convert).collect()
}

fn kind(operation: Operation) -> OperationKind {
    match operation {
        Operation::Read => OperationKind::Read,
        Operation::Update => OperationKind::Update,
        Operation::Insert => OperationKind::Insert,
        Operation::Scan => OperationKind::Scan,
        Operation::ReadModifyWrite => OperationKind::ReadModifyWrite,
    }
}

fn latency(of: &flywheel_load::figures::Latency) -> LatencyUs {
    LatencyUs { mean: of.mean, p50: of.p50, p95: of.p95, p99: of.p99, p999: of.p999, max: of.max }
}

/// The response time of all types together.
pub fn response_of_all(figures: &RunFigures) -> LatencyUs {
    latency(&figures.response_of_all_us())
}

/// The series by second.
pub fn intervals(figures: &RunFigures) -> Vec<Interval> {
    let convert = |one: &flywheel_load::figures::IntervalFigures| Interval {
        at_s: one.start_s,
        count: one.operations,
        p99_us: one.p99_us,
        max_us: one.max_us,
    };
    figures.intervals.iter().map(convert).collect()
}

/// What `dataintegrity` found.
pub fn verification(figures: &RunFigures) -> Option<Verification> {
    figures
        .verification
        .as_ref()
        .map(|found| Verification { checked: found.checked, wrong: found.failed })
}

/// The load phase.
pub fn load_phase(figures: &RunFigures) -> LoadPhase {
    LoadPhase {
        records: figures.operations_total,
        elapsed_s: figures.runtime_s,
        throughput_ops_per_s: figures.throughput_ops_per_s,
    }
}

/// What the engine counted over a run, warm-up included, against what was asked of it.
pub fn engine(
    before: &StoreStats,
    after: &StoreStats,
    peak_file_bytes_per_live_byte: Option<f64>,
    figures: &RunFigures,
) -> EngineFigures {
    let over = after.since(before);
    let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let totals = &figures.whole_phase;
    let record_reads = over.read_ios + over.scan_ios;
    EngineFigures {
        read_ios_per_op: ratio(record_reads + over.index_pages_read, totals.operations),
        bytes_per_read: ratio(over.read_bytes + over.scan_bytes, record_reads),
        index_reads_per_op: ratio(over.index_pages_read, totals.operations),
        bytes_written_per_user_byte: ratio(over.bytes_written(), over.user_bytes_written),
        log_writes_per_op: ratio(over.log_batches, totals.operations),
        bytes_per_log_write: ratio(over.log_bytes_written, over.log_batches),
        peak_file_bytes_per_live_byte,
        index_bytes_per_item: ratio(after.index_memory_bytes, after.items),
        cache_hit_ratio: ratio(over.cache_hits, over.reads),
        compaction_bytes: Some(over.compaction_bytes_written),
        compaction_read_bytes: Some(over.compaction_bytes_read),
        recovery_s: Some(after.recovery_ns as f64 / 1e9),
    }
}
