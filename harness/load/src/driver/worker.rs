//! One operation at a time: draw it, send it, time it, check it.
//! Neither loop lives here: when operations start is `client`'s and `open`'s.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::time::Instant;

use super::executor::{self, Idle, Timers, yield_now};
use super::measure::{Outcome, Recorder, Times, WorkerFigures};
use super::shared::Shared;
use crate::limits::PARK_MAX;
use crate::random::{Random, Stream};
use crate::record::{FieldSet, IntegrityCheck, Record, Values};
use crate::target::{Row, Target, TargetError, Updated};
use crate::workload::{KeyChooser, Operation};

/// What all clients of one worker share; one thread, so cells will do.
pub(super) struct Worker<'a, T> {
    pub shared: &'a Shared<'a>,
    pub number: usize,
    target: &'a T,
    pub epoch: Instant,
    pub values: Values<'a>,
    pub recorder: RefCell<Recorder>,
    check: RefCell<IntegrityCheck<'a>>,
    chooser: RefCell<Option<KeyChooser>>,
    pub timers: Timers,
    /// When the last operation of this worker ended: a clock that costs nothing to read.
    pub last_ns: Cell<u64>,
    /// Whether the schedule of arrivals has come to its end.
    pub over: Cell<bool>,
}

impl<'a, T: Target> Worker<'a, T> {
    pub fn new(shared: &'a Shared<'a>, number: usize, target: &'a T, epoch: Instant) -> Self {
        Self {
            shared,
            number,
            target,
            epoch,
            values: Values::new(shared.workload),
            recorder: RefCell::new(Recorder::new(shared.measure_from_ns, shared.pacing())),
            check: RefCell::new(IntegrityCheck::new(shared.workload)),
            chooser: RefCell::new(shared.chooser.clone()),
            timers: Timers::default(),
            last_ns: Cell::new(0),
            over: Cell::new(false),
        }
    }

    /// Drives this worker's clients to their end. Returns how many were abandoned.
    pub fn drive<C: Future<Output = ()>>(&self, clients: impl Iterator<Item = C>) -> u64 {
        let mut ended_at: Option<Instant> = None;
        executor::run(clients, &self.timers, || {
            if !self.has_ended(self.now_ns()) {
                return Idle::Nap(PARK_MAX);
            }
            match ended_at {
                None => {
                    ended_at = Some(Instant::now());
                    Idle::WakeAll
                }
                Some(at) if at.elapsed() >= self.shared.drain => Idle::Abandon,
                Some(_) => Idle::Nap(PARK_MAX),
            }
        })
    }

    /// What was measured, once all is driven.
    pub fn into_figures(self, abandoned: u64) -> WorkerFigures {
        self.recorder.into_inner().into_figures(abandoned)
    }

    pub fn now_ns(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// Reads the clock, and keeps what it said.
    pub fn tick(&self) -> u64 {
        let now = self.now_ns();
        self.last_ns.set(now);
        now
    }

    /// Whether no more operations may start.
    pub fn has_ended(&self, now_ns: u64) -> bool {
        self.shared.stopped() || self.over.get() || now_ns >= self.shared.deadline_ns
    }

    /// Tells the progress counters where this worker is.
    pub fn publish(&self) {
        self.shared.live.slots[self.number].publish(self.recorder.borrow().so_far());
    }

    /// The times of an operation that starts now; the end is filled in by `end`.
    fn start(&self, intended_ns: Option<u64>) -> Times {
        let start_ns = self.tick();
        if self.shared.open.is_some() {
            self.recorder.borrow_mut().offered(start_ns);
        }
        Times {
            intended_ns: intended_ns.unwrap_or(start_ns).min(start_ns),
            start_ns,
            end_ns: start_ns,
        }
    }

    fn end(&self, times: Times) -> Times {
        Times { end_ns: self.tick(), ..times }
    }

    fn written_bytes(&self, key: &[u8], record: &Record) -> u64 {
        key.len() as u64 + record.user_bytes(&self.shared.name_bytes)
    }

    /// One insert: its times, and the bytes it wrote or its error.
    pub async fn try_insert(
        &self,
        key: &[u8],
        record: Record,
        intended_ns: Option<u64>,
    ) -> (Times, Result<u64, TargetError>) {
        let bytes = self.written_bytes(key, &record);
        let times = self.start(intended_ns);
        let result = self.target.insert(key, record).await;
        (self.end(times), result.map(|()| bytes))
    }

    /// Records the end of an insert. Returns whether it was measured.
    pub fn inserted(&self, key: &[u8], times: Times, result: Result<u64, TargetError>) -> bool {
        let mut recorder = self.recorder.borrow_mut();
        let outcome = match &result {
            Ok(bytes) => {
                recorder.answered(Operation::Insert, times, true);
                recorder.wrote(*bytes, times);
                Outcome::Answered
            }
            Err(error) => recorder.failed(Operation::Insert, key, error, times),
        };
        recorder.finished(times, outcome)
    }

    /// One operation of the mix: the one that `stream` draws at `cycle`. Returns whether it was measured.
    pub async fn run_cycle(
        &self,
        stream: u64,
        cycle: u64,
        key: &mut Vec<u8>,
        intended_ns: Option<u64>,
    ) -> bool {
        let workload = self.shared.workload;
        let mut random = Stream::new(workload.seed, stream).at(cycle);
        let operation = workload.mix.next(&mut random);
        if operation == Operation::Insert {
            return self.insert(key, &mut random, intended_ns).await;
        }
        let number = {
            let last = self.shared.inserted.last().unwrap_or(0);
            // By the schedule where there is one, so that equal seeds draw equal keys.
            let at_ns = intended_ns.unwrap_or(self.last_ns.get());
            let mut chooser = self.chooser.borrow_mut();
            let chooser = chooser.as_mut().expect("the run phase has a key chooser");
            chooser.next(last, at_ns, &mut random)
        };
        workload.write_key(number, key);
        match operation {
            Operation::Read => {
                let fields = self.fields_to_read(&mut random);
                let times = self.start(intended_ns);
                let (times, found) = self.read(key, fields, times).await;
                let outcome = found.map_or_else(|outcome| outcome, |_| Outcome::Answered);
                self.recorder.borrow_mut().finished(times, outcome)
            }
            Operation::Update => {
                let changes = self.changes(key, &mut random);
                let times = self.start(intended_ns);
                let (times, outcome) = self.update(key, changes, times).await;
                self.recorder.borrow_mut().finished(times, outcome)
            }
            Operation::Scan => self.scan(key, &mut random, intended_ns).await,
            _ => self.read_modify_write(key, &mut random, intended_ns).await,
        }
    }

    fn one_field(&self, random: &mut Random) -> u16 {
        random.next_below(self.shared.workload.field_names.len() as u64) as u16
    }

    fn fields_to_read(&self, random: &mut Random) -> FieldSet {
        let workload = self.shared.workload;
        if !workload.read_all_fields {
            FieldSet::One(self.one_field(random))
        } else if workload.read_all_fields_by_name || workload.data_integrity {
            FieldSet::AllByName
        } else {
            FieldSet::All
        }
    }

    fn changes(&self, key: &[u8], random: &mut Random) -> Record {
        if self.shared.workload.write_all_fields {
            self.values.all_fields(key, random)
        } else {
            let field = self.one_field(random);
            self.values.one_field(key, field, random)
        }
    }

    /// Reads, times and checks. `Ok(found)`, or how else it ended.
    async fn read(
        &self,
        key: &[u8],
        fields: FieldSet,
        times: Times,
    ) -> (Times, Result<bool, Outcome>) {
        let result = self.target.read(key, fields).await;
        let times = self.end(times);
        let mut recorder = self.recorder.borrow_mut();
        let record = match result {
            Ok(record) => record,
            Err(error) => {
                return (times, Err(recorder.failed(Operation::Read, key, &error, times)));
            }
        };
        recorder.answered(Operation::Read, times, record.is_some());
        if self.shared.workload.data_integrity {
            let verdict = match &record {
                Some(record) => self
                    .check
                    .borrow_mut()
                    .verify(key, fields, record)
                    .map_err(|wrong| wrong.to_string()),
                None => Err("the record is missing".to_owned()),
            };
            recorder.verified(key, verdict);
        }
        if let Some(record) = &record {
            recorder.read(self.written_bytes(key, record));
        }
        (times, Ok(record.is_some()))
    }

    /// Updates and times.
    async fn update(&self, key: &[u8], changes: Record, times: Times) -> (Times, Outcome) {
        let bytes = self.written_bytes(key, &changes);
        let result = self.target.update(key, changes, self.shared.workload.write_all_fields).await;
        let times = self.end(times);
        let mut recorder = self.recorder.borrow_mut();
        match result {
            Ok(updated) => {
                let applied = updated == Updated::Applied;
                recorder.answered(Operation::Update, times, applied);
                recorder.wrote(if applied { bytes } else { 0 }, times);
                (times, Outcome::Answered)
            }
            Err(error) => (times, recorder.failed(Operation::Update, key, &error, times)),
        }
    }

    /// Inserts the next new key, and acknowledges it also when it failed: as in YCSB, or later keys would never
    /// be read.
    async fn insert(
        &self,
        key: &mut Vec<u8>,
        random: &mut Random,
        intended_ns: Option<u64>,
    ) -> bool {
        let number = loop {
            match self.shared.inserted.next() {
                Ok(number) => break number,
                Err(_) if self.has_ended(self.tick()) => return false,
                Err(_) => yield_now().await,
            }
        };
        self.shared.workload.write_key(number, key);
        let record = self.values.all_fields(key, random);
        let (times, result) = self.try_insert(key, record, intended_ns).await;
        self.shared.inserted.acknowledge(number);
        self.inserted(key, times, result)
    }

    async fn scan(&self, key: &[u8], random: &mut Random, intended_ns: Option<u64>) -> bool {
        let count = self.shared.workload.scan_lengths.next(random) as usize;
        let fields = self.fields_to_read(random);
        let times = self.start(intended_ns);
        let result = self.target.scan(key, count, fields).await;
        let times = self.end(times);
        let mut recorder = self.recorder.borrow_mut();
        let outcome = match &result {
            Ok(rows) => {
                recorder.answered(Operation::Scan, times, !rows.is_empty());
                recorder.scanned(rows.len() as u64);
                recorder
                    .read(rows.iter().map(|row| self.written_bytes(&row.key, &row.record)).sum());
                if self.shared.workload.data_integrity {
                    self.check_rows(key, count, fields, rows, &mut recorder);
                }
                Outcome::Answered
            }
            Err(error) => recorder.failed(Operation::Scan, key, error, times),
        };
        recorder.finished(times, outcome)
    }

    /// Every row's values, and what a scan promises: at most `count` rows, ascending, none before the start,
    /// and the start itself, which exists, first.
    fn check_rows(
        &self,
        start: &[u8],
        count: usize,
        fields: FieldSet,
        rows: &[Row],
        recorder: &mut Recorder,
    ) {
        let mut check = self.check.borrow_mut();
        let begins = rows.first().is_some_and(|row| row.key == start);
        recorder.verified(
            start,
            if begins { Ok(()) } else { Err("the scan does not begin with its start key") },
        );
        let mut previous: Option<&Row> = None;
        for (index, row) in rows.iter().enumerate() {
            let verdict = if index >= count {
                Err(format!("row {index} of a scan of {count}"))
            } else if previous.is_some_and(|previous| previous.key >= row.key) {
                Err("the row is out of order".to_owned())
            } else {
                check.verify(&row.key, fields, &row.record).map_err(|wrong| wrong.to_string())
            };
            recorder.verified(&row.key, verdict);
            previous = Some(row);
        }
    }

    /// A read, then an update of the same key when it was there; timed as one, and each half as its own.
    async fn read_modify_write(
        &self,
        key: &[u8],
        random: &mut Random,
        intended_ns: Option<u64>,
    ) -> bool {
        let fields = self.fields_to_read(random);
        let changes = self.changes(key, random);
        let times = self.start(intended_ns);
        let (read, found) = self.read(key, fields, times).await;
        let (end_ns, outcome) = match found {
            Ok(true) => {
                // Nobody meant the second half to start before the first was back.
                let (half, outcome) = self
                    .update(
                        key,
                        changes,
                        Times { intended_ns: read.end_ns, start_ns: read.end_ns, end_ns: 0 },
                    )
                    .await;
                (half.end_ns, outcome)
            }
            Ok(false) => (read.end_ns, Outcome::Answered),
            Err(outcome) => (read.end_ns, outcome),
        };
        let times = Times { end_ns, ..times };
        let mut recorder = self.recorder.borrow_mut();
        match outcome {
            Outcome::Answered => {
                recorder.answered(Operation::ReadModifyWrite, times, found == Ok(true));
            }
            // The half that was refused or failed has been noted.
            Outcome::Refused => {}
            Outcome::Failed => recorder.half_failed(Operation::ReadModifyWrite, times),
        }
        recorder.finished(times, outcome)
    }
}
