//! One operation at a time: draw it, send it, time it, check it.
//! Neither loop lives here: when operations start is `client`'s and `open`'s.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::time::Instant;

use super::checked::OwnKeys;
use super::executor::{self, Idle, Timers, yield_now};
use super::measure::{Outcome, Recorder, Times, WorkerFigures};
use super::recording::Tap;
use super::shared::Shared;
use crate::limits::PARK_MAX;
use crate::random::{Random, Stream};
use crate::record::{FieldSet, IntegrityCheck, Record, Values, check_traced};
use crate::target::{Row, Target, TargetError, Updated};
use crate::workload::{KeyChooser, Operation, WorkloadClass};

/// What all clients of one worker share; one thread, so cells will do.
pub(super) struct Worker<'a, T> {
    pub shared: &'a Shared<'a>,
    pub number: usize,
    pub target: &'a T,
    pub epoch: Instant,
    pub values: Values<'a>,
    pub recorder: RefCell<Recorder>,
    check: RefCell<IntegrityCheck<'a>>,
    /// What clients that read their writes know; `None` in other workloads.
    pub own_keys: Option<OwnKeys>,
    chooser: RefCell<Option<KeyChooser>>,
    pub timers: Timers,
    /// When the last operation of this worker ended: a clock that costs nothing to read.
    pub last_ns: Cell<u64>,
    /// Whether the schedule of arrivals has come to its end.
    pub over: Cell<bool>,
    /// Where operations are noted, if the run is recorded.
    pub tap: Option<Tap>,
}

impl<'a, T: Target> Worker<'a, T> {
    pub fn new(
        shared: &'a Shared<'a>,
        number: usize,
        target: &'a T,
        epoch: Instant,
        tap: Option<Tap>,
    ) -> Self {
        Self {
            shared,
            number,
            target,
            epoch,
            values: Values::new(shared.workload),
            recorder: RefCell::new(Recorder::new(shared.measure_from_ns, shared.pacing())),
            check: RefCell::new(IntegrityCheck::new(shared.workload)),
            own_keys: OwnKeys::new(shared.workload),
            chooser: RefCell::new(shared.chooser.clone()),
            timers: Timers::default(),
            last_ns: Cell::new(0),
            over: Cell::new(false),
            tap,
        }
    }

    /// Drives this worker's clients to their end. Returns how many were abandoned.
    pub fn drive<C: Future<Output = ()>>(&self, clients: impl Iterator<Item = C>) -> u64 {
        let mut ended_at: Option<Instant> = None;
        executor::run(clients, &self.timers, self.target.reactor(), || {
            if let Some(tap) = &self.tap {
                let now_ns = self.tick();
                // Whatever starts later starts later; arrivals may yet be behind.
                if self.shared.open.is_none() {
                    tap.not_before(now_ns);
                }
                tap.rest(now_ns);
            }
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
    pub fn start(&self, intended_ns: Option<u64>) -> Times {
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

    /// The same, noted where the run is recorded: `written` of what writes, `count` of what scans.
    pub fn start_of(
        &self,
        operation: Operation,
        key: &[u8],
        written: Option<&Record>,
        count: Option<usize>,
        intended_ns: Option<u64>,
    ) -> Times {
        let times = self.start(intended_ns);
        if let Some(tap) = &self.tap
            && times.start_ns >= self.shared.measure_from_ns
        {
            let is_open = self.shared.open.is_some();
            let at_ns = if is_open { times.intended_ns } else { times.start_ns };
            let size_bytes = written.map(|record| record.user_bytes(&[]));
            tap.note(at_ns, operation, key, size_bytes, count.map(|count| count as u64));
        }
        times
    }

    pub fn end(&self, times: Times) -> Times {
        Times { end_ns: self.tick(), ..times }
    }

    pub fn written_bytes(&self, key: &[u8], record: &Record) -> u64 {
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
        let times = self.start_of(Operation::Insert, key, Some(&record), None, intended_ns);
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
        let number = self.draw_key(intended_ns, &mut random);
        workload.write_key(number, key);
        match operation {
            Operation::Read => {
                let fields = self.fields_to_read(&mut random);
                self.read_one(key, fields, intended_ns).await
            }
            Operation::Update => {
                let changes = self.changes(key, &mut random);
                self.update_one(key, changes, intended_ns).await
            }
            Operation::Scan => {
                let count = workload.scan_lengths.next(&mut random) as usize;
                let fields = self.fields_to_read(&mut random);
                self.scan(key, count, fields, intended_ns).await
            }
            _ => match workload.class {
                WorkloadClass::Counters => self.count_up(key, intended_ns).await,
                WorkloadClass::ClosedEconomy => {
                    self.transfer(key, number, &mut random, intended_ns).await
                }
                _ => {
                    let fields = self.fields_to_read(&mut random);
                    let changes = self.changes(key, &mut random);
                    self.read_modify_write(key, fields, changes, intended_ns).await
                }
            },
        }
    }

    /// A key that exists.
    #[inline]
    pub fn draw_key(&self, intended_ns: Option<u64>, random: &mut Random) -> u64 {
        let last = self.shared.inserted.last().unwrap_or(0);
        // By the schedule where there is one, so that equal seeds draw equal keys.
        let at_ns = intended_ns.unwrap_or(self.last_ns.get());
        let mut chooser = self.chooser.borrow_mut();
        let chooser = chooser.as_mut().expect("the run phase has a key chooser");
        chooser.next(last, at_ns, random)
    }

    fn one_field(&self, random: &mut Random) -> u16 {
        random.next_below(self.shared.workload.field_names.len() as u64) as u16
    }

    pub fn fields_to_read(&self, random: &mut Random) -> FieldSet {
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

    /// A read. Returns whether it was measured, as all whole operations do.
    pub async fn read_one(&self, key: &[u8], fields: FieldSet, intended_ns: Option<u64>) -> bool {
        let times = self.start_of(Operation::Read, key, None, None, intended_ns);
        let (times, found) = self.read(key, fields, times).await;
        let outcome = found.map_or_else(|outcome| outcome, |_| Outcome::Answered);
        self.recorder.borrow_mut().finished(times, outcome)
    }

    /// An update.
    pub async fn update_one(&self, key: &[u8], changes: Record, intended_ns: Option<u64>) -> bool {
        let times = self.start_of(Operation::Update, key, Some(&changes), None, intended_ns);
        let (times, outcome) = self.update(key, changes, times).await;
        self.recorder.borrow_mut().finished(times, outcome)
    }

    /// What `dataintegrity` says of a record that was read, or was not there; `None` if nothing.
    fn verdict(
        &self,
        key: &[u8],
        fields: FieldSet,
        record: Option<&Record>,
    ) -> Option<Result<(), String>> {
        if !self.shared.workload.data_integrity {
            return None;
        }
        if self.shared.feed.is_some() {
            // A trace may read what is not there, and what keeps nothing cannot bring back what was written.
            let record = record.filter(|_| self.shared.stores)?;
            return Some(check_traced(key, record));
        }
        let Some(record) = record else { return Some(Err("the record is missing".to_owned())) };
        let verdict = self.check.borrow_mut().verify(key, fields, record);
        Some(verdict.map_err(|wrong| wrong.to_string()))
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
        if let Some(verdict) = self.verdict(key, fields, record.as_ref()) {
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

    /// A scan of `count` records.
    pub async fn scan(
        &self,
        key: &[u8],
        count: usize,
        fields: FieldSet,
        intended_ns: Option<u64>,
    ) -> bool {
        let times = self.start_of(Operation::Scan, key, None, Some(count), intended_ns);
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
    /// and the start itself first, where it is known to exist.
    fn check_rows(
        &self,
        start: &[u8],
        count: usize,
        fields: FieldSet,
        rows: &[Row],
        recorder: &mut Recorder,
    ) {
        // A trace may scan from a key that is not there.
        if self.shared.feed.is_none() {
            let begins = rows.first().is_some_and(|row| row.key == start);
            recorder.verified(
                start,
                if begins { Ok(()) } else { Err("the scan does not begin with its start key") },
            );
        }
        let mut previous: Option<&Row> = None;
        for (index, row) in rows.iter().enumerate() {
            let before = previous.map_or(start, |previous| &previous.key);
            let is_before = self.shared.scans_in_order
                && (before > &row.key[..] || (index > 0 && before == &row.key[..]));
            let verdict = if index >= count {
                Err(format!("row {index} of a scan of {count}"))
            } else if is_before {
                Err("the row is out of order".to_owned())
            } else {
                self.verdict(&row.key, fields, Some(&row.record)).unwrap_or(Ok(()))
            };
            recorder.verified(&row.key, verdict);
            previous = Some(row);
        }
    }

    /// A read, then an update of the same key when it was there; timed as one, and each half as its own.
    pub async fn read_modify_write(
        &self,
        key: &[u8],
        fields: FieldSet,
        changes: Record,
        intended_ns: Option<u64>,
    ) -> bool {
        let operation = Operation::ReadModifyWrite;
        let times = self.start_of(operation, key, Some(&changes), None, intended_ns);
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
