//! `flywheel gate`: may this build pass? Counts first (`counters`), then pairs with another build (`pairs`); `self_test` holds
//! the pairs against themselves. What the figures mean is decided in `flywheel-report`.

mod counters;
mod pairs;
mod self_test;
mod turns;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_report::gate::{
    Budgets, CounterCheck, GateResult, Thresholds, gate_summary, write_gate_folder,
};
use flywheel_report::{Environment, GATE_SCHEMA_VERSION, utc_now};

use crate::args::GateArgs;
use crate::error::CliError;

/// Counts, compares, prints, and leaves a folder; the exit code is the verdict's.
pub fn command(args: &GateArgs, stop: &Arc<AtomicBool>) -> Result<u8, CliError> {
    let thresholds = thresholds(args)?;
    if args.self_test {
        return self_test::command(args, &thresholds, stop);
    }
    // All that may be wrong is looked at before anything takes long.
    let budgets = if args.no_counters {
        None
    } else {
        let (budgets, plan) = (read_budgets(args)?, counters::plan(args, stop)?);
        if !args.update_budgets {
            refuse_unknown(args, &budgets, &plan)?;
        }
        Some((budgets, plan))
    };
    let plan = pairs::plan(args, &thresholds)?;
    if budgets.is_none() && plan.is_none() {
        let problem = "nothing to do: --no-counters, and no --baseline to compare with";
        return Err(CliError::Flag(problem.into()));
    }
    let mut result = GateResult {
        schema_version: GATE_SCHEMA_VERSION,
        command: std::env::args().collect(),
        started_utc: utc_now(),
        environment: Environment::gather(&args.common.dir),
        ..GateResult::default()
    };
    if let Some((budgets, counters)) = budgets {
        let counted = counters::count(args, &counters, stop)?;
        if args.update_budgets {
            return update(args, &budgets, &counters, &counted);
        }
        let path = args.budgets.display().to_string();
        let mut check = CounterCheck::new(&path, &budgets, &counted.counts);
        check.not_counted = counted.not_counted;
        check.is_strict = args.strict;
        result.counters = Some(check);
    }
    if let Some(plan) = plan {
        result.paired = Some(pairs::run(args, plan, stop)?);
    }
    println!("{}", gate_summary(&result));
    let folder =
        write_gate_folder(&args.common.out, &result).map_err(CliError::file(&args.common.out))?;
    println!("{}", folder.display());
    Ok(result.verdict().exit_code())
}

fn thresholds(args: &GateArgs) -> Result<Thresholds, CliError> {
    let share = |flag: &str, percent: f64| {
        if (0.0..=1000.0).contains(&percent) {
            Ok(percent / 100.0)
        } else {
            Err(CliError::Flag(format!("{flag}: expected 0 to 1000, found {percent}")))
        }
    };
    Ok(Thresholds {
        threshold: share("--threshold", args.threshold_percent)?,
        latency_threshold: share("--latency-threshold", args.latency_threshold_percent)?,
        void_beyond: share("--void", args.void_percent)?,
    })
}

fn read_budgets(args: &GateArgs) -> Result<Budgets, CliError> {
    let path = &args.budgets;
    let text = match std::fs::read_to_string(path) {
        Err(error) if args.update_budgets && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Budgets::default());
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(CliError::Data {
                directory: path.clone(),
                problem: "there is no such file of budgets: give --budgets FILE, write one with \
                          --update-budgets, or leave them out with --no-counters"
                    .into(),
            });
        }
        read => read.map_err(CliError::file(path))?,
    };
    Budgets::parse(&text)
        .map_err(|error| CliError::Data { directory: path.clone(), problem: error.to_string() })
}

/// A budget of what is never counted is never looked at: a slip, or an operation that was renamed.
fn refuse_unknown(
    args: &GateArgs,
    budgets: &Budgets,
    plan: &counters::Plan,
) -> Result<(), CliError> {
    let unknown = budgets.all().find(|(operation, counter)| !plan.counts(operation, *counter));
    unknown.map_or(Ok(()), |(operation, counter)| {
        let name = counter.name();
        let problem = format!(
            "[{operation}] {name}: nothing counts this: `flywheel-count list` has all operations, and with --dir those \
             whose system_calls are counted; --update-budgets removes it"
        );
        Err(CliError::Data { directory: args.budgets.clone(), problem })
    })
}

fn update(
    args: &GateArgs,
    budgets: &Budgets,
    plan: &counters::Plan,
    counted: &counters::Counted,
) -> Result<u8, CliError> {
    let path = &args.budgets;
    for reason in &counted.not_counted {
        eprintln!("flywheel: kept as they were: {reason}");
    }
    let keeps = |operation: &str, counter| plan.counts(operation, counter);
    let all = args.operations.is_empty();
    let text = budgets.updated(&counted.counts, all, keeps).to_toml();
    std::fs::write(path, text).map_err(CliError::file(path))?;
    println!("{}", path.display());
    Ok(0)
}
