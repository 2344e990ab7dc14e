//! Drives a target with a workload: a closed loop of many logical clients, or an open one of arrivals that
//! wait for nobody, on few threads.
//! Knows no engine, prints nothing; what it measured comes back as `RunFigures`.

mod checked;
mod client;
mod control;
mod executor;
mod feed;
mod measure;
mod merge;
mod open;
mod recording;
mod replay;
mod schedule;
mod shared;
mod validate;
mod worker;

use std::num::NonZeroU64;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

pub use control::{Control, Progress};
pub use feed::Entries;
pub use open::OpenOptions;
pub use recording::RecordTo;
pub use replay::Replay;

use crate::figures::{Phase, RunFigures};
use crate::limits::DRAIN_MAX;
use crate::target::{TargetError, TargetFactory};
use crate::trace::TraceError;
use crate::workload::{KeyChooser, Workload, WorkloadClass};
use feed::{Feed, Lifeline};
use measure::{Pacing, WorkerFigures};
use recording::Recording;
use shared::Shared;
use worker::Worker;

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
    drive(Phase::Load, workload, factory, options, None, None, control)
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
    let fed = Some((inserts, Some(records)));
    drive(Phase::Load, workload, factory, options, None, fed, control)
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
    drive(Phase::Run, workload, factory, options, None, Some((entries, None)), control)
}

/// Run phase: the mix, until `operationcount` operations or `maxexecutiontime` after the warm-up.
///
/// Each client does its equal share of the operations; its draws depend on the seed, the client and the
/// cycle alone. A record read or scanned is verified when `dataintegrity` is on. Where the sum of all records is
/// known beforehand ([`Workload::has_a_sum`]), they are read before the first operation and after the last.
pub fn run<F: TargetFactory>(
    workload: &Workload,
    factory: &F,
    options: &RunOptions,
    control: &Control,
) -> Result<RunFigures, RunError> {
    if workload.operation_count.is_none() && workload.max_execution_time.is_none() {
        return Err(RunError::Unbounded);
    }
    drive(Phase::Run, workload, factory, options, None, None, control)
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
    let fed = entries.map(|entries| (entries, None));
    drive(Phase::Run, workload, factory, &options, Some(arrivals), fed, control)
}

fn drive<F: TargetFactory>(
    phase: Phase,
    workload: &Workload,
    factory: &F,
    options: &RunOptions,
    open: Option<&OpenOptions>,
    fed: Option<(Entries<'_>, Option<u64>)>,
    control: &Control,
) -> Result<RunFigures, RunError> {
    if options.record.is_some() && workload.class != WorkloadClass::Core {
        return Err(RunError::Record(workload.class.name()));
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let most = open.map_or(workload.thread_count as usize, |arrivals| arrivals.in_flight);
    let workers = options.workers.unwrap_or(cores).clamp(1, most);
    let live = control.begin(workers);
    let drain = options.drain.unwrap_or(DRAIN_MAX);
    let mut shared = Shared::new(phase, workload, control.stop_flag(), live, workers, drain, open);
    shared.stores = factory.stores();
    let feed = fed.as_ref().map(|(_, goal)| Feed::new(workers, *goal));
    shared.feed = feed.as_ref();
    if phase == Phase::Run && feed.is_none() {
        shared.chooser = Some(KeyChooser::new(workload));
    }
    let shared = &shared;
    let is_validated = phase == Phase::Run && shared.stores && workload.has_a_sum();
    let sum = || -> Result<Option<validate::Sum>, RunError> {
        if !is_validated {
            return Ok(None);
        }
        let connected = executor::block_on(factory.connect(0));
        let target = connected.map_err(|error| RunError::Connect { worker: 0, error })?;
        Ok(Some(validate::sum(workload, &target, drain)))
    };
    let before = sum()?;
    let mut figures: Vec<WorkerFigures> = Vec::with_capacity(workers);
    let recorded = thread::scope(|scope| {
        // However the workers end, the one that reads must not go on waiting for them.
        let _closing = shared.feed.map(Feed::closing);
        if let Some((feed, (entries, _))) = shared.feed.zip(fed) {
            let reader = thread::Builder::new().name("load-trace".into());
            reader
                .spawn_scoped(scope, || feed.read(entries))
                .expect("the system can start one more thread");
        }
        let record = options.record.clone().filter(|_| phase == Phase::Run);
        let record = record.map(|to| Recording::new(to, workers, shared.measure_from_ns));
        let (recording, taping) = match record {
            None => (None, None),
            Some((recording, tape)) => {
                let taping = thread::Builder::new().name("load-record".into());
                let taping = taping
                    .spawn_scoped(scope, || {
                        be_patient();
                        tape.write()
                    })
                    .expect("the system can start one more thread");
                (Some(recording), Some(taping))
            }
        };
        let mut connecting = Vec::with_capacity(workers);
        for worker in 0..workers {
            let tap = recording.as_ref().map(|recording| recording.tap(worker));
            // Channels rather than a barrier: a worker that fails or panics must not leave others waiting.
            let (connected, wait_connected) = mpsc::channel();
            let (start, wait_start) = mpsc::channel::<Instant>();
            let handle = thread::Builder::new()
                .name(format!("load-{worker}"))
                .spawn_scoped(scope, move || {
                    let _lifeline = Lifeline(shared.feed);
                    // A schedule is kept as well as can be; without one only throughput is asked for.
                    if shared.pacing() == Pacing::Unpaced {
                        if !options.calls_block {
                            be_patient();
                        }
                    } else {
                        be_punctual();
                    }
                    if !options.cores.is_empty() {
                        pin_to(options.cores[worker % options.cores.len()]);
                    }
                    let target = match executor::block_on(factory.connect(worker)) {
                        Ok(target) => target,
                        Err(error) => {
                            connected.send(Err(error)).ok();
                            return None;
                        }
                    };
                    connected.send(Ok(())).ok();
                    let epoch = wait_start.recv().ok()?;
                    let worker = Worker::new(shared, worker, &target, epoch, tap);
                    Some(match open {
                        Some(arrivals) => open::drive_worker(worker, arrivals),
                        None => client::drive_worker(worker),
                    })
                })
                .expect("the system can start a few more threads");
            connecting.push((handle, wait_connected, start));
        }
        // From here on the workers' own ends keep the recording going.
        drop(recording);
        let mut failed = None;
        for (worker, (_, wait_connected, _)) in connecting.iter().enumerate() {
            // A receive error is a worker that panicked: joining it below passes the panic on.
            if let Ok(Err(error)) = wait_connected.recv() {
                failed.get_or_insert(RunError::Connect { worker, error });
            }
        }
        if let (Some(feed), None) = (shared.feed, &failed) {
            feed.wait_until_ahead();
        }
        let epoch = Instant::now();
        if failed.is_none() {
            shared.live.start(epoch, shared);
            for (_, _, start) in &connecting {
                start.send(epoch).ok();
            }
        }
        for (handle, _, start) in connecting {
            drop(start);
            match handle.join() {
                Ok(measured) => figures.extend(measured),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        let recorded = taping.map(|taping| taping.join());
        let recorded =
            recorded.transpose().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        failed.map_or(Ok(recorded), Err)
    })?;
    shared.live.finish();
    if let Some(feed) = shared.feed
        && let Some(error) = feed.take_error()
    {
        return Err(error.into());
    }
    let (mut figures, told) = merge::merge(shared, factory.name(), figures);
    figures.recorded = recorded;
    figures.validation = before
        .zip(sum()?)
        .map(|(before, after)| validate::validation(workload, before, after, told));
    Ok(figures)
}

/// Has this thread wait for its turn when it is woken, instead of pushing aside whoever runs: where
/// the generator shares cores with what it measures, each answer would else interrupt the work on the
/// next ones. A system that refuses is measured as it is.
fn be_patient() {
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
    // The crate's name for niceness 0, which is where every process begins.
    let Ok(niceness_0) = 47u8.try_into() else { return };
    let priority = ThreadPriority::Crossplatform(niceness_0);
    let _ = set_thread_priority_and_policy(thread_native_id(), priority, policy);
}

/// Has the kernel wake this thread when it asked to be, and not up to 50 us later, as it does by default to wake
/// several at once. A system that refuses is measured as it is.
fn be_punctual() {
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}

/// Keeps this thread on one core. A system that refuses is measured as it is.
fn pin_to(core: usize) {
    let mut cores = rustix::thread::CpuSet::new();
    if core < rustix::thread::CpuSet::MAX_CPU {
        cores.set(core);
        let _ = rustix::thread::sched_setaffinity(None, &cores);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thread_priority::thread_schedule_policy;

    #[test]
    fn a_pinned_worker_stays_on_its_core() {
        let allowed = rustix::thread::sched_getaffinity(None).expect("known");
        let core = (0..1024).rfind(|core| allowed.is_set(*core)).expect("at least one");
        let mask = thread::spawn(move || {
            pin_to(core);
            rustix::thread::sched_getaffinity(None).expect("known")
        });
        let mask = mask.join().expect("nothing panics");
        assert!(mask.is_set(core) && mask.count() == 1, "core {core}");
    }

    #[test]
    fn a_worker_waits_for_its_turn() {
        let worker = thread::spawn(|| {
            be_patient();
            thread_schedule_policy()
        });
        let policy = worker.join().expect("nothing panics").expect("known");
        assert_eq!(policy, ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch));
    }
}
