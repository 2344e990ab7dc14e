//! The arguments of `plan`.

use std::path::PathBuf;

use clap::Args;

pub const HELP: &str = "\
Says what a load costs on demand, provisioned, auto scaled, and reserved for one or three years, in both table classes, \
and recommends one; simulates auto scaling minute by minute and predicts what it throttles; counts partitions, and \
machines of this engine if a run says what one can do. Four ways to say what the load is:
  numbers     --storage-gb, --item-bytes, --reads-per-s, --writes-per-s; a peak of some hours
  FILE        metrics: JSON as `aws cloudwatch get-metric-data` prints it, or CSV with the columns
              Timestamp, ConsumedReadCapacityUnits, ConsumedWriteCapacityUnits; statistic Sum
  TRACE       one operation a line, as flywheel run --record writes it: .csv, .jsonl, also .gz
  FOLDER...   results of flywheel run or flywheel suite, a table each, taken to last all month

A trace is also replayed against --provisioned-reads-per-s and --provisioned-writes-per-s, request by request, through \
the code that throttles in flywheel serve: how many requests it would turn away, and when.

Leaves a folder with report.html, plan.json and summary.txt; --json prints plan.json instead. Prices are a dated file that \
--prices FILE overrides, in whole or in part; docs/capacity.md has its form, the model, and its formulas.

Exit codes: 0 a plan was made; 2 bad input.

Examples:
  flywheel plan --storage-gb 2048 --item-bytes 1024 --reads-per-s 80000 --writes-per-s 20000
  flywheel plan --storage-gb 2048 --item-bytes 1024 --reads-per-s 80000 --writes-per-s 20000 \\
      --peak-reads-per-s 160000 --peak-writes-per-s 40000 --peak-hours-per-day 3 --json
  flywheel plan metrics.json --storage-gb 120 --item-bytes 900
  flywheel plan workloads/example-trace.csv --storage-gb 1 --item-bytes 1100
  flywheel plan workloads/example-trace.csv --storage-gb 1 --item-bytes 1100 \\
      --provisioned-reads-per-s 50 --provisioned-writes-per-s 50
  flywheel plan results/20261101T101112Z-a --growth-percent 10
  flywheel plan metrics.csv --storage-gb 120 --measured results/20261101T101112Z-a-search";

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Exported metrics (.json or .csv), a trace, or result folders; without, the load is given in numbers
    #[arg(value_name = "FILE|FOLDER")]
    pub from: Vec<PathBuf>,

    /// Gigabytes that are kept
    #[arg(long, value_name = "GB", allow_negative_numbers = true)]
    pub storage_gb: Option<f64>,

    /// Bytes of an item, names and values: 1 to 409600
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    pub item_bytes: Option<f64>,

    /// Bytes of the names of an item's attributes, which a trace does not say [default: 0]
    #[arg(long, value_name = "BYTES")]
    pub attribute_name_bytes: Option<u32>,

    /// Items read per second
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub reads_per_s: Option<f64>,

    /// Items written per second
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub writes_per_s: Option<f64>,

    /// Items read per second in the peak
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub peak_reads_per_s: Option<f64>,

    /// Items written per second in the peak
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub peak_writes_per_s: Option<f64>,

    /// How long the peak lasts, each day
    #[arg(long, value_name = "HOURS", allow_negative_numbers = true)]
    pub peak_hours_per_day: Option<f64>,

    /// Reads are eventually consistent: half the units
    #[arg(long)]
    pub eventual_reads: bool,

    /// Replay the trace against so many read units a second: which requests would be throttled
    #[arg(
        long,
        value_name = "UNITS",
        requires = "provisioned_writes_per_s",
        allow_negative_numbers = true
    )]
    pub provisioned_reads_per_s: Option<f64>,

    /// And against so many write units a second
    #[arg(
        long,
        value_name = "UNITS",
        requires = "provisioned_reads_per_s",
        allow_negative_numbers = true
    )]
    pub provisioned_writes_per_s: Option<f64>,

    /// How long the table was there unused when the trace begins, 0 to 300 [default: 0, a table that was just made]
    #[arg(
        long,
        value_name = "SECONDS",
        requires = "provisioned_reads_per_s",
        allow_negative_numbers = true
    )]
    pub saved_seconds: Option<f64>,

    /// Target of auto scaling, 20 to 90
    #[arg(long, default_value_t = 70.0, value_name = "PERCENT", allow_negative_numbers = true)]
    pub target_percent: f64,

    /// How much load and storage grow in a month [default: 5, and told as assumed]
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    pub growth_percent: Option<f64>,

    /// A folder of flywheel run or search: what one machine of this engine can do
    #[arg(long, value_name = "FOLDER")]
    pub measured: Option<PathBuf>,

    /// Prices instead of this build's, in whole or in part [repeatable, later ones win]
    #[arg(long, value_name = "FILE")]
    pub prices: Vec<PathBuf>,

    /// Where the folder goes [default: results]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Print the plan as JSON, and leave no folder unless --out is given
    #[arg(long)]
    pub json: bool,
}
