//! Flags that replay a trace, or record one.

use std::path::PathBuf;

use clap::Args;

/// Which trace, how fast, and where to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trace")]
pub struct TraceArgs {
    /// Replay a trace: its operations, each at its time, in an open loop (docs/traces.md). A file of one operation a line: .csv or .jsonl, also
    /// with .gz behind it. Properties: arrivals=trace, tracefile
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,

    /// Replay it so many times as fast [default: 1]. Property: tracespeed
    #[arg(long, value_name = "FACTOR", requires = "trace", allow_negative_numbers = true)]
    pub speed: Option<f64>,

    /// Record the measured operations as a trace: a new file, .csv or .jsonl. If the writing falls behind, operations
    /// are left out, and the exit code is 2
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}
