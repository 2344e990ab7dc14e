//! From arguments to checked settings: what the rest of the program sees. Nothing is opened yet, so
//! bad input ends here, before anything changes.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use flywheel_load::{Properties, Workload};
use flywheel_shard::limits::MAX_ACTIVE_REQUESTS;
use flywheel_shard::{EngineOptions, StoreOptions};

use crate::args::Common;
use crate::error::CliError;

/// Partitions that a new directory begins with, for each shard: enough to move some about.
const PARTITIONS_PER_SHARD: usize = 4;

/// Clients, unless `threadcount` is given: enough to saturate the disks we have seen.
const DEFAULT_THREAD_COUNT: &str = "64";

/// Seconds run before figures are taken, unless `warmuptime` is given.
const DEFAULT_WARM_UP_S: &str = "3";

/// A workload and its name.
pub struct Named {
    /// The file's name without its ending.
    pub name: String,
    /// The workload.
    pub workload: Workload,
}

/// Reads workload files and flags into a workload; prints what has no effect.
pub fn resolve(
    name: String,
    files: &[PathBuf],
    common: &Common,
    default_seconds: Option<u64>,
) -> Result<Named, CliError> {
    let defaults = [("threadcount", DEFAULT_THREAD_COUNT), ("warmuptime", DEFAULT_WARM_UP_S)];
    resolve_with(name, files, common, default_seconds, &defaults)
}

/// The same with other defaults for properties that are not given.
pub fn resolve_with(
    name: String,
    files: &[PathBuf],
    common: &Common,
    default_seconds: Option<u64>,
    defaults: &[(&str, &str)],
) -> Result<Named, CliError> {
    let named = resolve_any(name, files, common, default_seconds, defaults, &[])?;
    if named.workload.trace.is_some() {
        let problem =
            "arrivals=trace: a trace has times of its own, and is replayed by flywheel run alone";
        return Err(CliError::Flag(problem.into()));
    }
    Ok(named)
}

/// The same for commands that can replay a trace, which these flags may name.
pub fn resolve_traced(
    files: &[PathBuf],
    common: &Common,
    trace: Option<&Path>,
    speed: Option<f64>,
) -> Result<Named, CliError> {
    let mut flags = Vec::new();
    if let Some(trace) = trace {
        let Some(file) = trace.to_str() else {
            let problem = format!("--trace: expected a name in UTF-8, found {trace:?}");
            return Err(CliError::Flag(problem));
        };
        flags.push(("arrivals", "trace".to_owned(), "--trace"));
        flags.push(("tracefile", file.to_owned(), "--trace"));
    }
    flags.extend(speed.map(|speed| ("tracespeed", speed.to_string(), "--speed")));
    let name = match trace {
        Some(trace) => trace_name(trace),
        None => workload_name(files),
    };
    let defaults = [("threadcount", DEFAULT_THREAD_COUNT), ("warmuptime", DEFAULT_WARM_UP_S)];
    resolve_any(name, files, common, None, &defaults, &flags)
}

/// Properties are set by files, then arguments, then flags: `(name, value, flag)`.
fn resolve_any(
    name: String,
    files: &[PathBuf],
    common: &Common,
    default_seconds: Option<u64>,
    defaults: &[(&str, &str)],
    flags: &[(&str, String, &str)],
) -> Result<Named, CliError> {
    if common.workers == Some(0) {
        return Err(CliError::Flag("--workers: expected at least 1, found 0".into()));
    }
    if common.shards == Some(0) {
        return Err(CliError::Flag("--shards: expected at least 1, found 0".into()));
    }
    let is_positive = common.p99_ms.is_finite() && common.p99_ms > 0.0;
    if !is_positive {
        let found = common.p99_ms;
        return Err(CliError::Flag(format!("--p99-ms: expected above 0, found {found}")));
    }
    let mut properties = Properties::new();
    for file in files {
        properties.load_file(file)?;
    }
    for argument in &common.properties {
        properties.set_argument(argument)?;
    }
    for (name, value, flag) in flags {
        properties.set_override(name, value, flag);
    }
    let is = |name: &str, value: &str| {
        properties.get(name).is_some_and(|set| set.value.eq_ignore_ascii_case(value))
    };
    let is_traced = is("arrivals", "trace");
    for (name, value) in defaults {
        // A trace is replayed from its beginning, unless somebody says otherwise.
        let applies = !(is_traced && *name == "warmuptime");
        if applies && properties.get(name).is_none() {
            properties.set_override(name, value, "default");
        }
    }
    if let Some(seconds) = common.seconds.or(default_seconds) {
        properties.set_override("maxexecutiontime", &seconds.to_string(), "--seconds");
        let count_asked = common.properties.iter().any(|text| text.starts_with("operationcount="));
        if !count_asked {
            properties.set_override("operationcount", "0", "--seconds");
        }
    }
    if let Some(seed) = common.seed {
        properties.set_override("seed", &seed.to_string(), "--seed");
    }
    let resolved = Workload::resolve(&properties)?;
    for warning in &resolved.warnings {
        eprintln!("flywheel: {warning}");
    }
    Ok(Named { name, workload: resolved.workload })
}

/// The name of a trace: that of its file without its endings.
fn trace_name(file: &Path) -> String {
    let name = file.file_name().map_or_else(|| "trace".into(), |name| name.to_string_lossy());
    name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("trace").to_owned()
}

/// The name of a workload: that of its last file.
pub fn workload_name(files: &[PathBuf]) -> String {
    let stem = files.last().and_then(|file| file.file_stem());
    stem.map_or_else(|| "workload".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// How the engine is opened for a workload. With arrivals that wait for nobody its limits are those that any
/// user gets.
pub fn engine_options(
    common: &Common,
    workload: &Workload,
    is_open_loop: bool,
) -> Result<EngineOptions, CliError> {
    let shards = common.shards.unwrap_or_else(cores);
    let splits = workload.split_keys(shards * PARTITIONS_PER_SHARD);
    let usual = EngineOptions::default();
    let clients = workload.thread_count as usize;
    // Each client waits for its answer: there is no queue but theirs, and nobody to turn away.
    let (in_flight, always_admitted) = if is_open_loop {
        (usual.in_flight, usual.always_admitted)
    } else {
        ((clients * 2).max(4096), clients.clamp(128, MAX_ACTIVE_REQUESTS))
    };
    Ok(EngineOptions {
        shards: common.shards.unwrap_or(0),
        store: StoreOptions {
            cache_bytes: common.cache_mib.saturating_mul(1 << 20),
            index_bytes: common.index_mib.map_or(u64::MAX, |mib| mib.saturating_mul(1 << 20)),
            ..StoreOptions::default()
        },
        in_flight,
        always_admitted,
        initial_splits: splits.into_iter().map(Bytes::from).collect(),
        ..usual
    })
}

/// Cores that the engine's shards leave free: they take the first ones, one each.
pub fn spare_cores(common: &Common) -> Vec<usize> {
    let Ok(allowed) = rustix::thread::sched_getaffinity(None) else { return Vec::new() };
    let allowed = (0..rustix::thread::CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    allowed.skip(common.shards.unwrap_or_else(cores)).collect()
}

/// Cores this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Whether a directory is missing or has nothing in it.
pub fn is_empty(directory: &Path) -> Result<bool, CliError> {
    match std::fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(CliError::file(directory)(error)),
    }
}
