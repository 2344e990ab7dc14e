//! In which loop a workload is driven, worked out from its properties and the flags: clients that wait for their
//! answers, or arrivals that wait for nobody. One call drives either; what it measures is the driver's.

use std::time::Duration;

use flywheel_load::{
    Arrivals, Control, OpenOptions, RateShape, RecordTo, Replay, RunError, RunFigures, RunOptions,
    Step, TargetFactory, Trace, Workload, run, run_open,
};

use crate::args::{LoadArgs, Rate};
use crate::error::CliError;
use crate::systems::Manners;

/// Arrivals that nobody came to for so long are given up: by then the rate is not sustained.
const LATE_AFTER: Duration = Duration::from_secs(10);

/// Operations of an open loop that may be in flight, beyond what the engine lets in: so it refuses, and
/// not the generator.
const SPARE_SLOTS: usize = 64;

/// How operations start.
#[derive(Clone)]
pub enum Loop {
    /// When the last one of the same client is back, or its pace says so.
    Closed(RunOptions),
    /// When they arrive.
    Open {
        /// The schedule.
        options: OpenOptions,
        /// The mean rate asked for.
        rate_per_s: f64,
    },
}

/// Whether arrivals wait for nobody.
pub fn is_open(workload: &Workload, load: &LoadArgs) -> bool {
    load.rate.is_some() || workload.arrivals.spacing.is_some() || workload.trace.is_some()
}

/// The rate that an open loop is to have; `None` for a closed loop.
pub fn rate(workload: &Workload, load: &LoadArgs) -> Result<Option<Rate>, CliError> {
    let is_open = workload.arrivals.spacing.is_some();
    match (load.rate, workload.target_ops_per_s) {
        (Some(rate), _) => Ok(Some(rate)),
        (None, Some(rate)) if is_open => Ok(Some(Rate::PerSecond(rate))),
        (None, None) if is_open => {
            let problem = "the workload's arrivals wait for nobody, and nothing says how many there are: give \
                           --rate, such as --rate 20000 or --rate 50%, or the property target";
            Err(CliError::Flag(problem.into()))
        }
        (None, _) => Ok(None),
    }
}

/// Whether the workload can be loaded like this, before anything is opened.
pub fn check(workload: &Workload, load: &LoadArgs) -> Result<(), CliError> {
    if !(load.precondition.is_finite() && (0.0..=1000.0).contains(&load.precondition)) {
        let found = load.precondition;
        return Err(CliError::Flag(format!("--precondition: expected 0 to 1000, found {found}")));
    }
    if let Some(found) = load.slow_down.filter(|percent| !(0.0..=1000.0).contains(percent)) {
        return Err(CliError::Flag(format!("--slow-down: expected 0 to 1000, found {found}")));
    }
    if workload.trace.is_some() {
        return check_trace(load);
    }
    if rate(workload, load)?.is_some() {
        // Any rate will do to see whether the operations suit an open loop.
        OpenOptions::new(1.0, 1).check(workload)?;
    }
    Ok(())
}

/// What makes no sense of a trace, which is replayed once and at its own times.
fn check_trace(load: &LoadArgs) -> Result<(), CliError> {
    let problem = if load.rate.is_some() {
        "--rate: a trace has times of its own: --speed says how fast it is replayed"
    } else if load.steady.is_some() {
        "--steady: a trace is replayed once: the property warmuptime leaves its beginning out of the figures"
    } else if load.precondition > 0.0 {
        "--precondition: a trace's records are loaded as it needs them"
    } else {
        return Ok(());
    };
    Err(CliError::Flag(problem.into()))
}

/// A closed loop of the workload's clients.
pub fn closed(manners: &Manners) -> Loop {
    Loop::Closed(closed_options(manners))
}

/// What such a loop is driven with.
pub fn closed_options(manners: &Manners) -> RunOptions {
    RunOptions {
        workers: manners.workers,
        cores: manners.spare_cores.clone(),
        calls_block: manners.calls_block,
        ..RunOptions::default()
    }
}

/// An open loop whose arrivals are those of a trace.
pub fn replay(manners: &Manners, workload: &Workload, trace: &Trace) -> Result<Loop, CliError> {
    let rate_per_s = trace.rate_per_s();
    let options = OpenOptions::replay(Replay::new(trace, workload), rate_per_s);
    let options = with_manners(options, manners);
    options.check(workload)?;
    Ok(Loop::Open { options, rate_per_s })
}

/// Room in flight, threads and cores, as the system needs them.
fn with_manners(mut options: OpenOptions, manners: &Manners) -> OpenOptions {
    // A system with a thread for each client has no room for more.
    let spare = if manners.calls_block { 0 } else { SPARE_SLOTS };
    options.in_flight = manners.in_flight + spare;
    options.late_after = LATE_AFTER;
    options.workers = manners.workers;
    options.cores = manners.spare_cores.clone();
    options
}

/// An open loop of so many operations a second, for as long as the workload says.
pub fn open(manners: &Manners, workload: &Workload, rate_per_s: f64) -> Result<Loop, CliError> {
    let length = workload.max_execution_time.unwrap_or_else(|| {
        // As long as so many operations take.
        let operations = workload.operation_count.unwrap_or(1) as f64;
        Duration::from_secs_f64((operations / rate_per_s).clamp(1.0, 86_400.0))
    });
    let seconds = length.as_secs().max(1);
    if let RateShape::Burst { period_s, .. } = workload.arrivals.shape
        && !seconds.is_multiple_of(period_s)
    {
        let problem = format!(
            "bursts come every {period_s} s (burstperiod), and a run of {seconds} s is no whole number of \
             periods: its mean rate would not be the one asked for"
        );
        return Err(CliError::Flag(problem));
    }
    let mut options = OpenOptions::new(rate_per_s, seconds);
    options.steps = workload.arrivals.shape.steps(rate_per_s, seconds);
    options.arrivals = workload.arrivals.spacing.unwrap_or(Arrivals::Poisson);
    let options = with_manners(options, manners);
    options.check(workload)?;
    Ok(Loop::Open { options, rate_per_s })
}

impl Loop {
    /// Drives the workload against what `factory` connects to.
    pub fn drive<F: TargetFactory>(
        &self,
        workload: &Workload,
        factory: &F,
        control: &Control,
    ) -> Result<RunFigures, RunError> {
        match self {
            Self::Closed(options) => run(workload, factory, options, control),
            Self::Open { options, .. } => run_open(workload, factory, options, control),
        }
    }

    /// The same, recorded.
    pub fn recorded(&self, to: RecordTo) -> Self {
        let mut recorded = self.clone();
        match &mut recorded {
            Self::Closed(options) => options.record = Some(to),
            Self::Open { options, .. } => options.record = Some(to),
        }
        recorded
    }

    /// The same for another length, at its mean rate throughout; of a trace what it begins with, without a warm-up.
    pub fn for_seconds(&self, seconds: u64) -> Self {
        match self {
            Self::Closed(options) => Self::Closed(options.clone()),
            Self::Open { options, rate_per_s } => {
                let steps = vec![Step::flat(*rate_per_s, seconds)];
                let length = Duration::from_secs(seconds);
                let replay = options.replay.as_ref().map(|replay| replay.beginning(length));
                let options = OpenOptions { steps, replay, ..options.clone() };
                Self::Open { options, rate_per_s: *rate_per_s }
            }
        }
    }

    /// How long it is driven before figures are taken.
    pub fn warm_up(&self, workload: &Workload) -> Duration {
        match self {
            Self::Open { options: OpenOptions { replay: Some(replay), .. }, .. } => {
                replay.warm_up_replayed()
            }
            _ => workload.warm_up,
        }
    }

    /// How its operations arrive, and how their rate changes, in the words of a result.
    pub fn arrivals(&self, workload: &Workload) -> (&'static str, &'static str) {
        match self {
            Self::Closed(_) => ("paced", workload.arrivals.shape.name()),
            Self::Open { options, .. } if options.replay.is_some() => ("trace", "recorded"),
            Self::Open { options, .. } => (options.arrivals.name(), workload.arrivals.shape.name()),
        }
    }

    /// The mean rate asked for; `None` in a closed loop.
    pub fn rate_per_s(&self) -> Option<f64> {
        match self {
            Self::Closed(_) => None,
            Self::Open { rate_per_s, .. } => Some(*rate_per_s),
        }
    }

    /// The cores that its threads are pinned to.
    pub fn cores(&self) -> &[usize] {
        match self {
            Self::Closed(options) => &options.cores,
            Self::Open { options, .. } => &options.cores,
        }
    }
}
