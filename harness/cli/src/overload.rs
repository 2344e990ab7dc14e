//! `flywheel overload`: the peak, several times the peak, half the peak, the peak again; on one directory, in
//! one process. What is measured and how it is judged stands in `flywheel-load` and `flywheel-report`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flywheel_load::figures::{RunFigures, StepFigures};
use flywheel_load::{
    Arrivals, Control, OpenOptions, RunOptions, Step, TargetErrorKind, Workload, run_open,
};
use flywheel_report::{
    CpuTimes, Environment, MemoryFigures, OfferedFigures, OverloadResult, OverloadSecond, Paint,
    PeakFigures, QueueFigures, overload_summary, resident_bytes, utc_now, write_overload_folder,
};
use flywheel_shard::limits::MAX_ACTIVE_REQUESTS;
use flywheel_shard::{Engine, EngineOptions};
use flywheel_targets::EngineFactory;

use crate::args::{ArrivalsName, OverloadArgs};
use crate::convert;
use crate::error::CliError;
use crate::interrupt;
use crate::measure::faults_of;
use crate::phases::Bench;
use crate::progress;
use crate::run;
use crate::settings::{self, Named};
use crate::systems::Flywheel;

/// Unless they are given: more clients than a run's, for the peak is looked for, and a longer warm-up, for a
/// cache that still fills is not at its peak.
const DEFAULTS: [(&str, &str); 2] = [("threadcount", "256"), ("warmuptime", "10")];

const DEFAULT_SECONDS: u64 = 60;

/// Operations that the generator has room for beyond the engine's own bound.
const SPARE_SLOTS: usize = 64;

/// How often memory and queues are looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(200);

/// What each shard may hold beside its cache: a round of compaction (64 MiB), spare buffers (32 MiB), writes that
/// wait (16 MiB), and as much again that the allocator has not given back.
const GROWTH_PER_SHARD_BYTES: u64 = 128 << 20;

/// Runs all phases; the exit code says whether all marks were met.
pub fn command(args: &OverloadArgs, stop: &Arc<AtomicBool>) -> Result<u8, CliError> {
    let named = resolve(args)?;
    // The rates are not known yet; whether the workload suits an open loop is.
    OpenOptions::new(1.0, 1).check(&named.workload)?;
    let common = &args.common;
    let bare = Bench { common, stop, probe: None };
    run::load_if_empty(&Flywheel::default(), &bare, &named, true)?;
    let probe = run::probe(common, stop)?;
    let bench = Bench { probe: probe.as_ref(), ..bare };
    let mut result = begin(args, &named);
    result.device.before = bench.probe("probing before")?;
    measure(&bench, args, &named, &mut result)?;
    result.device.after = bench.probe("probing after")?;
    let verdict = result.seal();
    println!("{}", overload_summary(&result, Paint::for_stdout()));
    let folder =
        write_overload_folder(&common.out, &result).map_err(CliError::file(&common.out))?;
    println!("{}", folder.display());
    Ok(verdict.exit_code())
}

/// Checks the flags and reads the workload.
fn resolve(args: &OverloadArgs) -> Result<Named, CliError> {
    let flag = |text: String| Err(CliError::Flag(text));
    if !(args.factor.is_finite() && args.factor > 0.0) {
        return flag(format!("--factor: expected above 0, found {}", args.factor));
    }
    let seconds = args.common.seconds.unwrap_or(DEFAULT_SECONDS);
    for (name, seconds) in [
        ("--seconds", seconds),
        ("--peak-seconds", args.peak_seconds),
        ("--recovery-seconds", args.recovery_seconds),
    ] {
        if !(1..=86_400).contains(&seconds) {
            return flag(format!("{name}: expected 1 to 86400, found {seconds}"));
        }
    }
    let name = settings::workload_name(&args.files);
    settings::resolve_with(name, &args.files, &args.common, Some(seconds), &DEFAULTS)
}

/// A result with all that is known before anything is measured.
fn begin(args: &OverloadArgs, named: &Named) -> OverloadResult {
    OverloadResult {
        workload: named.name.clone(),
        system: "flywheel".into(),
        properties: named.workload.properties().clone(),
        seed: named.workload.seed,
        command: std::env::args().collect(),
        started_utc: utc_now(),
        environment: Environment::gather(&args.common.dir),
        factor: args.factor,
        ..OverloadResult::default()
    }
}

/// All phases on one open engine, whose limits are those that any user gets.
fn measure(
    bench: &Bench<'_>,
    args: &OverloadArgs,
    named: &Named,
    result: &mut OverloadResult,
) -> Result<(), CliError> {
    let options = settings::engine_options(bench.common, &named.workload, true)?;
    let engine = bench.open_engine(options.clone())?;
    let cpu_before = CpuTimes::now();
    let measured = (|| {
        result.peak_before = peak(bench, &engine, args, named, &mut result.faults)?;
        let cached = engine.stats()?.store.cache_bytes;
        result.memory = MemoryFigures {
            before_bytes: resident_bytes(),
            most_bytes: None,
            allowed_growth_bytes: options.store.cache_bytes.saturating_sub(cached)
                + u64::from(engine.shards()) * GROWTH_PER_SHARD_BYTES,
        };
        offer(bench, &engine, args, named, &options, result)?;
        result.peak_after = peak(bench, &engine, args, named, &mut result.faults)?;
        Ok(())
    })();
    result.environment.steal_share = cpu_before
        .zip(CpuTimes::now())
        .and_then(|(before, after)| before.steal_share_until(&after));
    engine.close()?;
    measured
}

/// The closed loop.
fn peak(
    bench: &Bench<'_>,
    engine: &Engine,
    args: &OverloadArgs,
    named: &Named,
    faults: &mut u64,
) -> Result<PeakFigures, CliError> {
    let mut workload = named.workload.clone();
    workload.max_execution_time = Some(Duration::from_secs(args.peak_seconds));
    let control = Control::with_stop_flag(bench.stop.clone());
    let factory = EngineFactory::new(engine.handle());
    let options = RunOptions { workers: args.common.workers, ..RunOptions::default() };
    let run = || flywheel_load::run(&workload, &factory, &options, &control);
    let figures = flywheel_load::validated(&workload, &factory, &control, || {
        progress::follow("peak", &control, run)
    })?;
    if interrupt::is_set(bench.stop) {
        return Err(CliError::Interrupted);
    }
    let is_refusal = |kind: TargetErrorKind| kind.is_refusal();
    let refused = figures.errors.iter().filter(|error| is_refusal(error.kind));
    let refused = refused.map(|error| error.count).sum();
    *faults += faults_of(&figures);
    let response = convert::response_of_all(&figures);
    Ok(PeakFigures {
        throughput_ops_per_s: figures.throughput_ops_per_s,
        p99_us: response.p99,
        max_us: response.max,
        refused,
    })
}

/// The open loop: too much, then half of what it can do.
fn offer(
    bench: &Bench<'_>,
    engine: &Engine,
    args: &OverloadArgs,
    named: &Named,
    options: &EngineOptions,
    result: &mut OverloadResult,
) -> Result<(), CliError> {
    let peak = result.peak_before.throughput_ops_per_s;
    let seconds = args.common.seconds.unwrap_or(DEFAULT_SECONDS);
    let mut arrivals = OpenOptions::new(peak * args.factor, seconds);
    arrivals.steps.push(Step::flat(peak * 0.5, args.recovery_seconds));
    arrivals.in_flight = options.in_flight + SPARE_SLOTS;
    arrivals.workers = args.common.workers;
    arrivals.arrivals = match args.arrivals {
        ArrivalsName::Poisson => Arrivals::Poisson,
        ArrivalsName::Constant => Arrivals::Constant,
    };
    let mut workload = named.workload.clone();
    workload.warm_up = Duration::ZERO;
    let (figures, samples) = follow_and_sample(bench, engine, &workload, &arrivals)?;
    if interrupt::is_set(bench.stop) {
        return Err(CliError::Interrupted);
    }
    result.faults += faults_of(&figures);
    let open = figures.open.as_ref().expect("the loop was open");
    result.overload = offered(&open.steps[0]);
    result.recovery = offered(&open.steps[1]);
    result.seconds = seconds_of(&figures, &samples.resident_bytes);
    result.memory.most_bytes = samples.resident_bytes.iter().copied().max().flatten();
    let shards = engine.stats()?.shards;
    let most = |figure: fn(&flywheel_shard::ShardStats) -> usize| {
        shards.iter().map(figure).max().unwrap_or(0) as u64
    };
    result.queues = QueueFigures {
        mailbox_most: most(|shard| shard.waiting_most),
        mailbox_bound: options.mailbox_requests as u64,
        active_most: most(|shard| shard.active_most),
        active_bound: MAX_ACTIVE_REQUESTS as u64,
        in_flight_most: open.in_flight_most,
        in_flight_bound: options.in_flight as u64,
        control_us_max: samples.control_us_max,
    };
    Ok(())
}

/// What was seen from outside while the load was on.
#[derive(Default)]
struct Samples {
    /// By second; the most of each.
    resident_bytes: Vec<Option<u64>>,
    control_us_max: f64,
}

fn follow_and_sample(
    bench: &Bench<'_>,
    engine: &Engine,
    workload: &Workload,
    arrivals: &OpenOptions,
) -> Result<(RunFigures, Samples), CliError> {
    let control = Control::with_stop_flag(bench.stop.clone());
    let factory = EngineFactory::new(engine.handle());
    let mut seen = Samples::default();
    let figures = flywheel_load::validated(workload, &factory, &control, || {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let sampler = scope.spawn(|| sample(engine, &control, &done));
            let figures = progress::follow("overload", &control, || {
                run_open(workload, &factory, arrivals, &control)
            });
            done.store(true, Ordering::Relaxed);
            seen = sampler.join().expect("the sampler does not panic")?;
            Ok::<_, CliError>(figures?)
        })
    })?;
    Ok((figures, seen))
}

/// Looks at memory, and asks the engine for its figures as an operator would.
fn sample(engine: &Engine, control: &Control, done: &AtomicBool) -> Result<Samples, CliError> {
    let mut samples = Samples::default();
    while !done.load(Ordering::Relaxed) {
        std::thread::sleep(SAMPLE_EVERY);
        let asked = Instant::now();
        engine.stats()?;
        samples.control_us_max = samples.control_us_max.max(asked.elapsed().as_secs_f64() * 1e6);
        let second = control.progress().elapsed.as_secs() as usize;
        if samples.resident_bytes.len() <= second {
            samples.resident_bytes.resize(second + 1, None);
        }
        samples.resident_bytes[second] = samples.resident_bytes[second].max(resident_bytes());
    }
    Ok(samples)
}

fn offered(step: &StepFigures) -> OfferedFigures {
    OfferedFigures {
        length_s: step.length_s,
        rate_per_s: step.rate_per_s,
        offered: step.arrivals.offered,
        late: step.arrivals.late,
        accepted: step.accepted,
        refused: step.arrivals.refused.clone(),
        p50_us: step.response_us.p50,
        p99_us: step.response_us.p99,
        max_us: step.response_us.max,
        last_refusal_s: step.last_refusal_s,
    }
}

fn seconds_of(figures: &RunFigures, resident_bytes: &[Option<u64>]) -> Vec<OverloadSecond> {
    let open = figures.open.as_ref().expect("the loop was open");
    let both = figures.intervals.iter().zip(&open.seconds).enumerate();
    let convert =
        |(second, (interval, arrivals)): (usize, (_, &flywheel_load::figures::ArrivalFigures))| {
            let interval: &flywheel_load::figures::IntervalFigures = interval;
            OverloadSecond {
                at_s: interval.start_s + 1.0,
                offered: arrivals.offered,
                accepted: interval.operations,
                refused: arrivals.refused.clone(),
                late: arrivals.late,
                p50_us: interval.p50_us,
                p99_us: interval.p99_us,
                max_us: interval.max_us,
                resident_bytes: resident_bytes.get(second).copied().flatten(),
            }
        };
    both.map(convert).collect()
}
