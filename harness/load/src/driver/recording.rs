//! Records what a run sends as a trace: workers note, one thread merges by time and writes.
//! A worker never waits for the disk: where the writing falls behind, what it noted is dropped, and counted.
//!
//! Each worker notes in order of time and says, with each batch, before which time nothing more will come. What is no
//! later than the least of these is written; the rest is held back, within a bound.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::figures::RecordedFigures;
use crate::limits::{
    RECORD_BATCH_KEY_BYTES_MAX, RECORD_BATCH_MAX, RECORD_BATCHES_MAX, RECORD_HELD_BYTES_MAX,
};
use crate::trace::{TraceEntry, TraceError, TraceWriter};
use crate::workload::Operation;

/// How long what a worker noted may stay with it when it has nothing to do.
const HAND_OVER_AFTER: Duration = Duration::from_millis(20);

/// Where a run is recorded to: a trace that is begun and not ended. One run at a time.
#[derive(Clone)]
pub struct RecordTo(Arc<Mutex<TraceWriter<Box<dyn Write + Send>>>>);

impl RecordTo {
    /// To this trace; the run flushes it at its end.
    pub fn new(writer: TraceWriter<Box<dyn Write + Send>>) -> Self {
        Self(Arc::new(Mutex::new(writer)))
    }
}

impl fmt::Debug for RecordTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordTo")
    }
}

/// One operation as a worker notes it. Its key stands in the batch, behind that of the one before.
struct Noted {
    time_us: u64,
    operation: Operation,
    key_end: usize,
    size_bytes: Option<u64>,
    count: Option<u64>,
}

/// What a worker hands over at once.
#[derive(Default)]
struct Batch {
    worker: usize,
    noted: Vec<Noted>,
    keys: String,
    /// Whatever this worker notes later is not before this.
    not_before_us: u64,
}

impl Batch {
    fn bytes(&self) -> usize {
        self.noted.len() * size_of::<Noted>() + self.keys.len()
    }
}

/// What all workers and the thread that writes share.
pub(super) struct Recording {
    sender: SyncSender<Batch>,
    dropped: Arc<AtomicU64>,
    /// Times count from here.
    begin_ns: u64,
}

/// The end of it that writes.
pub(super) struct Tape {
    receiver: Receiver<Batch>,
    dropped: Arc<AtomicU64>,
    to: RecordTo,
    workers: usize,
}

impl Recording {
    pub fn new(to: RecordTo, workers: usize, begin_ns: u64) -> (Self, Tape) {
        let (sender, receiver) = sync_channel(RECORD_BATCHES_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let tape = Tape { receiver, dropped: Arc::clone(&dropped), to, workers };
        (Self { sender, dropped, begin_ns }, tape)
    }

    /// Worker `worker`'s end. The tape ends when all of them are dropped, and this.
    pub fn tap(&self, worker: usize) -> Tap {
        Tap {
            sender: self.sender.clone(),
            dropped: Arc::clone(&self.dropped),
            begin_ns: self.begin_ns,
            batch: RefCell::new(Batch { worker, ..Batch::default() }),
            handed_over_ns: Cell::new(0),
        }
    }
}

/// One worker's end of a recording.
pub(super) struct Tap {
    sender: SyncSender<Batch>,
    dropped: Arc<AtomicU64>,
    begin_ns: u64,
    batch: RefCell<Batch>,
    handed_over_ns: Cell<u64>,
}

impl Tap {
    /// Notes an operation.
    pub fn note(
        &self,
        at_ns: u64,
        operation: Operation,
        key: &[u8],
        size_bytes: Option<u64>,
        count: Option<u64>,
    ) {
        let mut batch = self.batch.borrow_mut();
        // An operation that waited for its turn is noted behind later ones: as of then, or the trace would go back in time.
        let time_us = self.time_us(at_ns).max(batch.not_before_us);
        batch.keys.push_str(&String::from_utf8_lossy(key));
        let key_end = batch.keys.len();
        batch.noted.push(Noted { time_us, operation, key_end, size_bytes, count });
        batch.not_before_us = batch.not_before_us.max(time_us);
        let is_full =
            batch.noted.len() >= RECORD_BATCH_MAX || batch.keys.len() >= RECORD_BATCH_KEY_BYTES_MAX;
        if is_full {
            self.hand_over(&mut batch);
        }
    }

    fn time_us(&self, at_ns: u64) -> u64 {
        // What was to start during the warm-up and did not is as early as can be.
        at_ns.saturating_sub(self.begin_ns) / 1_000
    }

    /// Nothing will be noted that is before this.
    pub fn not_before(&self, at_ns: u64) {
        let mut batch = self.batch.borrow_mut();
        batch.not_before_us = batch.not_before_us.max(self.time_us(at_ns));
    }

    /// Hands over what has been lying here for a while: the others' may be waiting for it.
    pub fn rest(&self, now_ns: u64) {
        if now_ns.saturating_sub(self.handed_over_ns.get()) >= HAND_OVER_AFTER.as_nanos() as u64 {
            self.handed_over_ns.set(now_ns);
            let mut batch = self.batch.borrow_mut();
            match self.sender.try_send(Self::take(&mut batch)) {
                Ok(()) => {}
                // Where no more fits, it lies here until it is full.
                Err(TrySendError::Full(back)) => *batch = back,
                Err(TrySendError::Disconnected(lost)) => self.lose(&lost),
            }
        }
    }

    fn take(batch: &mut Batch) -> Batch {
        let Batch { worker, not_before_us, .. } = *batch;
        let next = Batch {
            worker,
            not_before_us,
            noted: Vec::with_capacity(RECORD_BATCH_MAX),
            keys: String::with_capacity(batch.keys.capacity()),
        };
        std::mem::replace(batch, next)
    }

    fn hand_over(&self, batch: &mut Batch) {
        let full = Self::take(batch);
        if let Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) =
            self.sender.try_send(full)
        {
            self.lose(&batch);
        }
    }

    fn lose(&self, batch: &Batch) {
        self.dropped.fetch_add(batch.noted.len() as u64, Ordering::Relaxed);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let mut last = Self::take(self.batch.get_mut());
        last.not_before_us = u64::MAX;
        let count = last.noted.len() as u64;
        // The run is over for this worker: it can wait.
        if self.sender.send(last).is_err() {
            self.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }
}

/// One worker's operations that are not written yet.
struct Held {
    batches: VecDeque<Batch>,
    /// The next one of the first batch, and where its key begins.
    next: usize,
    key_begin: usize,
    not_before_us: u64,
}

impl Held {
    fn time_us(&self) -> Option<u64> {
        self.batches.front().map(|batch| batch.noted[self.next].time_us)
    }
}

impl Tape {
    /// Writes until all workers are done.
    pub fn write(self) -> RecordedFigures {
        let mut writer = self.to.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = writer.written();
        let mut merge = Merge {
            held: (0..self.workers)
                .map(|_| Held { batches: VecDeque::new(), next: 0, key_begin: 0, not_before_us: 0 })
                .collect(),
            bytes: 0,
            dropped: 0,
            error: None,
        };
        // What lies in a buffer is not in the file yet.
        let mut kept = before;
        for batch in &self.receiver {
            merge.take(batch);
            merge.write(&mut writer);
            if merge.error.is_none() {
                match writer.flush() {
                    Ok(()) => kept = writer.written(),
                    Err(error) => merge.error = Some(error),
                }
            }
        }
        let lost = writer.written() - kept;
        RecordedFigures {
            operations: kept - before,
            dropped: merge.dropped + lost + self.dropped.load(Ordering::Relaxed),
            error: merge.error.map(|error| error.to_string()),
        }
    }
}

/// Puts the workers' operations in order.
struct Merge {
    held: Vec<Held>,
    bytes: usize,
    dropped: u64,
    error: Option<TraceError>,
}

impl Merge {
    fn take(&mut self, mut batch: Batch) {
        // Many are handed over before they are full, and what is held is counted by what is in it.
        batch.noted.shrink_to_fit();
        batch.keys.shrink_to_fit();
        let held = &mut self.held[batch.worker];
        held.not_before_us = batch.not_before_us;
        let bytes = batch.bytes();
        if self.error.is_some() || self.bytes + bytes > RECORD_HELD_BYTES_MAX {
            self.dropped += batch.noted.len() as u64;
        } else if !batch.noted.is_empty() {
            self.bytes += bytes;
            held.batches.push_back(batch);
        }
    }

    /// Writes what nothing can come before any more.
    fn write<W: Write>(&mut self, writer: &mut TraceWriter<W>) {
        let until_us = self.held.iter().map(|held| held.not_before_us).min().unwrap_or(u64::MAX);
        loop {
            let times = self.held.iter().enumerate().filter_map(|(worker, held)| {
                held.time_us()
                    .filter(|time_us| *time_us <= until_us)
                    .map(|time_us| (time_us, worker))
            });
            let Some((_, worker)) = times.min() else { return };
            let entry = self.next_of(worker);
            if self.error.is_some() {
                self.dropped += 1;
            } else if let Err(error) = writer.write(&entry) {
                // What follows would not be the run any more.
                self.error = Some(error);
                self.dropped += 1;
            }
        }
    }

    /// The next operation of a worker that has one.
    fn next_of(&mut self, worker: usize) -> TraceEntry {
        let held = &mut self.held[worker];
        let batch = &held.batches[0];
        let noted = &batch.noted[held.next];
        let entry = TraceEntry {
            time_us: noted.time_us,
            operation: noted.operation,
            key: batch.keys[held.key_begin..noted.key_end].to_owned(),
            size_bytes: noted.size_bytes,
            count: noted.count,
        };
        (held.next, held.key_begin) = (held.next + 1, noted.key_end);
        if held.next == batch.noted.len() {
            self.bytes -= batch.bytes();
            held.batches.pop_front();
            (held.next, held.key_begin) = (0, 0);
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{TraceFormat, TraceReader};

    /// A memory that tests can look into while it is written; it holds up whoever has to wait for `gate`.
    #[derive(Clone, Default)]
    struct Shared {
        bytes: Arc<Mutex<Vec<u8>>>,
        gate: Arc<Mutex<()>>,
        room: Option<usize>,
    }

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _open = self.gate.lock().expect("unpoisoned");
            let mut all = self.bytes.lock().expect("unpoisoned");
            if self.room.is_some_and(|room| all.len() + bytes.len() > room) {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            all.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn recording(output: &Shared, workers: usize) -> (Recording, Tape) {
        let boxed: Box<dyn Write + Send> = Box::new(output.clone());
        let writer = TraceWriter::new(boxed, TraceFormat::Csv, "r").expect("it takes a header");
        Recording::new(RecordTo::new(writer), workers, 1_000_000)
    }

    fn read(output: &Shared) -> Vec<TraceEntry> {
        let bytes = output.bytes.lock().expect("unpoisoned").clone();
        TraceReader::new(&bytes[..], TraceFormat::Csv, "r")
            .map(|entry| entry.expect("sound"))
            .collect()
    }

    #[test]
    fn what_workers_note_is_merged_by_time_however_it_is_handed_over() {
        let output = Shared::default();
        let (recording, tape) = recording(&output, 3);
        let count = 10 * RECORD_BATCH_MAX as u64;
        let figures = std::thread::scope(|scope| {
            let figures = scope.spawn(|| tape.write());
            for worker in 0..3u64 {
                let tap = recording.tap(worker as usize);
                scope.spawn(move || {
                    // The last worker notes nothing for long, and only says so.
                    for n in 0..count {
                        let at_ns = 1_000_000 + (n * 3 + worker) * 1_000;
                        match worker {
                            2 if n % 100 > 0 => tap.not_before(at_ns),
                            _ => {
                                let key = format!("w{worker}n{n}");
                                tap.note(at_ns, Operation::Read, key.as_bytes(), None, None);
                            }
                        }
                        if n % 97 == 0 {
                            tap.rest(n * 1_000_000);
                            // Far from what the queue takes: nothing is dropped.
                            std::thread::sleep(Duration::from_micros(20));
                        }
                    }
                });
            }
            drop(recording);
            figures.join().expect("nothing panics")
        });
        let entries = read(&output);
        assert_eq!((figures.dropped, figures.error), (0, None));
        assert_eq!(figures.operations, entries.len() as u64);
        assert_eq!(entries.len() as u64, 2 * count + count.div_ceil(100));
        for entry in entries {
            let (worker, n) = entry.key[1..].split_once('n').expect("as noted");
            let (worker, n): (u64, u64) = (worker.parse().expect("n"), n.parse().expect("n"));
            assert_eq!(entry.time_us, n * 3 + worker);
        }
    }

    #[test]
    fn a_slow_disk_drops_and_counts_and_holds_nobody_up() {
        let output = Shared::default();
        let (recording, tape) = recording(&output, 1);
        let noted = ((RECORD_BATCHES_MAX + 20) * RECORD_BATCH_MAX) as u64;
        let figures = std::thread::scope(|scope| {
            let closed = output.gate.lock().expect("unpoisoned");
            let figures = scope.spawn(|| tape.write());
            let tap = recording.tap(0);
            // Were it to wait for the disk, this would never come to its end.
            for n in 0..noted {
                tap.note(n * 1_000, Operation::Update, b"k", Some(n), None);
            }
            drop(closed);
            drop((tap, recording));
            figures.join().expect("nothing panics")
        });
        assert!(figures.dropped > 0, "{figures:?}");
        assert_eq!(figures.dropped + figures.operations, noted);
        assert_eq!(read(&output).len() as u64, figures.operations);
    }

    #[test]
    fn a_full_disk_is_told_and_everything_behind_it_counted() {
        let output = Shared { room: Some(1_000), ..Shared::default() };
        let (recording, tape) = recording(&output, 1);
        let figures = std::thread::scope(|scope| {
            let figures = scope.spawn(|| tape.write());
            let tap = recording.tap(0);
            for n in 0..5_000 {
                tap.note(n * 1_000, Operation::Read, b"key", None, None);
            }
            drop((tap, recording));
            figures.join().expect("nothing panics")
        });
        assert!(figures.error.is_some_and(|error| error.starts_with("r: ")));
        assert_eq!(figures.operations + figures.dropped, 5_000);
        // Nothing is claimed that is not there; of a batch that was cut off, some may be.
        assert!(figures.operations <= read(&output).len() as u64, "{}", figures.operations);
    }

    #[test]
    fn what_one_silent_worker_holds_back_is_bounded() {
        let output = Shared::default();
        let (_, tape) = recording(&output, 2);
        let mut merge = Merge {
            held: (0..2)
                .map(|_| Held { batches: VecDeque::new(), next: 0, key_begin: 0, not_before_us: 0 })
                .collect(),
            bytes: 0,
            dropped: 0,
            error: None,
        };
        let mut writer = tape.to.0.lock().expect("unpoisoned");
        let key = "k".repeat(4096);
        let mut taken = 0;
        while merge.dropped == 0 {
            let noted = |n: usize| Noted {
                time_us: 1,
                operation: Operation::Read,
                key_end: (n + 1) * key.len(),
                size_bytes: None,
                count: None,
            };
            let noted = (0..100).map(noted).collect();
            merge.take(Batch { worker: 0, noted, keys: key.repeat(100), not_before_us: 1 });
            merge.write(&mut writer);
            taken += 100;
        }
        assert!(merge.bytes <= RECORD_HELD_BYTES_MAX);
        // The other one speaks at last.
        merge.take(Batch { worker: 1, not_before_us: u64::MAX, ..Batch::default() });
        merge.write(&mut writer);
        assert_eq!(merge.bytes, 0);
        assert_eq!(writer.written() + merge.dropped, taken);
    }
}
