//! Which workload a data directory was loaded with, so that a run never measures the wrong data. A
//! small file beside the engine's own; written once the load is complete.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flywheel_load::{Trace, Workload, WorkloadClass};
use serde::{Deserialize, Serialize};

use crate::error::CliError;

/// Properties that shape the records: they must agree between a load and a run.
const SHAPING: [&str; 9] = [
    "recordcount",
    "insertstart",
    "insertorder",
    "zeropadding",
    "fieldcount",
    "fieldlength",
    "fieldlengthdistribution",
    "fieldnameprefix",
    "dataintegrity",
];

/// The property that names the class, which shapes them too.
const CLASS: &str = "workload";

/// What of these shapes the records that a trace never writes.
const SHAPING_UNWRITTEN: [&str; 3] = ["fieldcount", "fieldlength", "fieldlengthdistribution"];

/// Which trace the records are for; directories of a workload have [`NO_TRACE`], those older than traces nothing.
const TRACE: &str = "trace";
const NO_TRACE: &str = "none";

/// What the directory holds.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Loaded {
    properties: BTreeMap<String, String>,
    /// How many records were loaded.
    #[serde(default)]
    records: Option<u64>,
}

fn path(directory: &Path) -> PathBuf {
    directory.join("loaded.json")
}

/// A trace by what is in it, whatever its name and format.
pub fn identity(trace: &Trace) -> String {
    format!("xxh3 {:016x} of {} operations", trace.survey.fingerprint, trace.survey.total())
}

fn shape(workload: &Workload) -> BTreeMap<String, String> {
    let effective = workload.properties();
    let cash = (workload.class == WorkloadClass::ClosedEconomy).then_some("total_cash");
    let shaping = if workload.trace.is_some() { &SHAPING_UNWRITTEN[..] } else { &SHAPING };
    let mut properties: BTreeMap<String, String> = shaping
        .iter()
        .copied()
        .chain(cash)
        .filter_map(|name| Some((name.to_owned(), effective.get(name)?.clone())))
        .collect();
    // By the class, which has several names.
    properties.insert(CLASS.to_owned(), workload.class.name().to_owned());
    let trace = workload.trace.as_ref().map_or_else(|| NO_TRACE.to_owned(), identity);
    properties.insert(TRACE.to_owned(), trace);
    properties
}

/// Notes that the directory holds all records of `workload`, so many.
pub fn note(directory: &Path, workload: &Workload, records: u64) -> Result<(), CliError> {
    let path = path(directory);
    let loaded = Loaded { properties: shape(workload), records: Some(records) };
    let text = serde_json::to_string_pretty(&loaded).expect("strings make JSON");
    let unfinished = path.with_extension("json.unfinished");
    std::fs::write(&unfinished, text + "\n")
        .and_then(|()| std::fs::File::open(&unfinished)?.sync_all())
        .and_then(|()| std::fs::rename(&unfinished, &path))
        .map_err(CliError::file(path))
}

/// How many records were loaded, if that was noted.
pub fn records(directory: &Path) -> Result<Option<u64>, CliError> {
    Ok(read(directory)?.records)
}

fn read(directory: &Path) -> Result<Loaded, CliError> {
    let problem = |problem| CliError::Data { directory: directory.to_owned(), problem };
    let text = match std::fs::read_to_string(path(directory)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(problem(
                "not empty, and no complete load of a workload; delete it, or choose another --dir"
                    .into(),
            ));
        }
        Err(error) => return Err(CliError::file(path(directory))(error)),
    };
    serde_json::from_str(&text)
        .map_err(|error| problem(format!("loaded.json cannot be read: {error}")))
}

/// Checks that a directory that is not empty was loaded completely, with the same records.
pub fn check(directory: &Path, workload: &Workload) -> Result<(), CliError> {
    let problem = |problem| CliError::Data { directory: directory.to_owned(), problem };
    let loaded = read(directory)?;
    let wanted = shape(workload);
    let trace = loaded.properties.get(TRACE).map_or(NO_TRACE, String::as_str);
    // First, for what else differs follows from it.
    if trace != wanted[TRACE] {
        return Err(problem(format!(
            "loaded for trace {trace:?}, and this workload has trace {:?}; choose another --dir",
            wanted[TRACE]
        )));
    }
    for (name, wanted) in wanted.iter().filter(|(name, _)| *name != TRACE) {
        // Directories loaded before there were classes hold the core's records.
        let missing = if name == CLASS { WorkloadClass::Core.name() } else { "nothing" };
        let found = loaded.properties.get(name).map_or(missing, String::as_str);
        if found != wanted {
            return Err(problem(format!(
                "loaded with {name}={found}, and the workload says {name}={wanted}; change the \
                 property, or choose another --dir"
            )));
        }
    }
    Ok(())
}
