//! Watching and stopping a phase from outside: a stop flag and progress counters.
//! Drives nothing; polling it costs the workers nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::measure::SoFar;
use super::shared::Shared;

/// One worker's counters. Alone on its cache lines, and written by that worker only.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Slot {
    operations: AtomicU64,
    measured: AtomicU64,
    errors: AtomicU64,
    p99_ns: AtomicU64,
}

impl Slot {
    /// Publishes a worker's own counts. Plain stores: there is one writer.
    #[inline]
    pub fn publish(&self, so_far: SoFar) {
        self.operations.store(so_far.answered, Ordering::Relaxed);
        self.measured.store(so_far.measured, Ordering::Relaxed);
        self.errors.store(so_far.failed, Ordering::Relaxed);
        self.p99_ns.store(so_far.p99_ns, Ordering::Relaxed);
    }
}

/// What a phase has set out to do, known once it started.
#[derive(Debug, Clone, Copy)]
struct Goals {
    epoch: Instant,
    warm_up: Duration,
    operations: Option<u64>,
    time: Option<Duration>,
}

/// The counters of one phase.
#[derive(Debug)]
pub(super) struct Live {
    pub slots: Box<[Slot]>,
    goals: OnceLock<Goals>,
    finished: OnceLock<Instant>,
}

impl Live {
    pub fn start(&self, epoch: Instant, shared: &Shared<'_>) {
        let goals = Goals {
            epoch,
            warm_up: Duration::from_nanos(shared.measure_from_ns),
            operations: shared.operations_goal(),
            time: (shared.length_ns < u64::MAX).then(|| Duration::from_nanos(shared.length_ns)),
        };
        self.goals.set(goals).expect("a phase starts once");
    }

    pub fn finish(&self) {
        self.finished.get_or_init(Instant::now);
    }
}

/// How far a phase is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Operations answered so far, warm-up included.
    pub operations: u64,
    /// Of those, measured.
    pub measured: u64,
    /// Operations failed so far, warm-up included.
    pub errors: u64,
    /// 99th percentile of the response time in the last whole second, of the worker that had the highest; zero
    /// before the first.
    pub p99: Duration,
    /// Time since the common start; zero while workers connect.
    pub elapsed: Duration,
    /// Whether the warm-up is over.
    pub measuring: bool,
    /// Measured operations to do, if bounded.
    pub operations_goal: Option<u64>,
    /// Time to run, warm-up included, if bounded.
    pub time_goal: Option<Duration>,
    /// Whether all workers are done.
    pub finished: bool,
}

impl Progress {
    /// Share of the phase that is done, in `[0, 1]`: the larger one of operations and time.
    pub fn fraction(&self) -> f64 {
        if self.finished {
            return 1.0;
        }
        let share = |done: f64, goal: f64| if goal > 0.0 { (done / goal).min(1.0) } else { 0.0 };
        let by_operations = self
            .operations_goal
            .map_or(0.0, |goal| share((self.measured + self.errors) as f64, goal as f64));
        let by_time = self
            .time_goal
            .map_or(0.0, |goal| share(self.elapsed.as_secs_f64(), goal.as_secs_f64()));
        by_operations.max(by_time)
    }
}

/// The handle that a phase is stopped and watched by. Share it by reference or in an `Arc`.
#[derive(Debug, Default)]
pub struct Control {
    stop: Arc<AtomicBool>,
    live: Mutex<Option<Arc<Live>>>,
}

impl Control {
    /// With a stop flag of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a stop flag that something else sets, such as a signal handler.
    pub fn with_stop_flag(stop: Arc<AtomicBool>) -> Self {
        Self { stop, live: Mutex::default() }
    }

    /// Ends the phase: clients finish the operation they are in, figures come back marked partial.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// The flag itself.
    pub fn stop_flag(&self) -> &AtomicBool {
        &self.stop
    }

    /// How far the current (or last) phase is; all zero before the first.
    pub fn progress(&self) -> Progress {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(live) = live else {
            return Progress::default();
        };
        let sum = |counter: fn(&Slot) -> &AtomicU64| {
            live.slots.iter().map(|slot| counter(slot).load(Ordering::Relaxed)).sum()
        };
        let goals = live.goals.get();
        let now = live.finished.get().copied().unwrap_or_else(Instant::now);
        let elapsed =
            goals.map_or(Duration::ZERO, |goals| now.saturating_duration_since(goals.epoch));
        Progress {
            operations: sum(|slot| &slot.operations),
            measured: sum(|slot| &slot.measured),
            errors: sum(|slot| &slot.errors),
            p99: Duration::from_nanos(
                live.slots
                    .iter()
                    .map(|slot| slot.p99_ns.load(Ordering::Relaxed))
                    .max()
                    .unwrap_or(0),
            ),
            elapsed,
            measuring: goals.is_some_and(|goals| elapsed >= goals.warm_up),
            operations_goal: goals.and_then(|goals| goals.operations),
            time_goal: goals.and_then(|goals| goals.time),
            finished: live.finished.get().is_some(),
        }
    }

    /// Begins a phase with fresh counters.
    pub(super) fn begin(&self, workers: usize) -> Arc<Live> {
        let live = Arc::new(Live {
            slots: (0..workers).map(|_| Slot::default()).collect(),
            goals: OnceLock::new(),
            finished: OnceLock::new(),
        });
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&live));
        live
    }
}
