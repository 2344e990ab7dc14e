//! One run against one target: precondition, find the peak if a rate is a share of it, warm up, measure, read
//! back, and hold the generator against nothing. Opening, loading and probing are `phases`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use flywheel_load::generate::Discrete;
use flywheel_load::random::Random;
use flywheel_load::trace::TraceEntry;
use flywheel_load::workload::RequestDistribution;
use flywheel_load::{
    Control, Entries, Operation, RunFigures, TargetFactory, Trace, Workload, run_entries,
};
use flywheel_report::{
    CpuTimes, Floor, Generator, Preparation, ProcessUsage, ReadBack, RunResult, Schedule,
    reset_peak_resident,
};
use flywheel_stats::{Second, SteadyOptions, steadiness};
use flywheel_targets::{NullFactory, SlowedFactory};

use crate::args::{LoadArgs, Rate};
use crate::convert;
use crate::drive::{self, Loop};
use crate::error::CliError;
use crate::interrupt;
use crate::loaded;
use crate::phases::Bench;
use crate::progress;
use crate::record;
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
    /// The file that the measured operations are recorded to.
    pub record: Option<&'a Path>,
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
        // The loop as it is measured; what is held against nothing is not recorded.
        let measured = match self.record {
            Some(path) => looped.recorded(record::create(path)?),
            None => looped.clone(),
        };
        let control = Control::with_stop_flag(self.bench.stop.clone());
        let label = format!("running {}", named.name);
        let mut around = None;
        // What the readings of all records take is no part of what is measured.
        let figures = flywheel_load::validated(workload, subject.factory, &control, || {
            let cpu_before = CpuTimes::now();
            reset_peak_resident();
            let started = SystemTime::now() + looped.warm_up(workload);
            let before = ProcessUsage::now();
            let (figures, seen) = subject.watch.around(&control, &mut || {
                let driven = progress::follow(&label, &control, || match self.load.slow_down {
                    None => measured.drive(workload, subject.factory, &control),
                    Some(percent) => {
                        let slowed = SlowedFactory::new(subject.factory, percent / 100.0);
                        measured.drive(workload, &&slowed, &control)
                    }
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
            around = Some((started, seen));
            Ok::<_, CliError>(figures)
        })?;
        let (started, seen) = around.expect("the run was around");
        convert::fill(result, &figures, &workload.percentiles);
        result.engine = seen.engine;
        result.events = seen.events;
        for (second, interval) in result.intervals.iter_mut().enumerate() {
            interval.compaction_bytes = seen.compaction_bytes.get(&(second as u64)).copied();
        }
        if let Some(percent) = self.load.slow_down {
            // Nobody shall take such a result for the engine's.
            let burned = format!("{percent} % of the processor time burned on top");
            result.settings.insert("slowed down".into(), burned);
        }
        result.recording = self.record.and_then(|path| record::figures(path, &figures));
        result.faults = faults_of(&figures);
        result.preparation.warm_up_s += figures.warm_up_s;
        result.schedule = schedule(&looped, workload, &figures, peak);
        if subject.stores && self.load.verify > 0 && !interrupt::is_set(self.bench.stop) {
            result.read_back = Some(match &workload.trace {
                None => self.read_back(subject, workload)?,
                Some(trace) => self.read_back_traced(subject, workload, trace)?,
            });
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
        if let Some(trace) = &workload.trace {
            return Ok((drive::replay(&subject.manners, workload, trace)?, None));
        }
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
        // A missing record fails the check of values as well, where values are checked.
        let missing_counts = figures.verification.is_none();
        Ok(read_back_of(&figures, missing_counts, workload.insert_count))
    }

    /// Reads records at random that were loaded for a trace, and looks whether they are what it writes. Of those that
    /// it inserts nobody says here whether they were refused.
    fn read_back_traced<F: TargetFactory>(
        &self,
        subject: &Subject<'_, F>,
        workload: &Workload,
        trace: &Trace,
    ) -> Result<ReadBack, CliError> {
        let sample = trace.survey.sample.iter().filter(|sampled| !sampled.begins_with_insert);
        let keys: Vec<&str> = sample.map(|sampled| sampled.key.as_str()).collect();
        let expected = loaded::records(&self.bench.common.dir)?.unwrap_or(keys.len() as u64);
        let asked = if keys.is_empty() { 0 } else { self.load.verify };
        let mut reads = workload.clone();
        reads.max_execution_time = None;
        reads.warm_up = Duration::ZERO;
        reads.data_integrity = true;
        let mut random = Random::new(workload.seed.wrapping_add(2));
        let read = |_| {
            let key = keys[random.next_below(keys.len() as u64) as usize].to_owned();
            let operation = Operation::Read;
            Ok(TraceEntry { time_us: 0, operation, key, size_bytes: None, count: None })
        };
        let entries: Entries<'_> = Box::new((0..asked).map(read));
        let options = drive::closed_options(&subject.manners);
        let control = Control::with_stop_flag(self.bench.stop.clone());
        let figures = progress::follow("reading back", &control, || {
            run_entries(&reads, subject.factory, &options, entries, &control)
        })?;
        Ok(read_back_of(&figures, true, expected))
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
        let drive = || looped.drive(workload, factory, &control);
        let figures = flywheel_load::validated(workload, factory, &control, || {
            progress::follow(label, &control, drive)
        })?;
        if interrupt::is_set(self.stop) {
            return Err(CliError::Interrupted);
        }
        match faults_of(&figures) {
            0 => Ok(figures),
            faults => Err(CliError::Phase { phase: label.to_owned(), faults }),
        }
    }
}

/// What reading records back that must be there has shown.
fn read_back_of(figures: &RunFigures, missing_counts: bool, expected: u64) -> ReadBack {
    let of = figures.operations.get(&Operation::Read).cloned().unwrap_or_default();
    let found_wrong = figures.verification.as_ref().map_or(0, |found| found.failed);
    let missing = if missing_counts { of.not_found } else { 0 };
    // A refusal says nothing of the record; any other failure is one.
    let failed = figures.errors.iter().filter(|error| !error.kind.is_refusal());
    let failed: u64 = failed.map(|error| error.count).sum();
    let wrong = found_wrong + missing + failed + figures.abandoned;
    ReadBack { checked: of.count + failed, wrong, expected }
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
    let (arrivals, shape) = looped.arrivals(workload);
    let (arrivals, shape) = (arrivals.to_owned(), shape.to_owned());
    Some(match (looped, &figures.open) {
        (Loop::Open { options, .. }, Some(open)) => Schedule {
            arrivals,
            shape,
            // Of a trace, what the replayed part of it asked for.
            rate_per_s: looped
                .rate_per_s()
                .filter(|_| options.replay.is_none())
                .unwrap_or(pace.target_ops_per_s),
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
            arrivals,
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
    let lost = figures.validation.as_ref().is_some_and(|found| !found.passed());
    failed.map(|error| error.count).sum::<u64>() + wrong + u64::from(lost) + figures.abandoned
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
    for sample in figures.validation.iter().flat_map(|found| &found.samples) {
        eprintln!("flywheel: when all records were added up: {sample}");
    }
}
