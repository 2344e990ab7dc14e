//! `flywheel run`: one workload, from properties to a result folder.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_device::{Probe, ProbeOptions};
use flywheel_report::{LoadPhase, Paint, RunResult, summary, write_folder};

use crate::args::{Chosen, Common, Rate, RunArgs, ThrottlingName};
use crate::device;
use crate::drive;
use crate::dynamodb::{self, DynamoDb};
use crate::error::CliError;
use crate::loaded;
use crate::measure::{HdrLog, Measurement, Subject};
use crate::phases::{self, Bench};
use crate::record;
use crate::settings::{self, Named};
use crate::systems::{self, Flywheel, Open, System, Table};
use crate::watch;

/// Runs one workload; the exit code says whether the target was met.
pub fn command(args: &RunArgs, stop: &Arc<AtomicBool>) -> Result<u8, CliError> {
    let (trace, speed) = (args.trace.trace.as_deref(), args.trace.speed);
    let named = settings::resolve_traced(&args.files, &args.common, trace, speed)?;
    drive::check(&named.workload, &args.load)?;
    let partitions = args.partitions.resolve(args.target.0).map_err(CliError::Flag)?;
    let is_open_loop = drive::is_open(&named.workload, &args.load);
    if partitions.throttling != ThrottlingName::Never && !is_open_loop {
        eprintln!(
            "flywheel: --throttling: what is throttled counts as failed in a closed loop, and the run ends with a fault; \
             give --rate"
        );
    }
    if partitions.throttling != ThrottlingName::Never {
        check_unthrottled(args)?;
    }
    if !args.target.0.has_items() {
        dynamodb::warn_of_unused(&named.workload);
    }
    if let Some(path) = &args.trace.record {
        record::check(path, &named.workload)?;
    }
    let (result, log) = match args.target.0 {
        Chosen::Null => on_null(args, &named, stop)?,
        Chosen::Engine => on(&Flywheel(partitions), None, args, &named, stop)?,
        Chosen::Table => {
            // Throttled, a load would end with its first burst.
            let loading = Table(partitions.unthrottled());
            on(&Table(partitions), Some(&loading), args, &named, stop)?
        }
        Chosen::DynamoDb => on(&DynamoDb(&args.dynamodb), None, args, &named, stop)?,
        Chosen::Peer(peer) => {
            peer.available()?;
            on(&peer, None, args, &named, stop)?
        }
    };
    record::tell(&result);
    report(&args.common, &result, log)?;
    let code = result.verdict().exit_code();
    Ok(if record::is_whole(&result) { code } else { crate::EXIT_FAULT })
}

/// Refuses what would be measured or written before the run while requests are throttled.
fn check_unthrottled(args: &RunArgs) -> Result<(), CliError> {
    let problem = if args.load.precondition > 0.0 {
        "--precondition: its overwrites would be throttled with --throttling; precondition the directory in a run without"
    } else if matches!(args.load.rate, Some(Rate::OfPeak(_))) {
        "--rate: a share of the peak would be one of what --throttling lets in; give operations a second"
    } else {
        return Ok(());
    };
    Err(CliError::Flag(problem.into()))
}

/// Prints a result and writes its folder.
pub fn report(common: &Common, result: &RunResult, log: HdrLog) -> Result<(), CliError> {
    println!("{}", summary(result, Paint::for_stdout()));
    let files = [("latency.hlog", log.0)];
    let folder = write_folder(&common.out, result, &files).map_err(CliError::file(&common.out))?;
    println!("{}", folder.display());
    Ok(())
}

fn on_null(
    args: &RunArgs,
    named: &Named,
    stop: &Arc<AtomicBool>,
) -> Result<(RunResult, HdrLog), CliError> {
    let bench = Bench { common: &args.common, stop, probe: None };
    let mut result = phases::begin(named, "null", &args.common, &args.common.dir);
    let subject = Subject {
        factory: &systems::null(&named.workload),
        watch: &watch::Nothing,
        manners: systems::null_manners(&args.common),
        stores: false,
    };
    let record = args.trace.record.as_deref();
    let measurement = Measurement { bench: &bench, load: &args.load, record };
    let log = measurement.run(&subject, named, &mut result)?;
    result.seal();
    Ok((result, log))
}

/// Loads, as `loading` if that is another, and measures.
fn on<S: System>(
    system: &S,
    loading: Option<&S>,
    args: &RunArgs,
    named: &Named,
    stop: &Arc<AtomicBool>,
) -> Result<(RunResult, HdrLog), CliError> {
    let common = &args.common;
    let bare = Bench { common, stop, probe: None };
    let is_open_loop = drive::is_open(&named.workload, &args.load);
    let load = load_if_empty(loading.unwrap_or(system), &bare, named, is_open_loop)?;
    let probe = if system.is_local() { probe(common, stop)? } else { None };
    let bench = Bench { probe: probe.as_ref(), ..bare };
    let mut result = phases::begin(named, system.name(), common, &common.dir);
    result.load = load;
    let record = args.trace.record.as_deref();
    let measurement = Measurement { bench: &bench, load: &args.load, record };
    let log = run_loaded(system, &measurement, named, &mut result)?;
    result.seal();
    Ok((result, log))
}

/// Loads an empty directory, and checks that one which is not holds the workload's records.
pub fn load_if_empty<S: System>(
    system: &S,
    bench: &Bench<'_>,
    named: &Named,
    is_open_loop: bool,
) -> Result<Option<LoadPhase>, CliError> {
    if !system.is_local() {
        let open = system.open(bench, &named.workload, is_open_loop)?;
        if open.is_loaded(&named.workload)? {
            return Ok(None);
        }
        return bench.load_remote(&open, &named.workload).map(Some);
    }
    let dir = &bench.common.dir;
    if !settings::is_empty(dir)? {
        loaded::check(dir, &named.workload)?;
        return Ok(None);
    }
    let open = system.open(bench, &named.workload, is_open_loop)?;
    let load = bench.load(&open, &named.workload)?;
    open.close()?;
    Ok(Some(load))
}

/// The brief probe, with its file beside the data.
pub fn probe(common: &Common, stop: &Arc<AtomicBool>) -> Result<Option<Probe>, CliError> {
    if common.no_probe {
        return Ok(None);
    }
    std::fs::create_dir_all(&common.dir).map_err(CliError::file(&common.dir))?;
    let mut options = ProbeOptions::brief(&common.dir);
    options.stop = Some(stop.clone());
    device::prepare(options).map(Some)
}

/// Probes, opens, measures, closes and probes again.
pub fn run_loaded<S: System>(
    system: &S,
    measurement: &Measurement<'_>,
    named: &Named,
    result: &mut RunResult,
) -> Result<HdrLog, CliError> {
    let bench = measurement.bench;
    result.device.before = bench.probe("probing before")?;
    let is_open_loop = drive::is_open(&named.workload, measurement.load);
    let open = system.open(bench, &named.workload, is_open_loop)?;
    result.settings = open.settings();
    let subject = Subject {
        factory: open.factory(),
        watch: open.watch(),
        manners: open.manners(bench.common, &named.workload),
        stores: true,
    };
    let measured = measurement.run(&subject, named, result);
    if system.is_local() {
        result.disk_bytes = flywheel_targets::disk_bytes(&bench.common.dir).ok();
    }
    open.close()?;
    let log = measured?;
    result.device.after = bench.probe("probing after")?;
    Ok(log)
}
