//! The binary `flywheel-count`: does one operation of the engine many times over, and prints what that took, as JSON: allocations,
//! and I/Os and bytes of a simulated disk. Nothing is timed and nothing judged: `flywheel gate` runs it, also under
//! callgrind and strace, which count what a program cannot count of itself.
//!
//! On the simulated machine everything is counted exactly, and the same build counts the same every time: the engine with one
//! shard, its client and its disk are one thread, and the order of its tasks is fixed. With `--dir` it runs on the
//! real machine, where system calls are made.
//!
//! Whoever links this counts allocations with the allocator that comes with it, and has no other.

mod operation;
mod real;
mod simulated;

use std::path::PathBuf;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Parser;
use flywheel_shard::{EngineOptions, Handle, ShardError, StoreOptions};
use futures_util::future::try_join_all;
use serde::Serialize;

use crate::operation::Operation;

/// Counts what one operation of the engine takes. `flywheel gate` runs this.
#[derive(Debug, Parser)]
#[command(name = "flywheel-count", version, max_term_width = 100)]
struct Args {
    /// Which operation, or `list` for the names of all; with --dir, of those whose system calls are much the same
    /// each time
    operation: String,

    /// How many of them; at most as many as there are records, so that nothing is deleted twice
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=RECORDS))]
    operations: u64,

    /// Do them on the real disk, in this new directory, instead of the simulated machine
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// What so many operations took. Preparing them is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Counted {
    operations: u64,
    allocations: u64,
    allocated_bytes: u64,
    reads: u64,
    read_bytes: u64,
    writes: u64,
    written_bytes: u64,
    syncs: u64,
}

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Flag(String),
    #[error("{0}")]
    Fault(ShardError),
    /// A new directory cannot be opened: no io_uring, no direct I/O, no room.
    #[error("the engine cannot be opened on this host: {0}")]
    UnfitHost(ShardError),
}

impl Problem {
    /// Whoever counts can do without what a host cannot do; every other problem is a fault.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Flag(_) | Self::Fault(_) => 2,
            Self::UnfitHost(_) => 3,
        }
    }
}

/// Records that there are before anything is counted.
const RECORDS: u64 = 2_048;

/// Bytes of a value.
const VALUE_BYTES: usize = 1_000;

/// What the binary does.
pub fn main() -> ExitCode {
    let args = Args::parse();
    if args.operation == "list" {
        let counts = |operation: &&Operation| args.dir.is_none() || operation.is_alone();
        Operation::ALL.iter().filter(counts).for_each(|operation| println!("{}", operation.name()));
        return ExitCode::SUCCESS;
    }
    match count(&args) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("flywheel-count: {problem}");
            ExitCode::from(problem.exit_code())
        }
    }
}

fn count(args: &Args) -> Result<String, Problem> {
    let operation = Operation::ALL
        .into_iter()
        .find(|operation| operation.name() == args.operation)
        .ok_or_else(|| {
            let names: Vec<&str> =
                Operation::ALL.iter().map(|operation| operation.name()).collect();
            let (found, names) = (&args.operation, names.join(", "));
            Problem::Flag(format!("{found:?} is no operation: expected {names}"))
        })?;
    let counted = match &args.dir {
        None => simulated::count(operation, args.operations).map_err(Problem::Fault),
        Some(dir) => real::run(dir, operation, args.operations),
    };
    Ok(serde_json::to_string(&counted?).expect("numbers make JSON"))
}

/// One shard, whose cache holds all records or none; nothing happens by the clock.
fn options(operation: Operation) -> EngineOptions {
    let cache_bytes = if operation.is_cached() { 64 << 20 } else { 0 };
    let store = StoreOptions {
        segment_bytes: operation.segment_bytes(),
        cache_bytes,
        scrub_bytes_per_s: 0,
        ..StoreOptions::default()
    };
    let mut options = EngineOptions { shards: 1, store, ..EngineOptions::default() };
    options.split.automatic = false;
    options
}

fn key(number: u64) -> Bytes {
    Bytes::from(format!("user{number:019}"))
}

/// Fills the engine, and brings what is to be cached into the cache.
async fn prepare(handle: &Handle, operation: Operation) -> Result<(), ShardError> {
    for first in (0..RECORDS).step_by(64) {
        let put = |number| handle.put(key(number), Bytes::from(vec![number as u8; VALUE_BYTES]));
        try_join_all((first..first + 64).map(put)).await?;
    }
    if operation.is_cached() {
        for number in 0..RECORDS {
            handle.get(key(number)).await?;
        }
    }
    Ok(())
}
