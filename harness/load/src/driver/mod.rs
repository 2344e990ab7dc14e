//! Drives a target with a workload: a closed loop of many logical clients, or an open one of arrivals that
//! wait for nobody, on few threads.
//! Knows no engine, prints nothing; what it measured comes back as `RunFigures`.

mod checked;
mod client;
mod control;
mod drive;
mod executor;
mod feed;
mod measure;
mod merge;
mod open;
mod recording;
mod replay;
mod schedule;
mod shared;
mod threads;
mod validate;
mod worker;

use std::time::Duration;

pub use control::{Control, Progress};
pub use feed::Entries;
pub use open::OpenOptions;
pub use recording::RecordTo;
pub use replay::Replay;
pub use validate::{Sum, sum, validate, validated};

use crate::figures::{Phase, RunFigures};
use crate::target::{TargetError, TargetFactory};
use crate::trace::TraceError;
use crate::workload::Workload;
use drive::{Drive, Fed};

/// How a workload is driven, beyond what its properties say.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Worker threads; `None` means one per core. Never more than `threadcount`, never fewer than 1.
    pub workers: Option<usize>,
    /// How long operations in flight may take to come back once a phase has ended; `None` means 10 s.
    pub drain: Option<Duration>,
    /// Cores that worker threads are pinned to, in turn; empty leaves them to the kernel.
    pub cores: Vec<usize>,
    /// Whether the target's calls block and run on the workers' own threads: those are the system's threads then, and
    /// are scheduled as such.
    pub calls_block: bool,
    /// Where the operations of a run phase are recorded, each at the time it did start.
    pub record: Option<RecordTo>,
}

/// Why a phase could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Neither `operationcount` nor `maxexecutiontime` is set.
    #[error("the run has no end: set operationcount or maxexecutiontime")]
    Unbounded,
    /// An open loop cannot be driven like this; the text says why.
    #[error("{0}")]
    Arrivals(&'static str),
    /// Operations of this class cannot be recorded.
    #[error("operations of {0} cannot be recorded: a trace has no words for what they check")]
    Record(&'static str),
    /// The trace that operations come from cannot be read, or no further: what came before it is lost.
    #[error("{0}")]
    Trace(#[from] TraceError),
    /// A worker could not connect.
    #[error("worker {worker} cannot connect: {error}")]
    Connect {
        /// The worker.
        worker: usize,
        /// What its target said.
        error: TargetError,
    },
}

/// Load phase: inserts `insertcount` records from `insertstart`, spread over all clients.
///
/// A record depends on the seed and its key alone, not on the number of clients. `maxexecutiontime` and
/// `warmuptime` do not apply: a table that is only partly there makes every later figure wrong.
pub fn load<F: TargetFactory>(
    workload: &Workload,
    factory: &F,
    options: &RunOptions,
    control: &Control,
) -> Result<RunFigures, RunError> {
    Drive { phase: Phase::Load, workload, factory, options, open: None, control }.run(None)
}

/// Load phase of a trace: inserts `records` records, as `inserts` says, in as many clients as `threadcount` says. One
/// field each, whose bytes follow from the key and the size; where no size is given, that of the workload's records.
///
/// # Errors
/// [`RunError::Trace`] for the first error among them, [`RunError::Connect`].
pub fn load_entries<F: TargetFactory>(
    workload: &Workload,
    factory: &F,
    options: &RunOptions,
    inserts: Entries<'_>,
    records: u64,
    control: &Control,
) -> Result<RunFigures, RunError> {
    let fed = Fed { entries: inserts, goal: Some(records) };
    Drive { phase: Phase::Load, workload, factory, options, open: None, control }.run(Some(fed))
}

/// Run phase in a closed loop whose operations are given: each is sent once, as soon as some client is free. Those on
/// one key are sent in order; times of the trace say nothing. Values, and what `dataintegrity` checks, are as in
/// [`load_entries`].
///
/// # Errors
/// [`RunError::Trace`] for the first error among them, [`RunError::Connect`].
pub fn run_entries<F: TargetFactory>(
    workload: &Workload,
    factory: &F,
    options: &RunOptions,
    entries: Entries<'_>,
    control: &Control,
) -> Result<RunFigures, RunError> {
    let fed = Fed { entries, goal: None };
    Drive { phase: Phase::Run, workload, factory, options, open: None, control }.run(Some(fed))
}

/// Run phase: the mix, until `operationcount` operations or `maxexecutiontime` after the warm-up.
///
/// Each client does its equal share of the operations; its draws depend on the seed, the client and the
/// cycle alone. A record read or scanned is verified when `dataintegrity` is on. Where the sum of all records is
/// known beforehand, [`validated`] says whether it was kept.
pub fn run<F: TargetFactory>(
    workload: &Workload,
    factory: &F,
    options: &RunOptions,
    control: &Control,
) -> Result<RunFigures, RunError> {
    if workload.operation_count.is_none() && workload.max_execution_time.is_none() {
        return Err(RunError::Unbounded);
    }
    Drive { phase: Phase::Run, workload, factory, options, open: None, control }.run(None)
}

/// Run phase in an open loop: the mix, each operation when `arrivals` says so, whatever became of those before.
///
/// Response times count from the arrival. An operation that the target refuses because it is busy is counted,
/// with the target's reason, and never tried again. The draws of an arrival depend on the seed, its worker and
/// its number alone. Figures come with [`RunFigures::open`].
///
/// With [`OpenOptions::replay`] operations are those of a trace, each meant to start at its time; those on one key are
/// sent in its order, by one worker. A trace that turns out to be broken ends the run, without figures.
///
/// # Errors
/// [`RunError::Trace`]. [`RunError::Arrivals`] for impossible steps, and for inserts under `dataintegrity`: the driver could not tell
/// an insert that was refused from one that was lost. [`RunError::Connect`].
pub fn run_open<F: TargetFactory>(
    workload: &Workload,
    factory: &F,
    arrivals: &OpenOptions,
    control: &Control,
) -> Result<RunFigures, RunError> {
    arrivals.check(workload)?;
    let options = RunOptions {
        workers: arrivals.workers,
        drain: arrivals.drain,
        cores: arrivals.cores.clone(),
        calls_block: false,
        record: arrivals.record.clone(),
    };
    let entries = arrivals.replay.as_ref().map(Replay::entries).transpose()?;
    let fed = entries.map(|entries| Fed { entries, goal: None });
    let (phase, options, open) = (Phase::Run, &options, Some(arrivals));
    Drive { phase, workload, factory, options, open, control }.run(fed)
}
