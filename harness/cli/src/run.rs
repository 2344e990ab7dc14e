//! `flywheel run`: one workload, from properties to a result folder.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use flywheel_device::{Probe, ProbeOptions};
use flywheel_report::{Paint, RunResult, summary, write_folder};
use flywheel_targets::NullFactory;

use crate::args::{Common, RunArgs, TargetName};
use crate::device;
use crate::error::CliError;
use crate::loaded;
use crate::phases::{self, Bench};
use crate::settings::{self, Named};

/// Runs one workload; the exit code says whether the target was met.
pub fn command(args: &RunArgs, stop: &Arc<AtomicBool>) -> Result<u8, CliError> {
    let name = settings::workload_name(&args.files);
    let named = settings::resolve(name, &args.files, &args.common, None)?;
    let result = match args.target {
        TargetName::Null => on_null(&args.common, &named, stop)?,
        TargetName::Engine => on_engine(&args.common, &named, stop)?,
    };
    report(&args.common, &result)?;
    Ok(result.verdict().exit_code())
}

/// Prints a result and writes its folder.
fn report(common: &Common, result: &RunResult) -> Result<(), CliError> {
    println!("{}", summary(result, Paint::for_stdout()));
    let folder = write_folder(&common.out, result).map_err(CliError::file(&common.out))?;
    println!("{}", folder.display());
    Ok(())
}

fn on_null(common: &Common, named: &Named, stop: &Arc<AtomicBool>) -> Result<RunResult, CliError> {
    let started = Instant::now();
    let bench = Bench { common, stop, probe: None };
    let mut result = phases::begin(named, "null", common, &common.dir);
    bench.measure(&NullFactory::new(&named.workload), named, &mut result)?;
    phases::finish(&mut result, started);
    Ok(result)
}

fn on_engine(
    common: &Common,
    named: &Named,
    stop: &Arc<AtomicBool>,
) -> Result<RunResult, CliError> {
    let started = Instant::now();
    let is_new = settings::is_empty(&common.dir)?;
    if !is_new {
        loaded::check(&common.dir, &named.workload)?;
    }
    let bare = Bench { common, stop, probe: None };
    let load = if is_new {
        let engine = bare.open(&named.workload)?;
        let load = bare.load(&engine, &named.workload)?;
        engine.close()?;
        Some(load)
    } else {
        None
    };
    let probe = probe(common, stop)?;
    let bench = Bench { probe: probe.as_ref(), ..bare };
    let mut result = phases::begin(named, "flywheel", common, &common.dir);
    result.load = load;
    run_loaded(&bench, named, &mut result)?;
    phases::finish(&mut result, started);
    Ok(result)
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
pub fn run_loaded(
    bench: &Bench<'_>,
    named: &Named,
    result: &mut RunResult,
) -> Result<(), CliError> {
    result.device.before = bench.probe("probing before")?;
    let engine = bench.open(&named.workload)?;
    let measured = bench.measure_engine(&engine, named, result);
    engine.close()?;
    measured?;
    result.device.after = bench.probe("probing after")?;
    Ok(())
}
