//! Flags that every command has that measures. What they mean is resolved in `settings`.

use std::path::PathBuf;

use clap::Args;

/// What all that measure share.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Set a property, over the files' [repeatable]
    #[arg(short = 'p', value_name = "NAME=VALUE")]
    pub properties: Vec<String>,

    /// Where the data lives: a directory on the disk to be measured
    #[arg(long, default_value = "data")]
    pub dir: PathBuf,

    /// Where result folders are written
    #[arg(long, default_value = "results")]
    pub out: PathBuf,

    /// Seed of every random draw; equal seeds draw equal operations
    #[arg(long)]
    pub seed: Option<u64>,

    /// Shards, one pinned thread each [default: one per core; fixed when the data is created]
    #[arg(long)]
    pub shards: Option<usize>,

    /// Threads of the generator [default: one per core]
    #[arg(long)]
    pub workers: Option<usize>,

    /// Memory for cached records, MiB over all shards
    #[arg(long, default_value_t = 128)]
    pub cache_mib: u64,

    /// Memory for the index, MiB over all shards; what does not fit is read from the disk [default: no bound]
    #[arg(long)]
    pub index_mib: Option<u64>,

    /// Measure for this long, instead of until `operationcount`
    #[arg(long)]
    pub seconds: Option<u64>,

    /// The target: p99 of every operation below this many milliseconds
    #[arg(long, default_value_t = 10.0, value_name = "MS", allow_negative_numbers = true)]
    pub p99_ms: f64,

    /// Skip probing the device before and after
    #[arg(long)]
    pub no_probe: bool,
}
