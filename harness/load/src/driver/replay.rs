//! Replaying a trace: when each of its operations arrives, and what it sends. A closed loop takes operations from a
//! feed too, one after the other, to load a trace's records and to read them back.
//! How they come here is `feed`'s; how they are sent, timed and checked `worker`'s.

use std::time::{Duration, Instant};

use super::RunError;
use super::feed::{Entries, LOOK_AGAIN_AFTER, Next, Outlet};
use super::schedule::Schedule;
use super::worker::Worker;
use crate::figures::Phase;
use crate::random::Stream;
use crate::record::{FieldSet, traced_record};
use crate::target::Target;
use crate::trace::{TraceEntry, TraceFile, key_hash};
use crate::workload::{Operation, Trace, Workload, scaled_ns};

/// A trace as the arrivals of an open loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The file.
    pub file: TraceFile,
    /// How many times as fast as it was recorded, above 0.
    pub speed: f64,
    /// The trace's time of its first operation, in microseconds, with which the replay begins.
    pub first_us: u64,
    /// What of the trace's time is left out of the figures, at its beginning.
    pub warm_up: Duration,
    /// How long operations arrive behind the warm-up, in time of the replay; not those at its end.
    pub length: Duration,
}

impl Replay {
    /// All of a workload's trace, but for what lies behind `maxexecutiontime`.
    pub fn new(trace: &Trace, workload: &Workload) -> Self {
        let mut replay = Self {
            file: trace.file.clone(),
            speed: trace.speed,
            first_us: trace.survey.first_us,
            warm_up: workload.warm_up,
            length: Duration::ZERO,
        };
        // The last one is part of it, and there is no rate without a length.
        let behind_ns = replay.at_ns(trace.survey.last_us).saturating_add(1);
        let length_ns = behind_ns.saturating_sub(replay.warm_up_ns()).max(1_000_000);
        let length = Duration::from_nanos(length_ns);
        replay.length = workload.max_execution_time.map_or(length, |limit| limit.min(length));
        replay
    }

    /// Only its first `length`, without a warm-up: what the same load does to something else.
    pub fn beginning(&self, length: Duration) -> Self {
        Self { warm_up: Duration::ZERO, length, ..self.clone() }
    }

    /// How long the replay takes before figures are taken.
    pub fn warm_up_replayed(&self) -> Duration {
        Duration::from_nanos(self.warm_up_ns())
    }

    /// When an operation arrives, from the start.
    fn at_ns(&self, time_us: u64) -> u64 {
        scaled_ns(time_us.saturating_sub(self.first_us), self.speed)
    }

    pub(super) fn warm_up_ns(&self) -> u64 {
        scaled_ns(self.warm_up.as_micros() as u64, self.speed)
    }

    /// The operations of its time.
    pub(super) fn entries(&self) -> Result<Entries<'static>, RunError> {
        let replay = self.clone();
        let end_ns = self.warm_up_ns().saturating_add(self.length.as_nanos() as u64);
        let reader = self.file.open()?;
        Ok(Box::new(reader.take_while(move |entry| {
            entry.as_ref().map_or(true, |entry| replay.at_ns(entry.time_us) < end_ns)
        })))
    }
}

/// Where an open loop's arrivals come from.
pub(super) enum Source<'a> {
    /// They are drawn.
    Drawn(Schedule),
    /// They stand in a trace.
    Traced { outlet: Outlet<'a>, replay: &'a Replay },
}

impl Source<'_> {
    /// The time of the next arrival.
    pub fn peek(&self) -> Next<u64> {
        match self {
            Self::Drawn(schedule) => schedule.peek().map_or(Next::Over, Next::Is),
            Self::Traced { outlet, replay, .. } => match outlet.peek_us() {
                Next::Is(time_us) => Next::Is(replay.at_ns(time_us)),
                Next::Unknown(not_before_us) => Next::Unknown(replay.at_ns(not_before_us)),
                Next::Over => Next::Over,
            },
        }
    }

    /// Takes the next arrival: when it is, and what it is to send.
    pub fn take(&mut self) -> Option<(u64, Arriving)> {
        match self {
            Self::Drawn(schedule) => {
                schedule.take().map(|arrival| (arrival.at_ns, Arriving::Drawn(arrival.number)))
            }
            Self::Traced { outlet, replay } => {
                let entry = outlet.take()?;
                Some((replay.at_ns(entry.time_us), Arriving::Traced(entry)))
            }
        }
    }
}

/// What an arrival is to send.
pub(super) enum Arriving {
    /// What is drawn for this number.
    Drawn(u64),
    /// This.
    Traced(TraceEntry),
}

impl<T: Target> Worker<'_, T> {
    /// One operation of a trace. Returns whether it was measured.
    pub async fn run_entry(&self, entry: &TraceEntry, intended_ns: Option<u64>) -> bool {
        let key = entry.key.as_bytes();
        let written = || traced_record(key, entry.size_bytes.unwrap_or(0));
        match entry.operation {
            Operation::Read => self.read_one(key, FieldSet::All, intended_ns).await,
            Operation::Update => self.update_one(key, written(), intended_ns).await,
            Operation::Insert => {
                let (times, result) = self.try_insert(key, written(), intended_ns).await;
                self.inserted(key, times, result)
            }
            Operation::Scan => {
                let count = entry.count.unwrap_or(1) as usize;
                self.scan(key, count, FieldSet::All, intended_ns).await
            }
            Operation::ReadModifyWrite => {
                self.read_modify_write(key, FieldSet::All, written(), intended_ns).await
            }
        }
    }

    /// A closed loop's client that does what comes next, until nothing does.
    pub async fn run_fed_client(&self, outlet: &Outlet<'_>, slot: usize) {
        while !self.has_ended(self.last_ns.get()) {
            let Some(entry) = outlet.take() else {
                if outlet.peek_us() == Next::Over {
                    break;
                }
                let again = Instant::now() + LOOK_AGAIN_AFTER;
                self.timers.sleep_until(slot, again, || self.shared.stopped()).await;
                self.tick();
                continue;
            };
            match self.shared.phase {
                Phase::Load => self.load_entry(slot, &entry).await,
                Phase::Run => self.run_entry(&entry, None).await,
            };
            self.publish();
            self.yield_turn().await;
        }
        if self.shared.stopped() {
            self.recorder.borrow_mut().cut_short();
        }
    }

    /// Inserts one record of a trace's load; one that the trace never writes is as long as the workload's.
    async fn load_entry(&self, slot: usize, entry: &TraceEntry) -> bool {
        let key = entry.key.as_bytes();
        let seed = self.shared.workload.seed;
        let mut random = Stream::new(seed, Stream::LOAD).at(key_hash(&entry.key));
        let size = entry.size_bytes.unwrap_or_else(|| self.values.drawn_bytes(&mut random));
        self.load_record(slot, key, traced_record(key, size), &mut random, None).await
    }
}
