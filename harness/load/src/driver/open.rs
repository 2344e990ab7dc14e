//! The open loop: operations arrive by a schedule and wait for nobody. One that finds the target busy is
//! refused and counted, never tried again; one that nobody came to in time is counted as late.
//! What an operation is, is `worker`'s; when the next one arrives, `schedule`'s, or the trace's that `replay` has.
//!
//! A worker has a fixed set of slots, each with one operation at a time. One of them stands at the gate:
//! it waits for the next arrival and sends it. Only if the target does not answer at once is the gate
//! passed on, so a refusal wakes nobody. Times count from the arrival: when slots or the processor run
//! short, the wait is in the figures, up to where it is late.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::RunError;
use super::executor::yield_now;
use super::feed::{LOOK_AGAIN_AFTER, Next};
use super::measure::WorkerFigures;
use super::recording::RecordTo;
use super::replay::{Arriving, Replay, Source};
use super::schedule::Schedule;
use super::worker::Worker;
use crate::limits::ARRIVALS_PER_TURN_MAX;
use crate::target::Target;
use crate::workload::{Arrivals, Operation, Step, Workload, WorkloadClass};

/// What an open loop offers, beyond what the workload's properties say. `target`, `threadcount` and the ends
/// of a run among those have no effect.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The rates, one after the other; at least one.
    pub steps: Vec<Step>,
    /// How arrivals are spaced.
    pub arrivals: Arrivals,
    /// A trace in place of both: then the one step is for its figures, and what operations do stands in it too.
    pub replay: Option<Replay>,
    /// Operations in flight over all workers before the driver itself has no room. Above the target's own
    /// bound, so that the target refuses and not the driver.
    pub in_flight: usize,
    /// An arrival that could not be offered for so long is given up and counted as late.
    pub late_after: Duration,
    /// Worker threads; `None` means one per core, as in a closed loop: what one is compared with the other for
    /// must not hang on the number of threads.
    pub workers: Option<usize>,
    /// How long operations in flight may take to come back once the last step has ended; `None` means 10 s.
    pub drain: Option<Duration>,
    /// Cores that worker threads are pinned to, as [`super::RunOptions::cores`].
    pub cores: Vec<usize>,
    /// Where the operations are recorded, each at the time it was to start.
    pub record: Option<RecordTo>,
}

impl OpenOptions {
    /// One step of Poisson arrivals, with the usual bounds.
    pub fn new(rate_per_s: f64, seconds: u64) -> Self {
        Self {
            steps: vec![Step::flat(rate_per_s, seconds)],
            arrivals: Arrivals::Poisson,
            replay: None,
            in_flight: 4096,
            late_after: Duration::from_millis(10),
            workers: None,
            drain: None,
            cores: Vec::new(),
            record: None,
        }
    }

    /// A trace as arrivals, with the usual bounds. `rate_per_s` is what it comes to, as far as is known.
    pub fn replay(replay: Replay, rate_per_s: f64) -> Self {
        let seconds = replay.length.as_secs_f64().ceil().max(1.0) as u64;
        Self { replay: Some(replay), ..Self::new(rate_per_s, seconds) }
    }

    /// Length of all steps, or of the trace behind the warm-up.
    pub fn length(&self) -> Duration {
        if let Some(replay) = &self.replay {
            return replay.length;
        }
        Duration::from_secs(self.steps.iter().map(|step| step.seconds).sum())
    }

    /// Whether `workload` can be driven like this.
    ///
    /// # Errors
    /// [`RunError::Arrivals`], as [`crate::run_open`].
    pub fn check(&self, workload: &Workload) -> Result<(), RunError> {
        let bad = |step: &Step| {
            let positive = step.rate_per_s.is_finite() && step.rate_per_s > 0.0;
            !positive || step.seconds == 0
        };
        if self.steps.is_empty() || self.steps.iter().any(bad) {
            let problem = "an open loop needs steps, each of a rate above 0 for at least a second";
            return Err(RunError::Arrivals(problem));
        }
        if self.in_flight == 0 {
            return Err(RunError::Arrivals("an open loop needs room for at least 1 operation"));
        }
        if workload.class == WorkloadClass::ReadYourWrites {
            let problem = "a client that reads its writes waits for each answer: read-your-writes needs \
                           a closed loop";
            return Err(RunError::Arrivals(problem));
        }
        let is_drawn = self.replay.is_none();
        if is_drawn && workload.data_integrity && workload.share(Operation::Insert) > 0.0 {
            let problem = "inserts of an open loop may be refused, and dataintegrity would call those \
                           lost: set insertproportion=0 or dataintegrity=false";
            return Err(RunError::Arrivals(problem));
        }
        Ok(())
    }
}

/// Who waits for the next arrival, on one worker.
struct Gate<'a> {
    source: RefCell<Source<'a>>,
    /// Whether some slot stands here.
    held: Cell<bool>,
    /// Slots that wait for the gate, each once, and which those are.
    idle: RefCell<Vec<(usize, Waker)>>,
    waits: Vec<Cell<bool>>,
    busy: Cell<u64>,
    late_after_ns: u64,
}

/// Drives this worker's slots until the schedule is over and all operations are back, or long enough after.
pub(super) fn drive_worker<T: Target>(
    worker: Worker<'_, T>,
    options: &OpenOptions,
) -> WorkerFigures {
    let shared = worker.shared;
    let slots = options.in_flight.div_ceil(shared.workers);
    let gate = &Gate {
        source: RefCell::new(match (&options.replay, shared.feed) {
            (Some(replay), Some(feed)) => {
                Source::Traced { outlet: feed.outlet(worker.number), replay }
            }
            _ => Source::Drawn(Schedule::new(
                &options.steps,
                Duration::from_nanos(shared.measure_from_ns),
                options.arrivals,
                shared.workload.seed,
                worker.number,
                shared.workers,
            )),
        }),
        held: Cell::new(false),
        idle: RefCell::default(),
        waits: vec![Cell::new(false); slots],
        busy: Cell::new(0),
        late_after_ns: options.late_after.as_nanos() as u64,
    };
    let abandoned = worker.drive((0..slots).map(|slot| worker.run_slot(gate, slot)));
    worker.give_up_the_rest(gate);
    worker.into_figures(abandoned)
}

impl Gate<'_> {
    /// Waits until no other slot stands at the gate, or until `is_over`. Whether the gate is ours.
    async fn enter(&self, slot: usize, is_over: impl Fn() -> bool) -> bool {
        poll_fn(|context| {
            if is_over() {
                return Poll::Ready(false);
            }
            let waits = &self.waits[slot];
            if self.held.replace(true) {
                // Polled though nobody called, it stands in the list already: a second entry would one
                // day call a slot that is busy, and the gate would stay empty.
                if !waits.replace(true) {
                    self.idle.borrow_mut().push((slot, context.waker().clone()));
                }
                return Poll::Pending;
            }
            if waits.replace(false) {
                self.idle.borrow_mut().retain(|(other, _)| *other != slot);
            }
            Poll::Ready(true)
        })
        .await
    }

    /// Leaves the gate to a slot that has nothing to do, or to the first that will have.
    fn leave(&self) {
        self.held.set(false);
        if let Some((slot, waker)) = self.idle.borrow_mut().pop() {
            self.waits[slot].set(false);
            waker.wake();
        }
    }

    /// Runs an operation from the gate; leaves the gate if it is not over at once. Whether it was.
    async fn send(&self, operation: impl Future<Output = bool>) -> bool {
        let mut operation = pin!(operation);
        let mut at_once = true;
        poll_fn(|context| {
            let polled = operation.as_mut().poll(context);
            if polled.is_pending() && at_once {
                at_once = false;
                self.busy.set(self.busy.get() + 1);
                self.leave();
            }
            polled.map(|_measured| ())
        })
        .await;
        if !at_once {
            self.busy.set(self.busy.get() - 1);
        }
        at_once
    }
}

impl<T: Target> Worker<'_, T> {
    /// Counts what is left of the schedule when nobody came to it before the phase was over.
    fn give_up_the_rest(&self, gate: &Gate<'_>) {
        let mut source = gate.source.borrow_mut();
        while !self.shared.stopped() {
            match source.peek() {
                Next::Is(_) => {
                    source.take();
                    self.recorder.borrow_mut().late(self.last_ns.get());
                }
                Next::Unknown(_) => thread::sleep(LOOK_AGAIN_AFTER),
                Next::Over => return,
            }
        }
    }

    async fn run_slot(&self, gate: &Gate<'_>, slot: usize) {
        let mut key = Vec::with_capacity(64);
        while gate.enter(slot, || self.has_ended(self.last_ns.get())).await {
            let mut in_a_row = 0;
            while let Some((at_ns, arriving)) = self.next_arrival(gate, slot, &mut in_a_row).await {
                let at_once = match &arriving {
                    Arriving::Drawn(number) => {
                        let stream = self.number as u64;
                        gate.send(self.run_cycle(stream, *number, &mut key, Some(at_ns))).await
                    }
                    Arriving::Traced(entry) => gate.send(self.run_entry(entry, Some(at_ns))).await,
                };
                self.recorder.borrow_mut().in_flight(gate.busy.get() + 1);
                self.publish();
                if !at_once {
                    break;
                }
            }
        }
    }

    /// The next arrival that is due and not late, waiting for it at the gate. `None` when there is no more.
    async fn next_arrival(
        &self,
        gate: &Gate<'_>,
        slot: usize,
        in_a_row: &mut usize,
    ) -> Option<(u64, Arriving)> {
        loop {
            let next = gate.source.borrow().peek();
            if next == Next::Over || self.shared.stopped() {
                if next != Next::Over {
                    self.recorder.borrow_mut().cut_short();
                }
                self.over.set(true);
                return None;
            }
            let at_ns = match next {
                Next::Is(at_ns) => Some(at_ns),
                Next::Unknown(not_before_ns) => {
                    // What others have sent meanwhile need not wait for this worker to be written.
                    if let Some(tap) = &self.tap {
                        tap.not_before(not_before_ns);
                    }
                    None
                }
                Next::Over => None,
            };
            let Some(at_ns) = at_ns else {
                // Whoever reads the trace is slow. What is found late counts from when it was to start.
                *in_a_row = 0;
                let again = Instant::now() + LOOK_AGAIN_AFTER;
                self.timers.sleep_until(slot, again, || self.shared.stopped()).await;
                if self.has_ended(self.tick()) {
                    return None;
                }
                continue;
            };
            if at_ns > self.last_ns.get() && at_ns > self.tick() {
                *in_a_row = 0;
                if let Some(tap) = &self.tap {
                    tap.not_before(at_ns);
                }
                let at = self.epoch + Duration::from_nanos(at_ns);
                self.timers.sleep_until(slot, at, || self.shared.stopped()).await;
                self.tick();
                continue;
            }
            // Answers have come in meanwhile: those who wait for them come first now and then.
            *in_a_row += 1;
            if in_a_row.is_multiple_of(ARRIVALS_PER_TURN_MAX) {
                yield_now().await;
                self.tick();
            }
            let (at_ns, arriving) = gate.source.borrow_mut().take()?;
            if self.last_ns.get() <= at_ns.saturating_add(gate.late_after_ns) {
                return Some((at_ns, arriving));
            }
            self.recorder.borrow_mut().late(self.last_ns.get());
        }
    }
}
