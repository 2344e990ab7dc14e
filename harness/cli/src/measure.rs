//! One run against one target: precondition, find the peak if a rate is a share of it, warm up, measure, read
//! back, and hold the generator against nothing. Opening, loading and probing are `phases`.

use std::time::{Duration, SystemTime};

use flywheel_load::generate::Discrete;
use flywheel_load::workload::RequestDistribution;
use flywheel_load::{Control, Operation, RunFigures, TargetFactory, Workload};
use flywheel_report::{
    CpuTimes, Floor, Generator, Preparation, ProcessUsage, ReadBack, RunResult, Schedule,
    reset_peak_resident,
};
use flywheel_stats::{Second, SteadyOptions, steadiness};
use flywheel_targets::NullFactory;

use crate::args::{LoadArgs, Rate};
use crate::convert;
use crate::drive::{self, Loop};
use crate::error::CliError;
use crate::interrupt;
use crate::phases::Bench;
use crate::progress;
use crate::settings::Named;
use crate::systems::Manners;
use crate::watch::Watch;

/// How long the generator runs against nothing.
const FLOOR_SECONDS: u64 = 1;

/// A system that is open and holds the workload's records.
pub struct Subject<'a, F> {
    /// Connects to it.
    pub factory: &'a F,
    /// Watches it.
    pub watch: &'a dyn Watch,
    /// How the generator has to behave.
    pub manners: Manners,
    /// Whether it keeps what is written to it.
    pub stores: bool,
}

/// Seconds over which a run must not drift to be called steady.
const STEADY_WINDOW_S: usize = 10;

/// Seconds between two looks at that.
const WARM_UP_PART_S: u64 = 5;

/// The text of a run's HDR log.
pub struct HdrLog(pub String);

/// What a run needs beside its target.
pub struct Measurement<'a> {
    /// Flags and the probe.
    pub bench: &'a Bench<'a>,
    /// How the workload is loaded.
    pub load: &'a LoadArgs,
}

impl Measurement<'_> {
    /// Measures the workload, and fills in all that a result says of it.
    pub fn run<F: TargetFactory>(
        &self,
        subject: &Subject<'_, F>,
        named: &Named,
        result: &mut RunResult,
    ) -> Result<HdrLog, CliError> {
        let workload = &named.workload;
        if subject.stores && self.load.precondition > 0.0 {
            result.preparation.precondition_ops = self.precondition(subject, workload)?;
        }
        let (looped, peak) = self.looped(subject, workload)?;
        if let Some(most_s) = self.load.steady {
            self.warm_up(subject.factory, &looped, workload, most_s, &mut result.preparation)?;
        }
        let control = Control::with_stop_flag(self.bench.stop.clone());
        let cpu_before = CpuTimes::now();
        reset_peak_resident();
        let started = SystemTime::now() + workload.warm_up;
        let before = ProcessUsage::now();
        let label = format!("running {}", named.name);
        let (figures, seen) = subject.watch.around(&control, &mut || {
            let driven = progress::follow(&label, &control, || {
                looped.drive(workload, subject.factory, &control)
            });
            Ok(driven?)
        })?;
        let totals = &figures.whole_phase;
        result.process = before.figures_until(
            &ProcessUsage::now(),
            totals.operations,
            totals.user_bytes_written,
        );
        result.environment.steal_share = cpu_before
            .zip(CpuTimes::now())
            .and_then(|(before, after)| before.steal_share_until(&after));
        convert::fill(result, &figures);
        result.engine = seen.engine;
        result.events = seen.events;
        for (second, interval) in result.intervals.iter_mut().enumerate() {
            interval.compaction_bytes = seen.compaction_bytes.get(&(second as u64)).copied();
        }
        result.faults = faults_of(&figures);
        result.preparation.warm_up_s += figures.warm_up_s;
        result.schedule = schedule(&looped, workload, &figures, peak);
        if subject.stores && self.load.verify > 0 && !interrupt::is_set(self.bench.stop) {
            result.read_back = Some(self.read_back(subject, workload)?);
        }
        result.generator = Generator {
            clients: figures.clients,
            workers: figures.workers as u64,
            pinned_cores: looped.cores().iter().map(|core| *core as u64).collect(),
            floor: self.floor(&looped, workload)?,
        };
        Ok(HdrLog(convert::hdr_log_of(&figures, started)))
    }

    /// The loop that was asked for, and the peak if a rate is a share of it.
    fn looped<F: TargetFactory>(
        &self,
        subject: &Subject<'_, F>,
        workload: &Workload,
    ) -> Result<(Loop, Option<f64>), CliError> {
        let closed = drive::closed(&subject.manners);
        let Some(rate) = drive::rate(workload, self.load)? else { return Ok((closed, None)) };
        let (rate_per_s, peak) = match rate {
            Rate::PerSecond(rate_per_s) => (rate_per_s, None),
            Rate::OfPeak(share) => {
                let peak_s = self.load.peak_seconds;
                let peak = self.bench.peak(&closed, subject.factory, workload, peak_s)?;
                (peak * share, Some(peak))
            }
        };
        let open = drive::open(&subject.manners, workload, rate_per_s)?;
        Ok((open, peak))
    }

    /// Runs at the load to be measured (its mean, if that changes) until throughput and p99 have come to rest, or for `most_s`.
    fn warm_up<F: TargetFactory>(
        &self,
        factory: &F,
        looped: &Loop,
        workload: &Workload,
        most_s: u64,
        preparation: &mut Preparation,
    ) -> Result<(), CliError> {
        let options = SteadyOptions { window_s: STEADY_WINDOW_S, ..SteadyOptions::default() };
        let mut seconds: Vec<Second> = Vec::new();
        let mut part = workload.clone();
        part.warm_up = Duration::ZERO;
        part.operation_count = None;
        let mut spent_s = 0;
        while spent_s < most_s {
            let length_s = WARM_UP_PART_S.min(most_s - spent_s);
            part.max_execution_time = Some(Duration::from_secs(length_s));
            // Each part draws operations of its own, and none of them those of the run.
            part.seed = part.seed.wrapping_add(1 << 32);
            let label = format!("warming up, {spent_s} s");
            let flat = looped.for_seconds(length_s);
            let figures = self.bench.drive(&label, &flat, &part, factory)?;
            spent_s += length_s;
            // Behind the part's length there are only stragglers.
            let whole = figures.intervals.iter().take(length_s as usize);
            seconds.extend(whole.map(|interval| Second {
                throughput_ops_per_s: interval.operations as f64,
                p99_us: interval.p99_us,
            }));
            let found = steadiness(&seconds, &options)?;
            preparation.steady = Some(found.is_some_and(|found| found.steady));
            preparation.throughput_drift = found.map(|found| found.throughput.relative);
            preparation.p99_drift = found.map(|found| found.p99.relative);
            if preparation.steady == Some(true) {
                break;
            }
        }
        preparation.warm_up_s = spent_s as f64;
        Ok(())
    }

    /// Overwrites records at random. Returns how often.
    fn precondition<F: TargetFactory>(
        &self,
        subject: &Subject<'_, F>,
        workload: &Workload,
    ) -> Result<u64, CliError> {
        let mut overwrites = workload.clone();
        let times = self.load.precondition;
        overwrites.operation_count = Some((workload.record_count as f64 * times).ceil() as u64);
        overwrites.max_execution_time = None;
        overwrites.target_ops_per_s = None;
        overwrites.warm_up = Duration::ZERO;
        overwrites.mix = only(Operation::Update);
        overwrites.write_all_fields = true;
        overwrites.request_distribution = RequestDistribution::Uniform;
        // Other draws than the run's: the same keys would come in the same order.
        overwrites.seed = workload.seed.wrapping_add(1);
        let closed = drive::closed(&subject.manners);
        let figures = self.bench.drive("preconditioning", &closed, &overwrites, subject.factory)?;
        Ok(figures.operations_total)
    }

    /// Reads records at random that must be there.
    fn read_back<F: TargetFactory>(
        &self,
        subject: &Subject<'_, F>,
        workload: &Workload,
    ) -> Result<ReadBack, CliError> {
        let mut reads = workload.clone();
        reads.operation_count = Some(self.load.verify);
        reads.max_execution_time = None;
        reads.target_ops_per_s = None;
        reads.warm_up = Duration::ZERO;
        reads.mix = only(Operation::Read);
        reads.read_all_fields = true;
        reads.request_distribution = RequestDistribution::Uniform;
        reads.seed = workload.seed.wrapping_add(2);
        let closed = drive::closed(&subject.manners);
        let control = Control::with_stop_flag(self.bench.stop.clone());
        let figures = progress::follow("reading back", &control, || {
            closed.drive(&reads, subject.factory, &control)
        })?;
        let of = figures.operations.get(&Operation::Read).cloned().unwrap_or_default();
        // A missing record fails the check of values as well, where values are checked.
        let wrong = match &figures.verification {
            Some(found) => found.failed,
            None => of.not_found,
        };
        // A refusal says nothing of the record; any other failure is one.
        let failed = figures.errors.iter().filter(|error| !error.kind.is_refusal());
        let failed: u64 = failed.map(|error| error.count).sum();
        let (checked, wrong) = (of.count + failed, wrong + failed + figures.abandoned);
        Ok(ReadBack { checked, wrong, expected: workload.insert_count })
    }

    /// The same load against nothing.
    fn floor(&self, looped: &Loop, workload: &Workload) -> Result<Option<Floor>, CliError> {
        if self.load.no_floor || interrupt::is_set(self.bench.stop) {
            return Ok(None);
        }
        let mut short = workload.clone();
        short.warm_up = Duration::ZERO;
        short.operation_count = None;
        short.max_execution_time = Some(Duration::from_secs(FLOOR_SECONDS));
        let flat = looped.for_seconds(FLOOR_SECONDS);
        let nothing = NullFactory::new(workload);
        let figures = match self.bench.drive("the floor", &flat, &short, &nothing) {
            // What was measured before the Ctrl-C is still reported.
            Err(CliError::Interrupted) => return Ok(None),
            driven => driven?,
        };
        let response = figures.response_of_all_us();
        let waits = figures.operations.values().filter_map(|of| of.wait_us);
        Ok(Some(Floor {
            throughput_ops_per_s: figures.throughput_ops_per_s,
            p50_us: response.p50,
            p99_us: response.p99,
            max_us: response.max,
            wait_p99_us: waits.map(|wait| wait.p99).reduce(f64::max),
        }))
    }
}

impl Bench<'_> {
    /// What the workload's clients reach when each only waits for its answers.
    pub fn peak<F: TargetFactory>(
        &self,
        closed: &Loop,
        factory: &F,
        workload: &Workload,
        peak_seconds: u64,
    ) -> Result<f64, CliError> {
        let mut workload = workload.clone();
        workload.target_ops_per_s = None;
        workload.operation_count = None;
        workload.max_execution_time = Some(Duration::from_secs(peak_seconds));
        let figures = self.drive("finding the peak", closed, &workload, factory)?;
        if figures.throughput_ops_per_s <= 0.0 {
            return Err(CliError::Flag("--rate: nothing was answered, so there is no peak".into()));
        }
        Ok(figures.throughput_ops_per_s)
    }

    /// A phase that must end by itself: what it finds is the base of others.
    fn drive<F: TargetFactory>(
        &self,
        label: &str,
        looped: &Loop,
        workload: &Workload,
        factory: &F,
    ) -> Result<RunFigures, CliError> {
        let control = Control::with_stop_flag(self.stop.clone());
        let figures =
            progress::follow(label, &control, || looped.drive(workload, factory, &control))?;
        if interrupt::is_set(self.stop) {
            return Err(CliError::Interrupted);
        }
        match faults_of(&figures) {
            0 => Ok(figures),
            faults => Err(CliError::Phase { phase: label.to_owned(), faults }),
        }
    }
}

fn only(operation: Operation) -> Discrete<Operation> {
    Discrete::new([(1.0, operation)]).expect("the weight is positive")
}

/// How the schedule was kept, if there was one.
fn schedule(
    looped: &Loop,
    workload: &Workload,
    figures: &RunFigures,
    peak_ops_per_s: Option<f64>,
) -> Option<Schedule> {
    let pace = figures.pace?;
    let shape = workload.arrivals.shape.name().to_owned();
    Some(match (looped, &figures.open) {
        (Loop::Open { options, .. }, Some(open)) => Schedule {
            arrivals: options.arrivals.name().to_owned(),
            shape,
            rate_per_s: looped.rate_per_s().unwrap_or(pace.target_ops_per_s),
            arrived_per_s: Some(pace.target_ops_per_s),
            peak_ops_per_s,
            offered: open.total.offered,
            late: open.total.late,
            refused: open.total.refused.clone(),
            final_slip_us: pace.final_slip_us,
            in_flight_most: Some(open.in_flight_most),
            sustained: pace.sustained,
        },
        _ => Schedule {
            arrivals: "paced".into(),
            shape,
            rate_per_s: pace.target_ops_per_s,
            peak_ops_per_s,
            offered: figures.operations_total + figures.errors_total,
            final_slip_us: pace.final_slip_us,
            sustained: pace.sustained,
            ..Schedule::default()
        },
    })
}

/// What must never happen, whatever the rate.
pub fn faults_of(figures: &RunFigures) -> u64 {
    tell_errors(figures);
    let failed = figures.errors.iter().filter(|error| !error.kind.is_refusal());
    let wrong = figures.verification.as_ref().map_or(0, |found| found.failed);
    failed.map(|error| error.count).sum::<u64>() + wrong + figures.abandoned
}

fn tell_errors(figures: &RunFigures) {
    // An open loop's refusals are figures and not here; a closed loop's stand for a bound too low.
    for error in &figures.errors {
        let sample = error.samples.first().map_or("", String::as_str);
        eprintln!("flywheel: {} errors of kind {:?}: {sample}", error.count, error.kind);
    }
    if let Some(sample) = figures.verification.as_ref().and_then(|found| found.samples.first()) {
        eprintln!("flywheel: a record was not what was written: {sample}");
    }
}
