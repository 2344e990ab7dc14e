//! `flywheel compare`: results side by side, with intervals and verdicts. Reads result folders; measures nothing.

use std::path::{Path, PathBuf};

use flywheel_report::{
    PairVerdict, RunResult, Runs, Unlike, Verdict, compare, compare_report, comparison_table,
    differences, verdict_word,
};
use flywheel_stats::StatsError;

use crate::args::CompareArgs;
use crate::error::CliError;

/// B is slower than A by more than the threshold.
const EXIT_REGRESSED: u8 = 1;

/// Neither that nor the opposite can be said.
const EXIT_INCONCLUSIVE: u8 = 3;

/// Compares the first with each of the others; the exit code is the worst of their verdicts.
pub fn command(args: &CompareArgs) -> Result<u8, CliError> {
    if !(args.threshold_percent.is_finite() && (0.0..=1000.0).contains(&args.threshold_percent)) {
        let found = args.threshold_percent;
        return Err(CliError::Flag(format!("--threshold: expected 0 to 1000, found {found}")));
    }
    let all: Vec<Runs> =
        args.folders.iter().map(|folder| runs_in(folder)).collect::<Result<_, _>>()?;
    let Some((baseline, others)) = all.split_first().filter(|(_, others)| !others.is_empty())
    else {
        return Err(CliError::Flag("expected at least two result folders to compare".into()));
    };
    for runs in &all {
        // 2 says that a run is not to be trusted, whatever its figures are.
        if runs.results.iter().any(|result| result.verdict() == Verdict::Fault) {
            let problem = "a run ended with a fault, so that its figures are not to be trusted";
            return Err(CliError::Data {
                directory: runs.name.clone().into(),
                problem: problem.into(),
            });
        }
    }
    let mut worst = 0;
    let mut comparisons = Vec::new();
    for other in others {
        refuse_unlike(baseline, other, &args.allow_unlike)?;
        let found = compare(baseline, other, args.threshold_percent / 100.0, args.seed);
        let found = found.map_err(|error| too_short(error, baseline, other))?;
        if !args.json {
            println!("{}", comparison_table(&found));
            println!("{}\n", verdict_word(found.verdict()));
        }
        worst = worse(worst, exit_code(found.verdict()));
        comparisons.push(found);
    }
    if let Some(path) = &args.html {
        std::fs::write(path, compare_report(&all, &comparisons)).map_err(CliError::file(path))?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&comparisons).expect("figures make JSON"));
    }
    Ok(worst)
}

/// Of all that statistics refuse, runs that are too short are what people meet.
fn too_short(error: StatsError, a: &Runs, b: &Runs) -> CliError {
    match error {
        StatsError::TooFew { needed, found } => CliError::Flag(format!(
            "{} and {}: {needed} whole seconds of each are needed to compare them, and there are {found}; \
             run them for longer (--seconds), or six times each",
            a.name, b.name
        )),
        error => error.into(),
    }
}

fn exit_code(verdict: PairVerdict) -> u8 {
    match verdict {
        PairVerdict::Equivalent | PairVerdict::Improved => 0,
        PairVerdict::Regressed => EXIT_REGRESSED,
        PairVerdict::Inconclusive => EXIT_INCONCLUSIVE,
    }
}

/// A regression outweighs what cannot be said, and that outweighs good news.
fn worse(a: u8, b: u8) -> u8 {
    if a == EXIT_REGRESSED || b == EXIT_REGRESSED { EXIT_REGRESSED } else { a.max(b) }
}

fn refuse_unlike(a: &Runs, b: &Runs, allowed: &[Unlike]) -> Result<(), CliError> {
    let found = differences(a, b);
    for difference in found.iter().filter(|found| allowed.contains(&found.unlike)) {
        eprintln!("flywheel: compared all the same: {}", difference.what);
    }
    let refused: Vec<_> = found.iter().filter(|of| !allowed.contains(&of.unlike)).collect();
    if refused.is_empty() {
        return Ok(());
    }
    let mut kinds: Vec<&str> = refused.iter().map(|of| of.unlike.name()).collect();
    kinds.dedup();
    let lines: Vec<String> =
        refused.iter().map(|of| format!("  {} ({})", of.what, of.unlike.name())).collect();
    Err(CliError::Flag(format!(
        "{} and {} are unlike, so that a difference between them would say nothing:\n{}\nTo compare them \
         all the same: --allow-unlike {}",
        a.name,
        b.name,
        lines.join("\n"),
        kinds.join(",")
    )))
}

/// The result in a folder, or those in the folders below it, by name, which is by time.
pub fn runs_in(folder: &Path) -> Result<Runs, CliError> {
    let mut folders = vec![folder.to_owned()];
    if !folder.join("result.json").is_file() {
        let entries = std::fs::read_dir(folder).map_err(CliError::file(folder))?;
        folders = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<PathBuf>, _>>()
            .map_err(CliError::file(folder))?;
        folders.retain(|folder| folder.join("result.json").is_file());
        folders.sort();
    }
    let results = folders.iter().map(|folder| read(folder)).collect::<Result<Vec<_>, _>>()?;
    if results.is_empty() {
        let problem = "neither a result.json nor folders that hold one: give a folder that flywheel run wrote";
        return Err(CliError::Data { directory: folder.to_owned(), problem: problem.into() });
    }
    Ok(Runs { name: folder.display().to_string(), results })
}

/// Reads a result folder.
pub fn read(folder: &Path) -> Result<RunResult, CliError> {
    let path = folder.join("result.json");
    let json = std::fs::read_to_string(&path).map_err(CliError::file(&path))?;
    let problem = |error| CliError::Data { directory: path.clone(), problem: error };
    RunResult::from_json(&json).map_err(|error| problem(error.to_string()))
}
