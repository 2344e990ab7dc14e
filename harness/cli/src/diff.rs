//! `flywheel diff`: endpoints of DynamoDB's API compared. Not the comparing: see `flywheel-diff`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flywheel_diff::{
    Bench, Corpus, Endpoint, OPERATIONS, Plan, Recorder, Report, Signer, Strictness, run,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::DiffArgs;
use crate::error::CliError;
use crate::interrupt;

/// Cases of a run that has no other bound.
const DEFAULT_CASES: u64 = 200;

/// Compares until there were enough cases, or until `stop`.
pub fn command(args: &DiffArgs, stop: &AtomicBool) -> Result<u8, CliError> {
    let plan = plan(args)?;
    let mut recorder = args.record.as_deref().map(|dir| recorder(dir, args.agree)).transpose()?;
    let strict = Strictness {
        messages: !args.types_only,
        capacity: args.capacity,
        envelopes: args.envelopes,
    };
    // Tables of runs that follow each other have different names.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut bench = Bench::new(endpoints(args)?, strict, now);
    let stopped = || interrupt::is_set(stop);
    let report = run(&mut bench, &plan, recorder.as_mut(), stopped, |group| {
        eprintln!("case {}: {}", group.case, group.signature);
    })?;
    print!("{report}");
    if let Some(path) = &args.out {
        write_json(path, &report)?;
    }
    if let (Some(dir), Some(recorder)) = (&args.record, &recorder) {
        fs::create_dir_all(dir).map_err(CliError::file(dir))?;
        for (operation, corpus) in &recorder.files {
            write_json(&dir.join(format!("{operation}.json")), corpus)?;
        }
    }
    match &report.fault {
        Some(fault) => Err(CliError::Child(fault.clone())),
        None => Ok(u8::from(!report.groups.is_empty())),
    }
}

fn plan(args: &DiffArgs) -> Result<Plan, CliError> {
    let drawn: Vec<&str> = OPERATIONS.iter().map(|(_, name)| *name).collect();
    if let Some(unknown) = args.only.iter().find(|only| !drawn.contains(&only.as_str())) {
        let message = format!("--only: expected some of {}, found {unknown:?}", drawn.join(", "));
        return Err(CliError::Flag(message));
    }
    let mut known = BTreeSet::new();
    for path in &args.known {
        known.extend(read_json::<Report>(path)?.signatures());
    }
    let default = args.seconds.is_none().then_some(DEFAULT_CASES);
    Ok(Plan {
        seed: args.seed,
        cases: args.cases.or(default),
        time: args.seconds.map(Duration::from_secs),
        only: args.only.clone(),
        known,
        shrink_runs: args.shrink,
    })
}

fn endpoints(args: &DiffArgs) -> Result<Vec<Endpoint>, CliError> {
    let from = |name: &str, otherwise: &str| std::env::var(name).unwrap_or(otherwise.to_owned());
    let signer = Signer {
        access_key: from("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        secret: from("AWS_SECRET_ACCESS_KEY", "secret"),
        region: args.region.clone(),
    };
    if args.endpoints.len() < 2 {
        return Err(CliError::Flag("--endpoint: give two at least, to compare them".into()));
    }
    let parse = |(number, text): (usize, &String)| {
        Endpoint::parse(text, number, signer.clone())
            .map_err(|problem| CliError::Flag(format!("--endpoint: {problem}")))
    };
    args.endpoints.iter().enumerate().map(parse).collect()
}

/// What is recorded so far.
fn recorder(dir: &Path, least: usize) -> Result<Recorder, CliError> {
    let mut files = BTreeMap::new();
    for (_, operation) in OPERATIONS {
        let path = dir.join(format!("{operation}.json"));
        if path.exists() {
            files.insert((*operation).to_owned(), read_json::<Corpus>(&path)?);
        }
    }
    Ok(Recorder { files, least })
}

fn read_json<T: DeserializeOwned>(path: &PathBuf) -> Result<T, CliError> {
    let text = fs::read_to_string(path).map_err(CliError::file(path))?;
    serde_json::from_str(&text)
        .map_err(|error| CliError::Flag(format!("{}: {error}", path.display())))
}

fn write_json(path: &PathBuf, what: &impl Serialize) -> Result<(), CliError> {
    let failed = |error| CliError::Flag(format!("{}: {error}", path.display()));
    let mut text = serde_json::to_string_pretty(what).map_err(failed)?;
    text.push('\n');
    fs::write(path, text).map_err(CliError::file(path))
}
