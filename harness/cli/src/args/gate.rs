//! Flags of `gate`.

use std::path::PathBuf;

use clap::Args;
use flywheel_report::gate::GateFigure;

use super::{Common, Rate};

/// What `--help` says below the flags.
pub const HELP: &str = "\
First what one operation takes is counted (instructions, allocations, system calls, I/Os, bytes) and held against a file of \
budgets. Then, with --baseline, that build and this one run the workload in pairs: each loads fresh files and answers arrivals \
at one rate that both can keep; which of them comes first is drawn, as often the one as the other. Then both answer as many as \
they can, in turns of a tenth of a second: while one goes on the other is frozen, so that whatever changes on the machine, and \
on its disk, changes for both. A bootstrap interval over the pairs decides; while it is inconclusive, pairs are added, from 8 \
up to 20. A pair during which the disk itself changed is void.

Instructions need valgrind, system calls strace; without, those budgets are not checked, and it says so (--strict: and is \
inconclusive). A count without a budget is inconclusive, too.

Leaves a folder with gate.json, summary.txt, summary.md (for a pull request) and junit.xml. --self-test leaves one with \
self-test.json and summary.txt; --update-budgets leaves none.

Exit codes: 0 passed; 1 regressed; 2 bad input or a fault; 3 inconclusive. --self-test and --update-budgets end with 0 or 2.

Examples:
  flywheel gate                                                        budgets alone: a minute
  flywheel gate --update-budgets                                       after a change that is worth its cost
  flywheel gate --baseline ../main/target/release/flywheel -P workloads/a.properties
  flywheel gate --self-test -P workloads/b.properties                  what its verdicts are worth on this machine";

/// Arguments of `gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// The build to compare with: its `flywheel` binary
    #[arg(long, value_name = "BINARY")]
    pub baseline: Option<PathBuf>,

    /// The build that is to pass [default: this one]
    #[arg(long, value_name = "BINARY")]
    pub candidate: Option<PathBuf>,

    /// Workload for the pairs, Java properties as YCSB's [repeatable, later ones win]
    #[arg(short = 'P', value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// What an operation may take
    #[arg(
        long,
        value_name = "FILE",
        default_value = "harness/count/budgets.toml",
        conflicts_with = "self_test"
    )]
    pub budgets: PathBuf,

    /// Write what was counted as the new budgets
    #[arg(long, conflicts_with_all = ["baseline", "self_test", "no_counters"])]
    pub update_budgets: bool,

    /// Skip counting
    #[arg(long)]
    pub no_counters: bool,

    /// Count only these operations [default: all that `flywheel-count list` has]
    #[arg(long, value_delimiter = ',', value_name = "NAMES",
          conflicts_with_all = ["no_counters", "self_test"])]
    pub operations: Vec<String>,

    /// What cannot be counted here, for want of valgrind or strace, leaves the gate inconclusive
    #[arg(long, conflicts_with_all = ["no_counters", "self_test"])]
    pub strict: bool,

    /// Hold this build against itself, and against itself slowed down by 2, 5 and 10 %
    #[arg(long, conflicts_with_all = ["baseline", "candidate"])]
    pub self_test: bool,

    /// Pairs of each slowdown of the self-test
    #[arg(long, default_value_t = 16, requires = "self_test",
          value_parser = clap::value_parser!(u64).range(8..=1000))]
    pub pairs: u64,

    /// The rate at which response times are measured, or a share of the slower build's throughput
    #[arg(long, default_value = "50%", value_name = "RATE|SHARE%")]
    pub rate: Rate,

    /// Changes within so many percent do not matter
    #[arg(
        long = "threshold",
        default_value_t = 5.0,
        value_name = "PERCENT",
        allow_negative_numbers = true
    )]
    pub threshold_percent: f64,

    /// The same of response times
    #[arg(
        long = "latency-threshold",
        default_value_t = 25.0,
        value_name = "PERCENT",
        allow_negative_numbers = true
    )]
    pub latency_threshold_percent: f64,

    /// A pair is void if the disk's own speed changed by more than so many percent
    #[arg(
        long = "void",
        default_value_t = 50.0,
        value_name = "PERCENT",
        allow_negative_numbers = true
    )]
    pub void_percent: f64,

    /// Figures that decide, of throughput, cpu, written, p50 and p99; the others are only shown
    #[arg(long, value_delimiter = ',', value_parser = figure, default_value = "throughput,cpu,p50",
          value_name = "FIGURES")]
    pub judge: Vec<GateFigure>,

    /// The rest.
    #[command(flatten)]
    pub common: Common,
}

fn figure(name: &str) -> Result<GateFigure, String> {
    let names: Vec<&str> = GateFigure::ALL.iter().map(|figure| figure.name()).collect();
    GateFigure::ALL
        .into_iter()
        .find(|figure| figure.name() == name)
        .ok_or_else(|| format!("expected some of {}, found {name:?}", names.join(", ")))
}
