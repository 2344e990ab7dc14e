//! A logical client: draw an operation, send it, time it, check it, again.
//! Knows neither threads nor merging: its worker's state is all it touches.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use super::executor::{self, Idle, Timers, yield_now};
use super::measure::{Recorder, Times, WorkerFigures};
use super::shared::Shared;
use crate::figures::Phase;
use crate::limits::PARK_MAX;
use crate::random::{Random, Stream};
use crate::record::{FieldSet, IntegrityCheck, Record, Values};
use crate::target::{Row, Target, TargetError, Updated};
use crate::workload::{KeyChooser, Operation};

/// What all clients of one worker share; one thread, so cells will do.
struct Worker<'a, T> {
    shared: &'a Shared<'a>,
    number: usize,
    target: &'a T,
    epoch: Instant,
    values: Values<'a>,
    recorder: RefCell<Recorder>,
    check: RefCell<IntegrityCheck<'a>>,
    chooser: RefCell<Option<KeyChooser>>,
    timers: Timers,
    /// When the last operation of this worker ended: a clock that costs nothing to read.
    last_ns: Cell<u64>,
}

/// Drives this worker's clients to their end.
pub(super) fn drive_worker<T: Target>(
    shared: &Shared<'_>,
    number: usize,
    target: &T,
    epoch: Instant,
) -> WorkerFigures {
    let worker = &Worker {
        shared,
        number,
        target,
        epoch,
        values: Values::new(shared.workload),
        recorder: RefCell::new(Recorder::new(shared.measure_from_ns, shared.tick_ns.is_some())),
        check: RefCell::new(IntegrityCheck::new(shared.workload)),
        chooser: RefCell::new(shared.chooser.clone()),
        timers: Timers::default(),
        last_ns: Cell::new(0),
    };
    let clients = (number as u64..shared.workload.thread_count).step_by(shared.workers);
    let mut ended_at: Option<Instant> = None;
    let abandoned = executor::run(
        clients.enumerate().map(|(slot, client)| worker.run_client(slot, client)),
        &worker.timers,
        || {
            if !worker.has_ended(worker.now_ns()) {
                return Idle::Nap(PARK_MAX);
            }
            match ended_at {
                None => {
                    ended_at = Some(Instant::now());
                    Idle::WakeAll
                }
                Some(at) if at.elapsed() >= shared.drain => Idle::Abandon,
                Some(_) => Idle::Nap(PARK_MAX),
            }
        },
    );
    worker.recorder.replace(Recorder::new(0, false)).into_figures(abandoned)
}

impl<T: Target> Worker<'_, T> {
    fn now_ns(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// Reads the clock, and keeps what it said.
    fn tick(&self) -> u64 {
        let now = self.now_ns();
        self.last_ns.set(now);
        now
    }

    /// Whether no more operations may start.
    fn has_ended(&self, now_ns: u64) -> bool {
        self.shared.stopped() || now_ns >= self.shared.deadline_ns
    }

    async fn run_client(&self, slot: usize, client: u64) {
        let share = self.shared.share(client);
        let mut key = Vec::with_capacity(64);
        let mut done = 0;
        let mut cycle = 0;
        while done < share && !self.has_ended(self.last_ns.get()) {
            let intended_ns = self.shared.intended_ns(client, cycle);
            if let Some(at) = intended_ns
                && !self.wait_for(slot, at).await
            {
                break;
            }
            let measured = match self.shared.phase {
                Phase::Load => self.load_cycle(slot, client, cycle, &mut key, intended_ns).await,
                Phase::Run => self.run_cycle(client, cycle, &mut key, intended_ns).await,
            };
            done += u64::from(measured);
            cycle += 1;
            let (answered, measured, failed) = self.recorder.borrow().counts();
            self.shared.live.slots[self.number].publish(answered, measured, failed);
            // Targets may answer at once; without this the first client would keep all others waiting.
            yield_now().await;
        }
        let timed_out = self.shared.deadline_ns <= self.last_ns.get();
        if done < share && (self.shared.stopped() || !timed_out) {
            self.recorder.borrow_mut().cut_short();
        }
    }

    /// Waits for an intended start. `false` when the phase ends before it.
    async fn wait_for(&self, slot: usize, at_ns: u64) -> bool {
        if at_ns > self.last_ns.get() && at_ns < self.shared.deadline_ns {
            let at = self.epoch + Duration::from_nanos(at_ns);
            self.timers.sleep_until(slot, at, || self.shared.stopped()).await;
        }
        if at_ns >= self.shared.deadline_ns {
            self.last_ns.set(self.last_ns.get().max(self.shared.deadline_ns));
        }
        !self.has_ended(self.tick())
    }

    /// The times of an operation that starts now; the end is filled in by `end`.
    fn start(&self, intended_ns: Option<u64>) -> Times {
        let start_ns = self.tick();
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

    /// Inserts one record of the load phase, again and again as far as the properties say.
    async fn load_cycle(
        &self,
        slot: usize,
        client: u64,
        cycle: u64,
        key: &mut Vec<u8>,
        intended_ns: Option<u64>,
    ) -> bool {
        let workload = self.shared.workload;
        let number = workload.insert_start + client + cycle * workload.thread_count;
        let mut random = Stream::new(workload.seed, Stream::LOAD).at(number);
        workload.write_key(number, key);
        let record = self.values.all_fields(key, &mut random);
        for _ in 0..workload.insertion_retry_limit {
            let (times, result) = self.try_insert(key, record.clone(), intended_ns).await;
            if result.is_ok() || self.shared.stopped() {
                return self.inserted(key, times, result);
            }
            self.insert_again(key, result);
            // YCSB spreads the pause by 20 % either way, so that clients do not retry in step.
            let pause = workload.insertion_retry_interval.mul_f64(0.8 + 0.4 * random.next_f64());
            self.timers.sleep_until(slot, Instant::now() + pause, || self.shared.stopped()).await;
        }
        let (times, result) = self.try_insert(key, record, intended_ns).await;
        self.inserted(key, times, result)
    }

    /// One insert: its times, and the bytes it wrote or its error.
    async fn try_insert(
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

    /// Records a failed insert that will be tried again.
    #[cold]
    fn insert_again(&self, key: &[u8], result: Result<u64, TargetError>) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.retried();
        if let Err(error) = result {
            recorder.note_error(Operation::Insert, key, &error);
        }
    }

    /// Records the end of an insert. Returns whether it was measured.
    fn inserted(&self, key: &[u8], times: Times, result: Result<u64, TargetError>) -> bool {
        let mut recorder = self.recorder.borrow_mut();
        match &result {
            Ok(bytes) => {
                recorder.answered(Operation::Insert, times, true);
                recorder.wrote(*bytes, times);
            }
            Err(error) => {
                recorder.failed(Operation::Insert, times);
                recorder.note_error(Operation::Insert, key, error);
            }
        }
        recorder.finished(times, result.is_ok())
    }

    /// One operation of the mix. Returns whether it was measured.
    async fn run_cycle(
        &self,
        client: u64,
        cycle: u64,
        key: &mut Vec<u8>,
        intended_ns: Option<u64>,
    ) -> bool {
        let workload = self.shared.workload;
        let mut random = Stream::new(workload.seed, client).at(cycle);
        let operation = workload.mix.next(&mut random);
        if operation == Operation::Insert {
            return self.insert(key, &mut random, intended_ns).await;
        }
        let number = {
            let last = self.shared.inserted.last().unwrap_or(0);
            let mut chooser = self.chooser.borrow_mut();
            chooser.as_mut().expect("the run phase has a key chooser").next(last, &mut random)
        };
        workload.write_key(number, key);
        match operation {
            Operation::Read => {
                let fields = self.fields_to_read(&mut random);
                let times = self.start(intended_ns);
                let (times, found) = self.read(key, fields, times).await;
                self.recorder.borrow_mut().finished(times, found.is_ok())
            }
            Operation::Update => {
                let changes = self.changes(key, &mut random);
                let times = self.start(intended_ns);
                let (times, succeeded) = self.update(key, changes, times).await;
                self.recorder.borrow_mut().finished(times, succeeded)
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

    /// Reads, times and checks. `Ok(found)`, or `Err` when the target failed.
    async fn read(&self, key: &[u8], fields: FieldSet, times: Times) -> (Times, Result<bool, ()>) {
        let result = self.target.read(key, fields).await;
        let times = self.end(times);
        let mut recorder = self.recorder.borrow_mut();
        let record = match result {
            Ok(record) => record,
            Err(error) => {
                recorder.failed(Operation::Read, times);
                recorder.note_error(Operation::Read, key, &error);
                return (times, Err(()));
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

    /// Updates and times. Whether the target answered.
    async fn update(&self, key: &[u8], changes: Record, times: Times) -> (Times, bool) {
        let bytes = self.written_bytes(key, &changes);
        let result = self.target.update(key, changes, self.shared.workload.write_all_fields).await;
        let times = self.end(times);
        let mut recorder = self.recorder.borrow_mut();
        match result {
            Ok(updated) => {
                let applied = updated == Updated::Applied;
                recorder.answered(Operation::Update, times, applied);
                recorder.wrote(if applied { bytes } else { 0 }, times);
                (times, true)
            }
            Err(error) => {
                recorder.failed(Operation::Update, times);
                recorder.note_error(Operation::Update, key, &error);
                (times, false)
            }
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
        match &result {
            Ok(rows) => {
                recorder.answered(Operation::Scan, times, !rows.is_empty());
                recorder.scanned(rows.len() as u64);
                recorder
                    .read(rows.iter().map(|row| self.written_bytes(&row.key, &row.record)).sum());
                if self.shared.workload.data_integrity {
                    self.check_rows(key, count, fields, rows, &mut recorder);
                }
            }
            Err(error) => self.note_scan_error(key, error, times, &mut recorder),
        }
        recorder.finished(times, result.is_ok())
    }

    #[cold]
    fn note_scan_error(
        &self,
        key: &[u8],
        error: &TargetError,
        times: Times,
        recorder: &mut Recorder,
    ) {
        recorder.failed(Operation::Scan, times);
        recorder.note_error(Operation::Scan, key, error);
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
        let (end_ns, succeeded) = match found {
            Ok(true) => {
                // Nobody meant the second half to start before the first was back.
                let (half, succeeded) = self
                    .update(
                        key,
                        changes,
                        Times { intended_ns: read.end_ns, start_ns: read.end_ns, end_ns: 0 },
                    )
                    .await;
                (half.end_ns, succeeded)
            }
            Ok(false) => (read.end_ns, true),
            Err(()) => (read.end_ns, false),
        };
        let times = Times { end_ns, ..times };
        let mut recorder = self.recorder.borrow_mut();
        if succeeded {
            recorder.answered(Operation::ReadModifyWrite, times, found == Ok(true));
        } else {
            recorder.failed(Operation::ReadModifyWrite, times);
        }
        recorder.finished(times, succeeded)
    }
}
