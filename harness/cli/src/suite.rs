//! `flywheel suite`: YCSB's whole suite in its order, one result folder a workload and one table.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_report::{RunResult, Verdict};

use crate::args::SuiteArgs;
use crate::drive;
use crate::error::CliError;
use crate::interrupt;
use crate::measure::Measurement;
use crate::phases::{self, Bench};
use crate::run::{probe, report, run_loaded};
use crate::settings::{self, Named};
use crate::systems::{Flywheel, Open, System};

/// Seconds that each workload is measured for, unless `--seconds` is given.
const DEFAULT_SECONDS: u64 = 20;

/// The workloads that run on one load, in order. YCSB's own order: D last, since it inserts.
const LOADS: [&[&str]; 2] = [&["a", "b", "c", "f", "d"], &["e"]];

/// Runs all workloads; the exit code is the worst of theirs.
pub fn command(args: &SuiteArgs, stop: &Arc<AtomicBool>) -> Result<u8, CliError> {
    let common = &args.common;
    let suite = resolve_all(args)?;
    for named in suite.iter().flatten() {
        drive::check(&named.workload, &args.load)?;
    }
    if !settings::is_empty(&common.dir)? {
        let problem = "not empty, and the suite begins and ends with an empty directory; delete it, \
                       or choose another --dir";
        return Err(CliError::Data { directory: common.dir.clone(), problem: problem.into() });
    }
    std::fs::create_dir_all(&common.out).map_err(CliError::file(&common.out))?;
    let probe = probe(common, stop)?;
    let bench = Bench { common, stop, probe: probe.as_ref() };
    let mut results = Vec::new();
    for workloads in &suite {
        if !interrupt::is_set(stop) {
            let measurement = Measurement { bench: &bench, load: &args.load, record: None };
            run_on_one_load(&measurement, workloads, &mut results)?;
        }
    }
    drop(probe);
    wipe(&common.dir)?;
    if results.is_empty() {
        return Err(CliError::Interrupted);
    }
    println!("{}", flywheel_report::suite(&results));
    println!("{}", common.out.display());
    let worst = results.iter().map(RunResult::verdict).reduce(Verdict::worse);
    Ok(worst.map_or(crate::EXIT_FAULT, Verdict::exit_code))
}

/// Reads all workload files before anything begins, so that a bad one costs nothing.
fn resolve_all(args: &SuiteArgs) -> Result<Vec<Vec<Named>>, CliError> {
    let resolve = |name: &&str| {
        let file = args.workloads.join(format!("{name}.properties"));
        settings::resolve((*name).to_owned(), &[file], &args.common, Some(DEFAULT_SECONDS))
    };
    LOADS.iter().map(|names| names.iter().map(resolve).collect()).collect()
}

/// Loads once, then runs each workload on what is there.
fn run_on_one_load(
    measurement: &Measurement<'_>,
    workloads: &[Named],
    results: &mut Vec<RunResult>,
) -> Result<(), CliError> {
    let bench = measurement.bench;
    let Some(first) = workloads.first() else { return Ok(()) };
    wipe(&bench.common.dir)?;
    let is_open_loop = drive::is_open(&first.workload, measurement.load);
    let open = Flywheel::default().open(bench, &first.workload, is_open_loop)?;
    let loaded = match bench.load(&open, &first.workload) {
        // What was measured before the Ctrl-C is still reported.
        Err(CliError::Interrupted) if !results.is_empty() => return Ok(()),
        loaded => loaded?,
    };
    open.close()?;
    let mut load = Some(loaded);
    for named in workloads {
        if interrupt::is_set(bench.stop) {
            break;
        }
        let mut result = phases::begin(named, "flywheel", bench.common, &bench.common.dir);
        result.load = load.take();
        let log = run_loaded(&Flywheel::default(), measurement, named, &mut result)?;
        result.seal();
        report(bench.common, &result, log)?;
        println!();
        results.push(result);
    }
    Ok(())
}

/// Empties the data directory.
fn wipe(directory: &Path) -> Result<(), CliError> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(CliError::file(directory)(error))
        }
        _ => std::fs::create_dir_all(directory).map_err(CliError::file(directory)),
    }
}
