//! Which workload a data directory was loaded with, so that a run never measures the wrong data. A
//! small file beside the engine's own; written once the load is complete.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flywheel_load::Workload;
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

/// What the directory holds.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Loaded {
    properties: BTreeMap<String, String>,
}

fn path(directory: &Path) -> PathBuf {
    directory.join("loaded.json")
}

fn shape(workload: &Workload) -> Loaded {
    let effective = workload.properties();
    let properties = SHAPING
        .iter()
        .filter_map(|&name| Some((name.to_owned(), effective.get(name)?.clone())))
        .collect();
    Loaded { properties }
}

/// Notes that the directory holds all records of `workload`.
pub fn note(directory: &Path, workload: &Workload) -> Result<(), CliError> {
    let path = path(directory);
    let text = serde_json::to_string_pretty(&shape(workload)).expect("strings make JSON");
    let unfinished = path.with_extension("json.unfinished");
    std::fs::write(&unfinished, text + "\n")
        .and_then(|()| std::fs::File::open(&unfinished)?.sync_all())
        .and_then(|()| std::fs::rename(&unfinished, &path))
        .map_err(CliError::file(path))
}

/// Checks that a directory that is not empty was loaded completely, with the same records.
pub fn check(directory: &Path, workload: &Workload) -> Result<(), CliError> {
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
    let loaded: Loaded = serde_json::from_str(&text)
        .map_err(|error| problem(format!("loaded.json cannot be read: {error}")))?;
    let wanted = shape(workload);
    for (name, wanted) in &wanted.properties {
        let found = loaded.properties.get(name).map_or("nothing", String::as_str);
        if found != wanted {
            return Err(problem(format!(
                "loaded with {name}={found}, and the workload says {name}={wanted}; change the \
                 property, or choose another --dir"
            )));
        }
    }
    Ok(())
}
