//! From what the driver and the engine counted to the report's schema. No arithmetic but ratios of
//! two counts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use flywheel_load::limits::LATENCY_MAX_NS;
use flywheel_load::{Operation, RunFigures};
use flywheel_report::{
    EngineFigures, HeatMap, Interval, LatencyUs, LoadPhase, LogEntry, OperationFigures,
    OperationKind, RunResult, Validation, Verification, hdr_log, percentiles, spectrum,
};
use flywheel_shard::StoreStats;
use hdrhistogram::Histogram;

/// Fills in all that the driver measured.
pub fn fill(result: &mut RunResult, figures: &RunFigures, asked_percentiles: &[f64]) {
    result.partial = figures.partial;
    result.elapsed_s = figures.runtime_s;
    result.throughput_ops_per_s = figures.throughput_ops_per_s;
    result.operations = operations(figures, &beyond_columns(asked_percentiles));
    result.intervals = intervals(figures);
    result.heat_map = HeatMap::of(&figures.interval_times);
    result.verification = verification(figures);
    result.validation = validation(figures);
}

/// Percentiles that the tables have no column for.
fn beyond_columns(asked: &[f64]) -> Vec<f64> {
    const COLUMNS: [f64; 4] = [50.0, 95.0, 99.0, 99.9];
    asked.iter().copied().filter(|percentile| !COLUMNS.contains(percentile)).collect()
}

/// The operations by the schema's names.
fn operations(
    figures: &RunFigures,
    asked_percentiles: &[f64],
) -> BTreeMap<OperationKind, OperationFigures> {
    let convert = |(operation, of): (&Operation, &flywheel_load::figures::OperationFigures)| {
        let histograms = figures.histograms.get(operation);
        let converted = OperationFigures {
            count: of.count,
            errors: of.errors,
            not_found: of.not_found,
            response_us: latency(&of.response_us),
            service_us: of.service_us.as_ref().map(latency),
            wait_us: of.wait_us.as_ref().map(latency),
            response_spectrum: histograms.map(|of| spectrum(&of.response_ns)).unwrap_or_default(),
            service_spectrum: histograms
                .and_then(|of| of.service_ns.as_ref())
                .map(spectrum)
                .unwrap_or_default(),
            response_percentiles: histograms
                .map(|of| percentiles(&of.response_ns, asked_percentiles))
                .unwrap_or_default(),
        };
        (kind(*operation), converted)
    };
    figures.operations.iter().map(convert).collect()
}

/// A type of operation by the name that results have for it.
pub fn kind(operation: Operation) -> OperationKind {
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

/// The type of operation with the highest p99, and its response time.
pub fn slowest(figures: &RunFigures) -> Option<(OperationKind, LatencyUs)> {
    let measured = figures.operations.iter().filter(|(_, of)| of.count > 0);
    measured
        .max_by(|(_, a), (_, b)| a.response_us.p99.total_cmp(&b.response_us.p99))
        .map(|(operation, of)| (kind(*operation), latency(&of.response_us)))
}

/// The response time of all types together.
pub fn response_of_all(figures: &RunFigures) -> LatencyUs {
    latency(&figures.response_of_all_us())
}

/// The series by second.
fn intervals(figures: &RunFigures) -> Vec<Interval> {
    let convert = |one: &flywheel_load::figures::IntervalFigures| Interval {
        at_s: one.start_s,
        count: one.operations,
        errors: one.errors,
        throttled: one.throttled,
        p50_us: Some(one.p50_us),
        p99_us: one.p99_us,
        max_us: one.max_us,
        compaction_bytes: None,
    };
    figures.intervals.iter().map(convert).collect()
}

/// What all records came to.
fn validation(figures: &RunFigures) -> Option<Validation> {
    figures.validation.as_ref().map(|found| Validation {
        records: found.records,
        wrong: found.unreadable + found.overdrawn,
        before: found.before,
        expected: found.expected,
        least: found.least,
        most: found.most,
        found: found.found,
        unsettled: found.unsettled,
        anomaly_score: found.anomaly_score,
    })
}

/// What `dataintegrity`, or the check of read-your-writes, found.
fn verification(figures: &RunFigures) -> Option<Verification> {
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

/// The HDR log of a run: all types second by second (tag `ALL`, 2 digits), then each type over the whole
/// measured window, with service and wait where there was a schedule.
pub fn hdr_log_of(figures: &RunFigures, started: SystemTime) -> String {
    let mut entries: Vec<LogEntry<'_>> = Vec::new();
    for (interval, counts) in figures.intervals.iter().zip(&figures.interval_times) {
        let mut times = Histogram::new_with_bounds(1, LATENCY_MAX_NS, 2).expect("bounds suit");
        counts.iter().for_each(|(ns, count)| times.saturating_record_n(*ns, *count));
        entries.push(LogEntry {
            tag: "ALL".into(),
            start_s: interval.start_s,
            length_s: interval.length_s.max(0.0),
            times_ns: Cow::Owned(times),
        });
    }
    let whole = |tag: String, times_ns| LogEntry {
        tag,
        start_s: 0.0,
        length_s: figures.runtime_s,
        times_ns: Cow::Borrowed(times_ns),
    };
    for (operation, of) in &figures.histograms {
        let name = operation.name();
        entries.push(whole(name.to_owned(), &of.response_ns));
        entries.extend(of.service_ns.iter().map(|times| whole(format!("{name}.service"), times)));
        entries.extend(of.wait_ns.iter().map(|times| whole(format!("{name}.wait"), times)));
    }
    hdr_log(started, "[values in ns; ALL by second, the others over the whole run]", &entries)
}
