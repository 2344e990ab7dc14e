//! Merges the workers' measurements into one set of figures.
//! Histograms are added, percentiles never averaged.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::measure::{
    Arrived, DIGITS, Errors, INTERVAL_NS, Interval, OperationTimes, Pacing, WorkerFigures,
    counts_of, histogram,
};
use super::open::OpenOptions;
use super::shared::Shared;
use crate::figures::{
    ArrivalFigures, ErrorFigures, IntervalFigures, Latency, OpenFigures, OperationFigures,
    OperationHistograms, PaceFigures, RunFigures, StepFigures, TimeCounts, Told, Totals,
    Verification, us,
};
use crate::limits::ERROR_SAMPLES_MAX;
use crate::target::TargetErrorKind;
use crate::workload::{Operation, WorkloadClass};

/// Share of the rate asked for that counts as sustained.
const SUSTAINED: f64 = 0.99;

/// Share of the arrivals that must be answered: percentiles are of those, and leave out what was refused or given up.
const ANSWERED: f64 = 0.999;

/// An open loop may end so far behind its schedule, as a share of its length: a rate that exceeds what the
/// target can do by more slips further.
const SLIP_SHARE_MAX: f64 = 0.005;

/// But a slip this short says nothing.
const SLIP_FORGIVEN_NS: f64 = 50e6;

const NS_PER_S: f64 = 1e9;

fn add(into: &mut Histogram<u64>, from: &Histogram<u64>) {
    into.add(from).expect("all histograms have the same bounds");
}

fn merge_times(into: &mut OperationTimes, from: &OperationTimes) {
    into.count += from.count;
    into.errors += from.errors;
    into.not_found += from.not_found;
    add(&mut into.response, &from.response);
    if let (Some(into), Some(from)) = (&mut into.paced, &from.paced) {
        add(&mut into.service, &from.service);
        add(&mut into.wait, &from.wait);
    }
}

fn append_samples(into: &mut Vec<String>, from: Vec<String>) {
    into.extend(from);
    into.truncate(ERROR_SAMPLES_MAX);
}

/// All workers' intervals by their number.
fn by_index(parts: Vec<Interval>) -> BTreeMap<u64, Vec<Interval>> {
    let mut by_index: BTreeMap<u64, Vec<Interval>> = BTreeMap::new();
    for part in parts {
        by_index.entry(part.index).or_default().push(part);
    }
    by_index
}

fn record_all<'a>(times: &mut Histogram<u64>, parts: impl Iterator<Item = &'a Interval>) {
    for (value, count) in parts.flat_map(|part| &part.times) {
        times.saturating_record_n(*value, *count);
    }
}

/// The series of all workers, one entry a second from 0, idle seconds included, and the times behind it.
fn merge_intervals(
    by_index: &BTreeMap<u64, Vec<Interval>>,
    digits: u8,
    runtime_s: f64,
) -> (Vec<IntervalFigures>, Vec<TimeCounts>) {
    let count = by_index.keys().next_back().map_or(0, |last| last + 1);
    let length_s = INTERVAL_NS as f64 / NS_PER_S;
    let mut times = histogram(digits);
    (0..count)
        .map(|index| {
            times.reset();
            let parts = by_index.get(&index).map_or(&[][..], Vec::as_slice);
            record_all(&mut times, parts.iter());
            let latency = Latency::of(&times);
            let start_s = index as f64 * length_s;
            let figures = IntervalFigures {
                start_s,
                length_s: length_s.min(runtime_s - start_s),
                operations: parts.iter().map(|part| part.operations).sum(),
                errors: parts.iter().map(|part| part.errors).sum(),
                throttled: parts.iter().map(|part| part.throttled).sum(),
                p50_us: latency.p50,
                p99_us: latency.p99,
                max_us: latency.max,
            };
            (figures, counts_of(&times))
        })
        .unzip()
}

fn arrivals_of<'a>(parts: impl Iterator<Item = &'a Interval>) -> Arrived {
    let mut sum = Arrived::default();
    parts.for_each(|part| sum.add(&part.arrivals));
    sum
}

fn arrival_figures(arrived: &Arrived) -> ArrivalFigures {
    let refused = arrived.refused.iter().map(|(reason, count)| (reason.to_string(), *count));
    ArrivalFigures { offered: arrived.offered, late: arrived.late, refused: refused.collect() }
}

/// How the schedule was kept; `None` where there was none.
fn pace(shared: &Shared<'_>, sums: &Sums, open: Option<&OpenFigures>) -> Option<PaceFigures> {
    let slip_ns = sums.final_slip_ns;
    let figures = |rate, sustained| PaceFigures {
        target_ops_per_s: rate,
        final_slip_us: us(slip_ns),
        sustained,
    };
    let Some((open, options)) = open.zip(shared.open) else {
        let rate = shared.workload.target_ops_per_s?;
        let reached = throughput(sums, shared.measure_from_ns);
        return Some(figures(rate, reached >= SUSTAINED * rate));
    };
    let length_s = options.length().as_secs_f64();
    let scheduled = (open.total.offered + open.total.late) as f64;
    let slip_max_ns = (SLIP_SHARE_MAX * length_s * NS_PER_S).max(SLIP_FORGIVEN_NS);
    let answered = sums.operations_total as f64 >= ANSWERED * scheduled;
    Some(figures(scheduled / length_s, answered && slip_ns as f64 <= slip_max_ns))
}

fn throughput(sums: &Sums, measure_from_ns: u64) -> f64 {
    let runtime_s = (sums.last_end_ns - measure_from_ns) as f64 / NS_PER_S;
    if runtime_s > 0.0 { sums.operations_total as f64 / runtime_s } else { 0.0 }
}

/// The figures that only an open loop has: by step and by second.
fn merge_open(
    open: &OpenOptions,
    by_index: &BTreeMap<u64, Vec<Interval>>,
    measure_from_ns: u64,
    in_flight_most: u64,
) -> OpenFigures {
    let mut first = 0;
    let steps = open.steps.iter().map(|step| {
        let (from, to) = (first, first + step.seconds);
        first = to;
        let parts = || by_index.range(from..to).flat_map(|(_, parts)| parts);
        let mut times = histogram(DIGITS);
        record_all(&mut times, parts());
        let arrived = arrivals_of(parts());
        let begin_ns = measure_from_ns + from * INTERVAL_NS;
        StepFigures {
            start_s: from as f64,
            length_s: step.seconds as f64,
            rate_per_s: step.rate_per_s,
            arrivals: arrival_figures(&arrived),
            accepted: parts().map(|part| part.operations).sum(),
            errors: parts().map(|part| part.errors).sum(),
            response_us: Latency::of(&times),
            last_refusal_s: arrived
                .last_refused_ns
                .map(|at_ns| at_ns.saturating_sub(begin_ns) as f64 / NS_PER_S),
        }
    });
    let steps = steps.collect();
    let count = by_index.keys().next_back().map_or(0, |last| last + 1);
    let seconds = (0..count)
        .map(|index| arrival_figures(&arrivals_of(by_index.get(&index).into_iter().flatten())));
    OpenFigures {
        total: arrival_figures(&arrivals_of(by_index.values().flatten())),
        steps,
        seconds: seconds.collect(),
        in_flight_most,
    }
}

fn figures_of(times: &OperationTimes) -> OperationFigures {
    OperationFigures {
        count: times.count,
        errors: times.errors,
        not_found: times.not_found,
        response_us: Latency::of(&times.response),
        service_us: times.paced.as_ref().map(|paced| Latency::of(&paced.service)),
        wait_us: times.paced.as_ref().map(|paced| Latency::of(&paced.wait)),
    }
}

fn histograms_of(times: OperationTimes) -> OperationHistograms {
    let (service_ns, wait_ns) =
        times.paced.map_or((None, None), |paced| (Some(paced.service), Some(paced.wait)));
    OperationHistograms { response_ns: times.response, service_ns, wait_ns }
}

/// The sums over all workers, before anything is derived from them.
struct Sums {
    operations: BTreeMap<Operation, OperationTimes>,
    intervals: Vec<Interval>,
    errors: BTreeMap<TargetErrorKind, Errors>,
    verification: Verification,
    operations_total: u64,
    errors_total: u64,
    retries: u64,
    bytes_written: u64,
    totals: Totals,
    last_end_ns: u64,
    final_slip_ns: u64,
    abandoned: u64,
    in_flight_most: u64,
    cut_short: bool,
    told: Told,
}

impl Sums {
    fn new(measure_from_ns: u64) -> Self {
        Self {
            operations: BTreeMap::new(),
            intervals: Vec::new(),
            errors: BTreeMap::new(),
            verification: Verification::default(),
            operations_total: 0,
            errors_total: 0,
            retries: 0,
            bytes_written: 0,
            totals: Totals::default(),
            last_end_ns: measure_from_ns,
            final_slip_ns: 0,
            abandoned: 0,
            in_flight_most: 0,
            cut_short: false,
            told: Told::default(),
        }
    }

    fn add(&mut self, worker: WorkerFigures, paced: bool) {
        for (operation, times) in &worker.operations {
            let into =
                self.operations.entry(*operation).or_insert_with(|| OperationTimes::new(paced));
            merge_times(into, times);
        }
        self.intervals.extend(worker.intervals);
        for (kind, errors) in worker.errors {
            let into = self.errors.entry(kind).or_default();
            into.count += errors.count;
            append_samples(&mut into.samples, errors.samples);
        }
        self.verification.checked += worker.verification.checked;
        self.verification.failed += worker.verification.failed;
        append_samples(&mut self.verification.samples, worker.verification.samples);
        self.operations_total += worker.operations_total;
        self.errors_total += worker.errors_total;
        self.retries += worker.retries;
        self.bytes_written += worker.measured_bytes_written;
        self.totals.operations += worker.totals.operations;
        self.totals.user_bytes_written += worker.totals.user_bytes_written;
        self.totals.user_bytes_read += worker.totals.user_bytes_read;
        self.totals.records_scanned += worker.totals.records_scanned;
        self.last_end_ns = self.last_end_ns.max(worker.last_end_ns);
        self.final_slip_ns = self.final_slip_ns.max(worker.final_slip_ns);
        self.abandoned += worker.abandoned;
        self.in_flight_most += worker.in_flight_most;
        self.cut_short |= worker.cut_short;
        self.told.added += worker.added;
        self.told.unsettled += worker.unsettled + worker.abandoned;
        self.told.halved += worker.halved;
        self.told.operations += worker.totals.operations;
    }
}

/// All workers' figures as one.
pub(super) fn merge(shared: &Shared<'_>, target: &str, workers: Vec<WorkerFigures>) -> RunFigures {
    debug_assert_eq!(DIGITS, 3, "the docs of Latency say so");
    let workload = shared.workload;
    let mut sums = Sums::new(shared.measure_from_ns);
    for worker in workers {
        sums.add(worker, shared.pacing() != Pacing::Unpaced);
    }
    let by_index = by_index(std::mem::take(&mut sums.intervals));
    let interval_digits = shared.pacing().interval_digits();
    let runtime_s = (sums.last_end_ns - shared.measure_from_ns) as f64 / NS_PER_S;
    let open = shared
        .open
        .map(|open| merge_open(open, &by_index, shared.measure_from_ns, sums.in_flight_most));
    let (intervals, interval_times) = merge_intervals(&by_index, interval_digits, runtime_s);
    let verifies = workload.data_integrity || workload.class == WorkloadClass::ReadYourWrites;
    RunFigures {
        phase: shared.phase,
        target: target.to_owned(),
        clients: shared.open.map_or(workload.thread_count, |open| open.in_flight as u64),
        workers: shared.workers,
        seed: workload.seed,
        warm_up_s: shared.measure_from_ns as f64 / NS_PER_S,
        runtime_s,
        throughput_ops_per_s: throughput(&sums, shared.measure_from_ns),
        pace: pace(shared, &sums, open.as_ref()),
        operations_total: sums.operations_total,
        errors_total: sums.errors_total,
        operations: sums
            .operations
            .iter()
            .map(|(operation, times)| (*operation, figures_of(times)))
            .collect(),
        intervals,
        interval_times,
        open,
        errors: sums
            .errors
            .into_iter()
            .map(|(kind, errors)| ErrorFigures {
                kind,
                count: errors.count,
                samples: errors.samples,
            })
            .collect(),
        insertion_retries: sums.retries,
        verification: verifies.then_some(sums.verification),
        told: sums.told,
        validation: None,
        recorded: None,
        user_bytes_written: sums.bytes_written,
        whole_phase: sums.totals,
        partial: sums.cut_short || sums.abandoned > 0,
        abandoned: sums.abandoned,
        histograms: sums
            .operations
            .into_iter()
            .map(|(operation, times)| (operation, histograms_of(times)))
            .collect(),
    }
}
