//! One phase from its first thread to its figures: workers that connect, start together and are joined; the thread that reads
//! what they are fed, and the one that records what they did.

use std::sync::mpsc;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Instant;

use crate::figures::{Phase, RecordedFigures, RunFigures};
use crate::limits::DRAIN_MAX;
use crate::target::TargetFactory;
use crate::workload::{KeyChooser, Workload, WorkloadClass};

use super::control::Control;
use super::feed::{Entries, Feed, Lifeline};
use super::measure::{Pacing, WorkerFigures};
use super::open::OpenOptions;
use super::recording::{Recording, Tap};
use super::shared::Shared;
use super::threads::{be_patient, be_punctual, pin_to};
use super::worker::Worker;
use super::{RunError, RunOptions, client, executor, merge, open};

/// Operations that are given, instead of drawn.
pub(super) struct Fed<'a> {
    /// Them.
    pub(super) entries: Entries<'a>,
    /// How many there are, where that is known.
    pub(super) goal: Option<u64>,
}

/// What is to be driven, with what and how.
pub(super) struct Drive<'a, F> {
    pub(super) phase: Phase,
    pub(super) workload: &'a Workload,
    pub(super) factory: &'a F,
    pub(super) options: &'a RunOptions,
    /// Without it the loop is closed.
    pub(super) open: Option<&'a OpenOptions>,
    pub(super) control: &'a Control,
}

/// A worker that was started, and the two ends of its beginning: channels rather than a barrier, for a worker that fails or
/// panics must not leave others waiting.
struct Starting<'scope> {
    handle: ScopedJoinHandle<'scope, Option<WorkerFigures>>,
    connected: mpsc::Receiver<Result<(), RunError>>,
    start: mpsc::Sender<Instant>,
}

impl<F: TargetFactory> Drive<'_, F> {
    /// Drives it.
    pub(super) fn run(&self, fed: Option<Fed<'_>>) -> Result<RunFigures, RunError> {
        let Self { phase, workload, options, open, control, .. } = *self;
        if options.record.is_some() && workload.class != WorkloadClass::Core {
            return Err(RunError::Record(workload.class.name()));
        }
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let most = open.map_or(workload.thread_count as usize, |arrivals| arrivals.in_flight);
        let workers = options.workers.unwrap_or(cores).clamp(1, most);
        let live = control.begin(workers);
        let drain = options.drain.unwrap_or(DRAIN_MAX);
        let mut shared =
            Shared::new(phase, workload, control.stop_flag(), live, workers, drain, open);
        shared.stores = self.factory.stores();
        shared.scans_in_order = self.factory.scans_in_order();
        let feed = fed.as_ref().map(|fed| Feed::new(workers, fed.goal));
        shared.feed = feed.as_ref();
        if phase == Phase::Run && feed.is_none() {
            shared.chooser = Some(KeyChooser::new(workload));
        }
        let shared = &shared;
        let (figures, recorded) =
            thread::scope(|scope| self.crew(scope, shared, workers, fed.map(|fed| fed.entries)))?;
        shared.live.finish();
        if let Some(feed) = shared.feed
            && let Some(error) = feed.take_error()
        {
            return Err(error.into());
        }
        let mut figures = merge::merge(shared, self.factory.name(), figures);
        figures.recorded = recorded;
        Ok(figures)
    }

    /// All threads of the phase, from their start to their end.
    fn crew<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        shared: &'scope Shared<'scope>,
        workers: usize,
        entries: Option<Entries<'scope>>,
    ) -> Result<(Vec<WorkerFigures>, Option<RecordedFigures>), RunError> {
        // However the workers end, the one that reads must not go on waiting for them.
        let _closing = shared.feed.map(Feed::closing);
        if let Some((feed, entries)) = shared.feed.zip(entries) {
            spawn(scope, "load-trace".into(), || feed.read(entries));
        }
        let record = self.options.record.clone().filter(|_| self.phase == Phase::Run);
        let record = record.map(|to| Recording::new(to, workers, shared.measure_from_ns));
        let (recording, tape) = record.unzip();
        let taping = tape.map(|tape| {
            spawn(scope, "load-record".into(), || {
                be_patient();
                tape.write()
            })
        });
        let starting: Vec<Starting<'_>> = (0..workers)
            .map(|worker| {
                let tap = recording.as_ref().map(|recording| recording.tap(worker));
                self.spawn_worker(scope, shared, worker, tap)
            })
            .collect();
        // From here on the workers' own ends keep the recording going.
        drop(recording);
        let mut failed = None;
        for starting in &starting {
            // A receive error is a worker that panicked: joining it below passes the panic on.
            if let Ok(Err(error)) = starting.connected.recv() {
                failed.get_or_insert(error);
            }
        }
        if failed.is_none() {
            if let Some(feed) = shared.feed {
                feed.wait_until_ahead();
            }
            let epoch = Instant::now();
            shared.live.start(epoch, shared);
            for starting in &starting {
                starting.start.send(epoch).ok();
            }
        }
        let mut figures = Vec::with_capacity(workers);
        for Starting { handle, start, .. } in starting {
            drop(start);
            figures.extend(joined(handle));
        }
        let recorded = taping.map(joined);
        failed.map_or(Ok((figures, recorded)), Err)
    }

    /// A worker, which connects, says so, and waits to be started.
    fn spawn_worker<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        shared: &'scope Shared<'scope>,
        worker: usize,
        tap: Option<Tap>,
    ) -> Starting<'scope> {
        let Self { factory, options, open, .. } = *self;
        let (connected, wait_connected) = mpsc::channel();
        let (start, wait_start) = mpsc::channel::<Instant>();
        let handle = spawn(scope, format!("load-{worker}"), move || {
            let _lifeline = Lifeline(shared.feed);
            // A schedule is kept as well as can be; without one only throughput is asked for.
            if shared.pacing() != Pacing::Unpaced {
                be_punctual();
            } else if !options.calls_block {
                be_patient();
            }
            if !options.cores.is_empty() {
                pin_to(options.cores[worker % options.cores.len()]);
            }
            let target = match executor::block_on(factory.connect(worker)) {
                Ok(target) => target,
                Err(error) => {
                    connected.send(Err(RunError::Connect { worker, error })).ok();
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
        });
        Starting { handle, connected: wait_connected, start }
    }
}

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: String,
    body: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    thread::Builder::new()
        .name(name)
        .spawn_scoped(scope, body)
        .expect("the system can start a few more threads")
}

/// What a thread returned; its panic is passed on.
fn joined<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
