//! `flywheel plan`: from numbers, metrics, a trace or results to a capacity plan. Finds out which of them it was given and reads files;
//! what a plan says is worked out in `flywheel-report`.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use flywheel_capacity::prices::Prices;
use flywheel_load::trace::{LoadPlan, TraceEntry, TraceFormat, TraceReader};
use flywheel_report::{
    CloudWatchFormat, MAX_METRICS_BYTES, Numbers, PlanInput, PlanOptions, Provisioned, TraceReplay,
    TraceTally, TracedOperation, Yardstick, cloudwatch_input, plan, plan_summary, results_input,
    utc_now, write_plan_folder, yardstick,
};

use crate::args::PlanArgs;
use crate::compare;
use crate::convert;
use crate::error::CliError;

/// Where folders go unless somebody says otherwise.
const DEFAULT_OUT: &str = "results";

/// Makes a plan; bad input is the only way to fail.
pub fn command(args: &PlanArgs) -> Result<u8, CliError> {
    let prices = prices(&args.prices)?;
    let measured = args.measured.as_deref().map(measured).transpose()?;
    let input = input(args)?.with_yardstick(measured);
    let options = PlanOptions {
        target_percent: args.target_percent,
        growth_given: args.growth_percent.is_some(),
        growth_percent: args.growth_percent.unwrap_or(PlanOptions::default().growth_percent),
    };
    let command: Vec<String> = std::env::args().collect();
    let plan = plan(&input, &prices, &options, &utc_now(), &command)?;
    let out = match (&args.out, args.json) {
        (Some(out), _) => Some(out.clone()),
        (None, false) => Some(PathBuf::from(DEFAULT_OUT)),
        (None, true) => None,
    };
    let folder = out.map(|out| write_plan_folder(&out, &plan).map_err(CliError::file(&out)));
    let folder = folder.transpose()?.map(|folder| folder.display().to_string());
    let mut text = if args.json { plan.to_json() } else { plan_summary(&plan) };
    match folder {
        Some(folder) if args.json => eprintln!("{folder}"),
        Some(folder) => text += &format!("\n{folder}\n"),
        None => {}
    }
    say(&text)?;
    Ok(0)
}

/// To standard output; whoever reads only the beginning of it has had enough.
fn say(text: &str) -> Result<(), CliError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::file("standard output")(error))
        }
        _ => Ok(()),
    }
}

/// This build's prices, overridden by each file in turn.
fn prices(files: &[PathBuf]) -> Result<Prices, CliError> {
    files.iter().try_fold(Prices::list(), |prices, path| {
        let text = text_of(path)?;
        let name = path.display().to_string();
        let problem = |error: flywheel_capacity::prices::PriceError| data(path, error.to_string());
        prices.overridden_by(&text, &name).map_err(problem)
    })
}

fn data(path: &Path, problem: String) -> CliError {
    CliError::Data { directory: path.to_owned(), problem }
}

/// A file's text, of bounded size.
fn text_of(path: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let file = File::open(path).map_err(CliError::file(path))?;
    let read = file.take(MAX_METRICS_BYTES + 1).read_to_string(&mut text);
    let bytes = read.map_err(CliError::file(path))? as u64;
    if bytes > MAX_METRICS_BYTES {
        let most = MAX_METRICS_BYTES >> 20;
        return Err(data(path, format!("larger than {most} MiB: export a shorter time")));
    }
    Ok(text)
}

/// What one machine does.
fn measured(folder: &Path) -> Result<Yardstick, CliError> {
    let names = ["search.json", "result.json"].map(|name| folder.join(name));
    let Some(path) = names.iter().find(|path| path.is_file()) else {
        let problem =
            "holds no search.json or result.json: give a folder that flywheel search or run wrote";
        return Err(data(folder, problem.into()));
    };
    let found = yardstick(&text_of(path)?).map_err(|error| data(path, error.to_string()))?;
    found.ok_or_else(|| {
        let problem = "found no rate that was kept: give a run or a search that met its target";
        data(path, problem.into())
    })
}

/// The flags that say a load in numbers, with whether each was given.
fn numbers_given(args: &PlanArgs) -> Vec<&'static str> {
    let flags = [
        ("--reads-per-s", args.reads_per_s),
        ("--writes-per-s", args.writes_per_s),
        ("--peak-reads-per-s", args.peak_reads_per_s),
        ("--peak-writes-per-s", args.peak_writes_per_s),
        ("--peak-hours-per-day", args.peak_hours_per_day),
    ];
    flags.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect()
}

fn flag(text: impl Into<String>) -> CliError {
    CliError::Flag(text.into())
}

fn input(args: &PlanArgs) -> Result<PlanInput, CliError> {
    let is_of_trace = matches!(args.from.as_slice(), [file] if file.is_file() && is_trace(file)?);
    if args.provisioned_reads_per_s.is_some() && !is_of_trace {
        return Err(flag("--provisioned-reads-per-s: only a trace can be replayed: give one"));
    }
    if args.attribute_name_bytes.is_some() && !is_of_trace {
        return Err(flag("--attribute-name-bytes: only of a trace: --item-bytes has them"));
    }
    let [first, others @ ..] = args.from.as_slice() else { return numbers(args) };
    if let Some(name) = numbers_given(args).first() {
        return Err(flag(format!(
            "{name}: the load is read from {}: leave out the flag, or the file",
            first.display()
        )));
    }
    if first.is_dir() {
        return from_results(args);
    }
    if let Some(other) = others.first() {
        return Err(flag(format!("{}: one file is planned from at a time", other.display())));
    }
    if is_trace(first)? { from_trace(args, first) } else { from_metrics(args, first) }
}

fn numbers(args: &PlanArgs) -> Result<PlanInput, CliError> {
    let need = |name: &str, value: Option<f64>| {
        value.ok_or_else(|| {
            flag(format!(
                "{name} is missing: give --storage-gb, --item-bytes, --reads-per-s and --writes-per-s, or a file of metrics, or result folders"
            ))
        })
    };
    let numbers = Numbers {
        storage_gb: need("--storage-gb", args.storage_gb)?,
        item_bytes: need("--item-bytes", args.item_bytes)?,
        reads_per_s: need("--reads-per-s", args.reads_per_s)?,
        writes_per_s: need("--writes-per-s", args.writes_per_s)?,
        peak_reads_per_s: args.peak_reads_per_s,
        peak_writes_per_s: args.peak_writes_per_s,
        peak_hours_per_day: args.peak_hours_per_day,
        eventual_reads: args.eventual_reads,
    };
    Ok(numbers.input()?)
}

fn from_results(args: &PlanArgs) -> Result<PlanInput, CliError> {
    let mut results = Vec::new();
    for folder in &args.from {
        results.extend(compare::runs_in(folder)?.results);
    }
    Ok(results_input(&results, args.storage_gb, args.item_bytes, args.eventual_reads)?)
}

/// Whether a file is a trace: by its name, and of CSV by its header, which the other kind has not.
fn is_trace(path: &Path) -> Result<bool, CliError> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        let file = BufReader::new(File::open(path).map_err(CliError::file(path))?);
        let mut header = Vec::new();
        let read = file.take(MAX_HEADER_BYTES).read_until(b'\n', &mut header);
        read.map_err(CliError::file(path))?;
        return Ok(String::from_utf8_lossy(&header).to_ascii_lowercase().contains("time_us"));
    }
    Ok(TraceFormat::of_compressed_path(path).is_ok())
}

/// Of a header, so much is looked at.
const MAX_HEADER_BYTES: u64 = 64 << 10;

fn from_trace(args: &PlanArgs, path: &Path) -> Result<PlanInput, CliError> {
    let need = |name: &str, value: Option<f64>| {
        let problem =
            "a trace does not say how much is kept, nor how large items are that it only reads";
        value.ok_or_else(|| flag(format!("{name} is missing: {problem}")))
    };
    let storage_gb = need("--storage-gb", args.storage_gb)?;
    let item_bytes = need("--item-bytes", args.item_bytes)?;
    let mut tally = TraceTally::new(item_bytes, args.eventual_reads)?;
    let mut replay = replay(args, path, item_bytes)?;
    for entry in TraceReader::open(path)? {
        let operation = traced(args, &entry?);
        tally.add(&operation)?;
        if let Some(replay) = &mut replay {
            replay.add(&operation)?;
        }
    }
    let name =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(tally.input(&name, storage_gb)?.with_replay(replay.map(TraceReplay::outcome)))
}

/// The replay that was asked for, with the items that a live one loads beforehand.
fn replay(args: &PlanArgs, path: &Path, item_bytes: f64) -> Result<Option<TraceReplay>, CliError> {
    let (Some(reads_per_s), Some(writes_per_s)) =
        (args.provisioned_reads_per_s, args.provisioned_writes_per_s)
    else {
        return Ok(None);
    };
    let saved_s = args.saved_seconds.unwrap_or(0.0);
    let provisioned = Provisioned { reads_per_s, writes_per_s, saved_s };
    let mut replay = TraceReplay::new(&provisioned, item_bytes, args.eventual_reads)?;
    let name = path.display().to_string();
    for item in LoadPlan::of(&name, TraceReader::open(path)?)?.inserts(TraceReader::open(path)?) {
        let item = traced(args, &item?);
        replay.holds(item.key_hash, item.item_bytes);
    }
    Ok(Some(replay))
}

/// An operation as plans see it: an item is as large as its value, its key and the names of both.
fn traced(args: &PlanArgs, entry: &TraceEntry) -> TracedOperation {
    let beside = entry.key.len() as u64 + u64::from(args.attribute_name_bytes.unwrap_or(0));
    let mut hasher = DefaultHasher::new();
    entry.key.hash(&mut hasher);
    TracedOperation {
        time_us: entry.time_us,
        kind: convert::kind(entry.operation),
        key_hash: hasher.finish(),
        item_bytes: entry.size_bytes.map(|bytes| bytes + beside),
        count: entry.count.unwrap_or(1),
    }
}

fn from_metrics(args: &PlanArgs, path: &Path) -> Result<PlanInput, CliError> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let format = match extension.to_ascii_lowercase().as_str() {
        "json" => CloudWatchFormat::Json,
        "csv" => CloudWatchFormat::Csv,
        _ => {
            let problem =
                "expected metrics as .json or .csv, a trace as .csv or .jsonl, or a result folder";
            return Err(data(path, problem.into()));
        }
    };
    let text = text_of(path)?;
    let storage_gb = args.storage_gb.ok_or_else(|| {
        flag("--storage-gb is missing: metrics of consumption do not say how much is kept")
    })?;
    if args.eventual_reads {
        return Err(flag("--eventual-reads: metrics count units already: leave it out"));
    }
    let name = path.display().to_string();
    let input = cloudwatch_input(&text, format, &name, storage_gb, args.item_bytes);
    input.map_err(|error| match error {
        flywheel_report::PlanError::Metrics(problem) => data(path, problem),
        error => error.into(),
    })
}
