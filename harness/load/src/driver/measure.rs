//! What one worker measures: counts, histograms, the second at hand.
//! One owner, no locks; merging the workers' figures is `merge`.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;

use crate::figures::{TimeCounts, Totals, Verification};
use crate::limits::{ERROR_SAMPLES_MAX, INTERVALS_MAX, LATENCY_MAX_NS, REFUSAL_REASONS_MAX};
use crate::target::{TargetError, TargetErrorKind};
use crate::workload::Operation;

/// Nanoseconds in an interval of the series.
pub(super) const INTERVAL_NS: u64 = 1_000_000_000;

/// Significant digits of the histograms that figures come from.
pub(super) const DIGITS: u8 = 3;

/// Significant digits of an interval's histogram: cheap to clear, and a line in a plot needs no more.
const INTERVAL_DIGITS: u8 = 2;

/// An empty histogram of nanoseconds, from 1 ns to an hour.
pub(super) fn histogram(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, digits).expect("the bounds suit the digits")
}

/// A histogram as (nanoseconds, count) pairs: a hundredth of the size.
pub(super) fn counts_of(times: &Histogram<u64>) -> TimeCounts {
    times.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
}

/// When an operation was meant to start, did start, and ended: nanoseconds from the common start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub intended_ns: u64,
    pub start_ns: u64,
    pub end_ns: u64,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered,
    /// In an open loop: the target was busy, said so, and did nothing.
    Refused,
    Failed,
}

/// How far a worker is.
#[derive(Debug, Clone, Copy)]
pub(super) struct SoFar {
    /// Operations, warm-up included.
    pub answered: u64,
    /// Of those, measured.
    pub measured: u64,
    pub failed: u64,
    /// Response time of its last whole second.
    pub p99_ns: u64,
}

/// What decides when operations start, as far as measuring goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pacing {
    /// As fast as they come back.
    Unpaced,
    /// By each client's own schedule.
    Paced,
    /// By arrivals that wait for nobody: refusals are figures, not failures.
    Open,
}

/// Histograms of a paced run beside the response time.
pub(super) struct PacedTimes {
    pub service: Histogram<u64>,
    pub wait: Histogram<u64>,
}

/// One operation's counts and times.
pub(super) struct OperationTimes {
    pub count: u64,
    pub errors: u64,
    pub not_found: u64,
    pub response: Histogram<u64>,
    pub paced: Option<PacedTimes>,
}

impl OperationTimes {
    pub fn new(paced: bool) -> Self {
        let paced =
            paced.then(|| PacedTimes { service: histogram(DIGITS), wait: histogram(DIGITS) });
        Self { count: 0, errors: 0, not_found: 0, response: histogram(DIGITS), paced }
    }
}

/// One interval of one worker, its histogram as (value, count) pairs: a hundredth of the size.
pub(super) struct Interval {
    pub index: u64,
    pub operations: u64,
    pub errors: u64,
    pub throttled: u64,
    pub times: TimeCounts,
    pub arrivals: Arrived,
}

/// What became of arrivals, beside those that were answered or failed. All zero in a closed loop.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrived {
    pub offered: u64,
    /// Never offered: their time had long passed when the worker came to them.
    pub late: u64,
    /// By what the target said was full; few, so a list will do.
    pub refused: Vec<(String, u64)>,
    pub last_refused_ns: Option<u64>,
}

impl Arrived {
    fn is_empty(&self) -> bool {
        self.offered + self.late == 0 && self.refused.is_empty()
    }

    pub fn refuse(&mut self, reason: &str, count: u64) {
        if let Some((_, so_far)) = self.refused.iter_mut().find(|(known, _)| known == reason) {
            *so_far += count;
        } else if self.refused.len() < REFUSAL_REASONS_MAX {
            self.refused.push((reason.to_owned(), count));
        } else if let Some((last, so_far)) = self.refused.last_mut() {
            // One reason too many: what stands last speaks for all the others.
            *last = "other reasons".to_owned();
            *so_far += count;
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.late += other.late;
        for (reason, count) in &other.refused {
            self.refuse(reason, *count);
        }
        self.last_refused_ns = self.last_refused_ns.max(other.last_refused_ns);
    }
}

/// Errors of one kind.
#[derive(Default)]
pub(super) struct Errors {
    pub count: u64,
    pub samples: Vec<String>,
}

/// What a worker hands back.
pub(super) struct WorkerFigures {
    pub operations: BTreeMap<Operation, OperationTimes>,
    pub intervals: Vec<Interval>,
    pub errors: BTreeMap<TargetErrorKind, Errors>,
    pub verification: Verification,
    pub operations_total: u64,
    pub errors_total: u64,
    pub retries: u64,
    pub measured_bytes_written: u64,
    pub totals: Totals,
    pub last_end_ns: u64,
    pub final_slip_ns: u64,
    pub abandoned: u64,
    /// Most operations in flight together, in an open loop.
    pub in_flight_most: u64,
    /// Whether some client did not finish its share or its time.
    pub cut_short: bool,
    /// What acknowledged operations added to the sum of all numbers.
    pub added: i64,
    /// Operations that may have changed it, and that nobody has an answer of.
    pub unsettled: u64,
    /// See [`crate::figures::Told::halved`].
    pub halved: u64,
}

impl Pacing {
    /// Significant digits of an interval's histogram. An open loop's steps are put together from their
    /// intervals, and percentiles of steps are figures.
    pub fn interval_digits(self) -> u8 {
        if self == Self::Open { DIGITS } else { INTERVAL_DIGITS }
    }
}

/// How far behind its schedule a worker is.
#[derive(Debug, Default)]
struct Slip {
    second: u64,
    /// Shortest wait of those that started in this second.
    least_ns: Option<u64>,
    /// And in the last one before it in which any did.
    least_before_ns: Option<u64>,
    last_ns: u64,
}

impl Slip {
    #[inline]
    fn start(&mut self, times: Times) {
        self.last_ns = times.start_ns - times.intended_ns;
        let second = times.start_ns / INTERVAL_NS;
        if second != self.second {
            self.second = second;
            self.least_before_ns = self.least_ns.take();
        }
        self.least_ns = Some(self.least_ns.map_or(self.last_ns, |least| least.min(self.last_ns)));
    }

    /// A client paces itself by its own last operation. Arrivals wait for nobody, and one that waited says
    /// little: a schedule has slipped when none of the last second or two started in time.
    fn at_the_end(&self, pacing: Pacing) -> u64 {
        match pacing {
            Pacing::Open => {
                self.least_before_ns.into_iter().chain(self.least_ns).min().unwrap_or(0)
            }
            Pacing::Unpaced | Pacing::Paced => self.last_ns,
        }
    }
}

/// Takes the measurements of one worker.
pub(super) struct Recorder {
    measure_from_ns: u64,
    pacing: Pacing,
    /// By `Operation as usize`; made when an operation first occurs.
    operations: [Option<Box<OperationTimes>>; Operation::ALL.len()],
    interval: Histogram<u64>,
    interval_end_ns: u64,
    interval_operations: u64,
    interval_errors: u64,
    interval_throttled: u64,
    interval_arrivals: Arrived,
    slip: Slip,
    /// Failed operations, warm-up included.
    failures: u64,
    /// Of the last interval that was closed.
    last_p99_ns: u64,
    out: WorkerFigures,
}

impl Recorder {
    pub fn new(measure_from_ns: u64, pacing: Pacing) -> Self {
        Self {
            measure_from_ns,
            pacing,
            operations: Default::default(),
            interval: histogram(pacing.interval_digits()),
            interval_end_ns: measure_from_ns + INTERVAL_NS,
            interval_operations: 0,
            interval_errors: 0,
            interval_throttled: 0,
            interval_arrivals: Arrived::default(),
            slip: Slip::default(),
            failures: 0,
            last_p99_ns: 0,
            out: WorkerFigures {
                operations: BTreeMap::new(),
                intervals: Vec::new(),
                errors: BTreeMap::new(),
                verification: Verification::default(),
                operations_total: 0,
                errors_total: 0,
                retries: 0,
                measured_bytes_written: 0,
                totals: Totals::default(),
                last_end_ns: measure_from_ns,
                final_slip_ns: 0,
                abandoned: 0,
                in_flight_most: 0,
                cut_short: false,
                added: 0,
                unsettled: 0,
                halved: 0,
            },
        }
    }

    fn is_measured(&self, times: Times) -> bool {
        times.start_ns >= self.measure_from_ns
    }

    /// An arrival is handed to the target now.
    #[inline]
    pub fn offered(&mut self, now_ns: u64) {
        if now_ns >= self.measure_from_ns {
            self.begin_interval_of(now_ns);
            self.interval_arrivals.offered += 1;
        }
    }

    /// An arrival is given up: nobody came to it in time.
    pub fn late(&mut self, now_ns: u64) {
        if now_ns >= self.measure_from_ns {
            self.begin_interval_of(now_ns);
            self.interval_arrivals.late += 1;
        }
    }

    fn times_of(&mut self, operation: Operation) -> &mut OperationTimes {
        let paced = self.pacing != Pacing::Unpaced;
        self.operations[operation as usize]
            .get_or_insert_with(|| Box::new(OperationTimes::new(paced)))
    }

    /// An answer to `operation`, which may be one half of another.
    #[inline]
    pub fn answered(&mut self, operation: Operation, times: Times, found: bool) {
        if !self.is_measured(times) {
            return;
        }
        let of = self.times_of(operation);
        of.count += 1;
        of.not_found += u64::from(!found);
        of.response.saturating_record(times.end_ns - times.intended_ns);
        if let Some(paced) = &mut of.paced {
            paced.service.saturating_record(times.end_ns - times.start_ns);
            paced.wait.saturating_record(times.start_ns - times.intended_ns);
        }
    }

    /// An error of `operation`, which may be one half of another. Says how that ends it.
    pub fn failed(
        &mut self,
        operation: Operation,
        key: &[u8],
        error: &TargetError,
        times: Times,
    ) -> Outcome {
        if error.kind.is_refusal() && self.is_measured(times) {
            self.begin_interval_of(times.end_ns);
            self.interval_throttled += 1;
        }
        if self.pacing == Pacing::Open && error.kind.is_refusal() {
            if self.is_measured(times) {
                self.interval_arrivals.refuse(&error.message, 1);
                self.interval_arrivals.last_refused_ns = Some(times.end_ns);
            }
            return Outcome::Refused;
        }
        self.half_failed(operation, times);
        self.note_error(operation, key, error);
        Outcome::Failed
    }

    /// A failure of `operation` whose error was noted.
    #[cold]
    pub fn half_failed(&mut self, operation: Operation, times: Times) {
        if self.is_measured(times) {
            self.times_of(operation).errors += 1;
        }
    }

    /// Keeps an error by its kind, and its message while it is one of the first.
    #[cold]
    pub fn note_error(&mut self, operation: Operation, key: &[u8], error: &TargetError) {
        let errors = self.out.errors.entry(error.kind).or_default();
        errors.count += 1;
        if errors.samples.len() < ERROR_SAMPLES_MAX {
            let key = String::from_utf8_lossy(key);
            errors.samples.push(format!("{operation} {key}: {}", error.message));
        }
    }

    /// One whole operation is over. Returns whether it was measured.
    #[inline]
    pub fn finished(&mut self, times: Times, outcome: Outcome) -> bool {
        self.slip.start(times);
        self.out.totals.operations += u64::from(outcome == Outcome::Answered);
        self.failures += u64::from(outcome == Outcome::Failed);
        if !self.is_measured(times) {
            return false;
        }
        self.out.last_end_ns = times.end_ns;
        self.begin_interval_of(times.end_ns);
        match outcome {
            Outcome::Answered => {
                self.out.operations_total += 1;
                self.interval_operations += 1;
                self.interval.saturating_record(times.end_ns - times.intended_ns);
            }
            Outcome::Refused => {}
            Outcome::Failed => {
                self.out.errors_total += 1;
                self.interval_errors += 1;
            }
        }
        true
    }

    /// Closes the interval at hand if `now_ns` lies behind it.
    #[inline]
    fn begin_interval_of(&mut self, now_ns: u64) {
        if now_ns >= self.interval_end_ns {
            self.close_interval();
            let behind = (now_ns - self.interval_end_ns) / INTERVAL_NS;
            self.interval_end_ns += (behind + 1) * INTERVAL_NS;
        }
    }

    fn close_interval(&mut self) {
        let arrivals = std::mem::take(&mut self.interval_arrivals);
        let ended = self.interval_operations + self.interval_errors + self.interval_throttled;
        if ended == 0 && arrivals.is_empty() {
            return;
        }
        self.last_p99_ns = self.interval.value_at_quantile(0.99);
        let index = (self.interval_end_ns - self.measure_from_ns) / INTERVAL_NS - 1;
        self.out.intervals.push(Interval {
            index: index.min(INTERVALS_MAX as u64 - 1),
            operations: std::mem::take(&mut self.interval_operations),
            errors: std::mem::take(&mut self.interval_errors),
            throttled: std::mem::take(&mut self.interval_throttled),
            times: counts_of(&self.interval),
            arrivals,
        });
        self.interval.reset();
    }

    /// Bytes that a write handed over.
    #[inline]
    pub fn wrote(&mut self, bytes: u64, times: Times) {
        self.out.totals.user_bytes_written += bytes;
        if self.is_measured(times) {
            self.out.measured_bytes_written += bytes;
        }
    }

    /// Bytes that a read or a scan brought back.
    #[inline]
    pub fn read(&mut self, bytes: u64) {
        self.out.totals.user_bytes_read += bytes;
    }

    /// Records that a scan returned.
    pub fn scanned(&mut self, records: u64) {
        self.out.totals.records_scanned += records;
    }

    /// The verdict on one record; `wrong` says what is wrong with it.
    pub fn verified<E: fmt::Display>(&mut self, key: &[u8], verdict: Result<(), E>) {
        let verification = &mut self.out.verification;
        verification.checked += 1;
        if let Err(wrong) = verdict {
            verification.failed += 1;
            if verification.samples.len() < ERROR_SAMPLES_MAX {
                verification.samples.push(format!("{}: {wrong}", String::from_utf8_lossy(key)));
            }
        }
    }

    /// An insert will be tried again.
    pub fn retried(&mut self) {
        self.out.retries += 1;
    }

    /// Some client stopped before its share was done.
    pub fn cut_short(&mut self) {
        self.out.cut_short = true;
    }

    /// An acknowledged operation changed the sum of all numbers by so much.
    pub fn added(&mut self, amount: i64) {
        self.out.added += amount;
    }

    /// An operation may have changed the sum by 1, and there is no answer to tell.
    pub fn unsettled(&mut self) {
        self.out.unsettled += 1;
    }

    /// The answer to one of those came after all.
    pub fn settled(&mut self) {
        self.out.unsettled -= 1;
    }

    /// One of those did only the first half of its work: what it took is gone.
    pub fn halved(&mut self) {
        self.settled();
        self.out.halved += 1;
    }

    /// So many operations are in flight.
    #[inline]
    pub fn in_flight(&mut self, now: u64) {
        self.out.in_flight_most = self.out.in_flight_most.max(now);
    }

    /// For the progress counters.
    #[inline]
    pub fn so_far(&self) -> SoFar {
        SoFar {
            answered: self.out.totals.operations,
            measured: self.out.operations_total,
            failed: self.failures,
            p99_ns: self.last_p99_ns,
        }
    }

    /// Everything measured.
    pub fn into_figures(mut self, abandoned: u64) -> WorkerFigures {
        self.close_interval();
        self.out.final_slip_ns = self.slip.at_the_end(self.pacing);
        self.out.abandoned = abandoned;
        for (operation, times) in Operation::ALL.into_iter().zip(self.operations) {
            self.out.operations.extend(times.map(|times| (operation, *times)));
        }
        self.out
    }
}
