//! `flywheel trend`: keeps a history of results, and finds where it changed. Reads and appends to one file of JSON
//! lines; measures nothing.

use std::fs::OpenOptions;
use std::io::Write;

use flywheel_report::{TrendEntry, TrendError, Verdict, changes, parse_history, trend_summary};
use flywheel_stats::ChangeOptions;

use crate::args::TrendArgs;
use crate::compare;
use crate::error::CliError;

/// The newest change of some figure is for the worse.
const EXIT_REGRESSED: u8 = 1;

/// Appends what is to be added, then tells all changes; the exit code says whether a recent one is for the worse.
pub fn command(args: &TrendArgs) -> Result<u8, CliError> {
    let options = options(args)?;
    for folder in &args.add {
        let runs = compare::runs_in(folder)?;
        let known = read(args)?;
        let mut lines = String::new();
        for result in &runs.results {
            let entry = TrendEntry::of(result);
            let name = format!("{} of {}", entry.workload, entry.started_utc);
            if result.verdict() == Verdict::Fault {
                eprintln!("flywheel: {name} ended with a fault, and is not added");
            } else if known.contains(&entry) {
                eprintln!("flywheel: {name} is in the history already");
            } else {
                lines += &entry.to_line();
            }
        }
        append(args, &lines)?;
    }
    if !args.history.exists() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(CliError::file(&args.history)(missing));
    }
    let entries = read(args)?;
    let found = changes(&entries, &options).map_err(|error| problem(args, error))?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found).expect("figures make JSON"));
    } else {
        print!("{}", trend_summary(&entries, &found));
    }
    let recent = found.iter().any(|of| of.is_regression && of.results_since <= args.recent);
    Ok(if recent { EXIT_REGRESSED } else { 0 })
}

/// The history so far; empty where there is none yet.
fn read(args: &TrendArgs) -> Result<Vec<TrendEntry>, CliError> {
    let text = match std::fs::read_to_string(&args.history) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text.map_err(CliError::file(&args.history))?,
    };
    parse_history(&text).map_err(|error| problem(args, error))
}

fn problem(args: &TrendArgs, error: TrendError) -> CliError {
    CliError::Data { directory: args.history.clone(), problem: error.to_string() }
}

fn options(args: &TrendArgs) -> Result<ChangeOptions, CliError> {
    let flag = |text: String| Err(CliError::Flag(text));
    if !(args.significance > 0.0 && args.significance < 1.0) {
        let found = args.significance;
        return flag(format!("--significance: expected above 0 and below 1, found {found}"));
    }
    if !(args.min_percent.is_finite() && args.min_percent >= 0.0) {
        return flag(format!("--min-percent: expected 0 or more, found {}", args.min_percent));
    }
    Ok(ChangeOptions {
        significance: args.significance,
        min_relative: args.min_percent / 100.0,
        ..ChangeOptions::default()
    })
}

/// In one write, so that two who add at once do not mix their lines.
fn append(args: &TrendArgs, lines: &str) -> Result<(), CliError> {
    let path = &args.history;
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(lines.as_bytes())).map_err(CliError::file(path))
}
