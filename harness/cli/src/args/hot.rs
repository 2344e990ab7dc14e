//! The arguments of `hot`.

use clap::Args;

pub const HELP: &str = "\
Shows which partitions of a running server are asked for most, of what one partition may serve, and which keys ask for \
most of it or are refused most: over the last one to two minutes. The server must have been started with --show-hot-keys, \
since keys are data and are shown to whoever can connect. One key that has most of a partition's units is served no faster by any \
number of partitions: spread it over several keys, or cache it.

Exit codes: 0 told; 2 the server cannot be asked.

Examples:
  flywheel serve --dir data --insecure-any-credentials --show-hot-keys
  flywheel hot
  flywheel hot --endpoint http://127.0.0.1:8001 --json";

/// Arguments of `hot`.
#[derive(Debug, Args)]
pub struct HotArgs {
    /// The server, by its IP address or as localhost: others it takes for web pages
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    pub endpoint: String,

    /// Print what the server answers, as JSON
    #[arg(long)]
    pub json: bool,
}
