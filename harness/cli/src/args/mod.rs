//! The command line as it is typed. Resolved into checked settings by `settings`; nothing here opens
//! a file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use flywheel_report::Unlike;

mod common;
mod diff;
mod dynamodb;
mod gate;
mod hot;
mod load;
mod partitions;
mod plan;
mod serve;
mod target;
mod trace;

pub use common::Common;
pub use diff::DiffArgs;
pub use dynamodb::DynamoDbArgs;
pub use gate::GateArgs;
pub use hot::HotArgs;
pub use load::{LoadArgs, Rate};
pub use partitions::{PartitionArgs, Partitions, ThrottlingName};
pub use plan::PlanArgs;
pub use serve::{ServeArgs, WordingName};
pub use target::{Chosen, TargetName};
pub use trace::TraceArgs;

/// Replays YCSB workloads on the Flywheel storage engine and holds the figures against the disk.
#[derive(Debug, Parser)]
#[command(name = "flywheel", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 the p99 target was met; 1 it was missed, or the rate was not sustained; 2 bad input or a fault.
Ctrl-C ends a run with its figures so far, marked partial.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load a workload's records into an empty directory.
    Load(LoadCommandArgs),
    /// Run one workload: load it if the directory is empty, run, verify, report.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Run YCSB's whole suite: load A; A, B, C, F, D; wipe; load E; E.
    Suite(SuiteArgs),
    /// Run one workload on the engine and on others, in turns on one disk, and compare.
    #[command(after_help = PEERS_HELP)]
    Peers(PeersArgs),
    /// Find the highest rate that meets the target, the knee, and the curve of latency against throughput.
    #[command(after_help = SEARCH_HELP)]
    Search(SearchArgs),
    /// Compare results: what changed, and is it more than noise?
    #[command(after_help = COMPARE_HELP)]
    Compare(CompareArgs),
    /// For CI: count what an operation takes, compare two builds in pairs, and pass or fail.
    #[command(after_help = gate::HELP)]
    Gate(GateArgs),
    /// Plan capacity: what a load costs and needs, from a few numbers, exported metrics, or results.
    #[command(after_help = plan::HELP)]
    Plan(Box<PlanArgs>),
    /// Write the HTML pages of result folders again, from their JSON; old versions stay readable.
    Report(ReportArgs),
    /// Keep a history of results, and find where it changed.
    #[command(after_help = TREND_HELP)]
    Trend(TrendArgs),
    /// Offer several times what the engine can do, and see that it refuses clearly and keeps working.
    #[command(after_help = OVERLOAD_HELP)]
    Overload(OverloadArgs),
    /// Serve a data directory over DynamoDB's API.
    #[command(after_help = serve::HELP)]
    Serve(ServeArgs),
    /// Show the hottest partitions and keys of a running server.
    #[command(after_help = hot::HELP)]
    Hot(HotArgs),
    /// Send random requests to several DynamoDB endpoints, and compare what they answer.
    #[command(after_help = diff::HELP)]
    Diff(DiffArgs),
    /// Probe what the disk itself can do, without the engine.
    Device(DeviceArgs),
    /// Check a data directory that is not open: every checksum, every record, every owner.
    #[command(after_help = CHECK_HELP)]
    Check(CheckArgs),
    /// Print completions for a shell: flywheel completions bash > /etc/bash_completion.d/flywheel
    Completions(CompletionsArgs),
    /// Write the manual pages into a folder: flywheel man DIR; man DIR/flywheel.1
    Man(ManArgs),
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Where to
    pub dir: PathBuf,
}

const RUN_EXAMPLES: &str = "\
Examples:
  flywheel run -P workloads/a.properties
  flywheel run -P workloads/a.properties -p writeallfields=true --cache-mib 384 --seconds 60
  flywheel run -P workloads/a.properties --rate 20000      open loop: arrivals wait for nobody
  flywheel run -P workloads/a.properties --rate 50%        at half of the peak, which is measured first
  flywheel run -P workloads/hot-partition.properties --target table --throttling as-set --rate 5000 \
    -p dynamodb.readCapacityUnits=9000 -p dynamodb.writeCapacityUnits=9000 --adaptation off
  flywheel run -P workloads/c.properties --target null     the harness's own floor
  flywheel run -P workloads/a.properties --target dynamodb --endpoint http://127.0.0.1:8000
  flywheel run --trace workloads/example-trace.csv --speed 2    a trace, twice as fast as it was recorded";

const PEERS_HELP: &str = "\
Each system loads the workload into fresh files and is then run --rounds times in a closed loop, for throughput, \
and as often in an open loop at one rate that all of them can keep, for response times; in turns, in an \
order that changes, each run in a process of its own with the same cache, the same bound on memory (page cache \
included, where cgroups allow) and every write durable when acknowledged. Peers are built on request:
  scripts/peers-setup && cargo build --release --features peers

Exit codes: 0 all ran; 2 bad input or a fault.

Examples:
  flywheel peers -P workloads/a.properties
  flywheel peers -P workloads/c.properties --systems rocksdb,lmdb --rounds 3 --seconds 30
  for w in a b c f d; do flywheel peers --keep -P workloads/$w.properties; done    loaded once";

const SEARCH_HELP: &str = "\
Finds the peak in a closed loop, offers shares of it in open loops of --seconds each (default 10), halves \
the bracket between the highest rate that meets the target and the lowest that does not until it is \
5 % wide, and runs the rate that was found three times more. A rate meets the target if it was sustained \
and every type of operation kept its p99; one that fails is tried twice more. About 20 runs.

Exit codes: 0 a rate was found; 1 none meets the target; 2 bad input or a fault.

Examples:
  flywheel search -P workloads/a.properties
  flywheel search -P workloads/b.properties --p99-ms 2 --seconds 30";

const COMPARE_HELP: &str = "\
Compares the first with each of the others: B / A with a bootstrap 95 % interval, and one of four verdicts. A \
folder may hold one result, or several runs' folders: from 6 runs of each on, the k-th of one is paired with the \
k-th of the other. Response times are compared only at one rate that both kept.

Unlike hosts, settings or schemas are refused, with what differs.

Exit codes: 0 equivalent or improved; 1 regressed; 2 bad input; 3 inconclusive.

Examples:
  flywheel compare results/20261101T101112Z-a results/20261102T101112Z-a
  flywheel compare before/ after/ --threshold 3
  flywheel compare off on --allow-unlike settings --html off-on.html
  flywheel compare old new --allow-unlike host";

const TREND_HELP: &str = "\
A history is a file of JSON lines, one result each, meant to be kept in git. Results of one workload, system, load \
and host make one series; in each, throughput (also over the device's), percentiles and processor time are \
searched for changes of their mean (E-divisive with a t-test). A series of fewer than 6 results has none.

Exit codes: 0 no recent change is for the worse; 1 one is; 2 bad input.

Examples:
  flywheel trend history.jsonl --add results/20261101T101112Z-a
  flywheel trend history.jsonl --recent 5";

const OVERLOAD_HELP: &str = "\
Finds the peak in a closed loop, offers --factor times that for --seconds (default 60) in an open loop, then
half of it, and measures the peak once more. Exit code 0: all marks met; 1: one missed; 2: bad input or a fault.

Examples:
  flywheel overload -P workloads/c-uniform.properties                    reads, mostly of the disk
  flywheel overload -P workloads/a.properties                            half writes
  flywheel overload -P workloads/c-uniform.properties --cache-mib 2048   all in memory";

const CHECK_HELP: &str = "\
Reads both slots of each superblock, each segment's header, the newest checkpoint, the log behind it, \
and every record that is still somebody's newest; and looks that every key has exactly one owner. \
Nothing is changed. What is dead is not looked at: its rot is nobody's loss.

With --repair, DIR itself is only read. What is provably good, and what can be read besides, is copied \
into DIR.repaired, which is then checked; then DIR becomes DIR.damaged, and DIR.repaired becomes DIR. \
DIR.lost.jsonl beside it lists, a JSON object a line:
  lost      a key whose newest value cannot be read: it has no value in the new directory
  doubtful  a key that was kept, and of which something newer may have been lost: only where the log or
            a checkpoint is damaged, and the key was not written again behind the damage
  region    a damaged place that may have held records of keys that nobody can name
  damage    anything else that was damaged
Needs as much free space beside DIR as its live data takes. docs/repair.md tells more.

Exit codes: 0 sound, or repaired without any loss; 1 damage was found, or a repair lost something or
left something in doubt; 2 it could not be checked or repaired.

Examples:
  flywheel check --dir data
  flywheel check --dir data --json
  flywheel check --dir data --repair";

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The data directory
    #[arg(long, default_value = "data")]
    pub dir: PathBuf,

    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,

    /// Copy what can be salvaged into a new directory and put that in the old one's place
    #[arg(long)]
    pub repair: bool,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Workload file, Java properties as YCSB's [repeatable, later ones win]
    #[arg(short = 'P', value_name = "FILE", required_unless_present = "trace")]
    pub files: Vec<PathBuf>,

    /// What to run against: engine, table (DynamoDB's tables in this process), dynamodb (any endpoint), null, or a peer that
    /// this build has (rocksdb, fjall, redb, lmdb, sled)
    #[arg(long, default_value = "engine")]
    pub target: TargetName,

    /// What is replayed instead.
    #[command(flatten)]
    pub trace: TraceArgs,

    /// How it is loaded.
    #[command(flatten)]
    pub load: LoadArgs,

    /// How partitions behave.
    #[command(flatten)]
    pub partitions: PartitionArgs,

    /// The rest.
    #[command(flatten)]
    pub common: Common,

    /// An endpoint.
    #[command(flatten)]
    pub dynamodb: DynamoDbArgs,
}

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The baseline, then what is held against it: result folders, or folders of those
    #[arg(required = true, num_args = 1.., value_name = "FOLDER")]
    pub folders: Vec<PathBuf>,

    /// Changes within so many percent count as none
    #[arg(
        long = "threshold",
        default_value_t = 5.0,
        value_name = "PERCENT",
        allow_negative_numbers = true
    )]
    pub threshold_percent: f64,

    /// Compare although these differ: host, settings, schema
    #[arg(long, value_delimiter = ',', value_parser = unlike, value_name = "WHAT")]
    pub allow_unlike: Vec<Unlike>,

    /// Seed of the bootstrap
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// Print the comparison as JSON
    #[arg(long)]
    pub json: bool,

    /// Write the comparison as a page, with all runs second by second: p99, and throttled requests if any has some
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

fn unlike(name: &str) -> Result<Unlike, String> {
    [Unlike::Host, Unlike::Settings, Unlike::Schema]
        .into_iter()
        .find(|unlike| unlike.name() == name)
        .ok_or_else(|| format!("expected host, settings or schema, found {name:?}"))
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folders that flywheel run, suite, search or peers wrote; each gets a new report.html
    #[arg(required = true, value_name = "FOLDER")]
    pub folders: Vec<PathBuf>,
}

/// Arguments of `trend`.
#[derive(Debug, Args)]
pub struct TrendArgs {
    /// The history
    #[arg(value_name = "FILE")]
    pub history: PathBuf,

    /// Append these results first: result folders, or folders of those [repeatable]
    #[arg(long, value_name = "FOLDER")]
    pub add: Vec<PathBuf>,

    /// A change within so many results is recent, and ends with exit code 1 if it is for the worse
    #[arg(long, default_value_t = 10, value_name = "RESULTS")]
    pub recent: usize,

    /// A change has a p-value of at most this
    #[arg(long, default_value_t = 0.001, value_name = "P", allow_negative_numbers = true)]
    pub significance: f64,

    /// Changes of less than so many percent are not told
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT", allow_negative_numbers = true)]
    pub min_percent: f64,

    /// Print the changes as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `load`.
#[derive(Debug, Args)]
pub struct LoadCommandArgs {
    /// Workload file, Java properties as YCSB's [repeatable, later ones win]
    #[arg(short = 'P', value_name = "FILE", required_unless_present = "trace")]
    pub files: Vec<PathBuf>,

    /// Load what a trace needs: each key that it touches before it inserts it. Properties: arrivals=trace, tracefile
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,

    /// What to load: engine, table, dynamodb, or a peer that this build has (rocksdb, fjall, redb, lmdb, sled)
    #[arg(long, default_value = "engine")]
    pub target: TargetName,

    /// How partitions behave.
    #[command(flatten)]
    pub partitions: PartitionArgs,

    /// The rest.
    #[command(flatten)]
    pub common: Common,

    /// An endpoint.
    #[command(flatten)]
    pub dynamodb: DynamoDbArgs,
}

/// Arguments of `peers`.
#[derive(Debug, Args)]
pub struct PeersArgs {
    /// Workload file, Java properties as YCSB's [repeatable, later ones win]
    #[arg(short = 'P', value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Peers to compare with, of rocksdb, fjall, redb, lmdb and sled [default: all that this build has]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub systems: Vec<TargetName>,

    /// How often each is run in each loop
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub rounds: u64,

    /// The rate at which response times are measured, or a share of the slowest system's throughput
    #[arg(long, default_value = "50%", value_name = "RATE|SHARE%")]
    pub rate: Rate,

    /// Leave the files, and take those that the last --keep left: what is there is not loaded again
    #[arg(long)]
    pub keep: bool,

    /// Memory that each process may use, page cache included, in MiB [default: the cache and 640]
    #[arg(long, value_parser = clap::value_parser!(u64).range(16..=1 << 30))]
    pub memory_mib: Option<u64>,

    /// The rest.
    #[command(flatten)]
    pub common: Common,
}

/// Arguments of `search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Workload file, Java properties as YCSB's [repeatable, later ones win]
    #[arg(short = 'P', value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// What to search on: engine, table, dynamodb, or a peer that this build has (rocksdb, fjall, redb, lmdb, sled)
    #[arg(long, default_value = "engine")]
    pub target: TargetName,

    /// Measure the peak for so long
    #[arg(long, default_value_t = 10, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub peak_seconds: u64,

    /// The rest.
    #[command(flatten)]
    pub common: Common,

    /// An endpoint.
    #[command(flatten)]
    pub dynamodb: DynamoDbArgs,
}

/// How arrivals are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ArrivalsName {
    /// As of many independent clients.
    Poisson,
    /// All gaps alike.
    Constant,
}

/// Arguments of `overload`.
#[derive(Debug, Args)]
pub struct OverloadArgs {
    /// Workload file, Java properties as YCSB's [repeatable, later ones win]
    #[arg(short = 'P', value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Offer so many times the peak
    #[arg(long, default_value_t = 3.0, allow_negative_numbers = true)]
    pub factor: f64,

    /// Measure the peak for so long, before and after
    #[arg(long, default_value_t = 15, value_name = "SECONDS")]
    pub peak_seconds: u64,

    /// Watch the recovery for so long
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    pub recovery_seconds: u64,

    /// How arrivals are spaced
    #[arg(long, value_enum, default_value = "poisson")]
    pub arrivals: ArrivalsName,

    /// The rest.
    #[command(flatten)]
    pub common: Common,
}

/// Arguments of `suite`.
#[derive(Debug, Args)]
pub struct SuiteArgs {
    /// Folder with a.properties to f.properties
    #[arg(long, default_value = "workloads")]
    pub workloads: PathBuf,

    /// How each is loaded.
    #[command(flatten)]
    pub load: LoadArgs,

    /// The rest.
    #[command(flatten)]
    pub common: Common,
}

/// Arguments of `device`.
#[derive(Debug, Args)]
pub struct DeviceArgs {
    /// A directory on the disk to be probed
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,

    /// A few seconds instead of half a minute
    #[arg(long)]
    pub quick: bool,

    /// Print the figures as JSON
    #[arg(long)]
    pub json: bool,
}
