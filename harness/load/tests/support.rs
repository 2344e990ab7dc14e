//! The map target that the driver tests use, and the faults it can be told to have.
//! No tests here.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use bytes::Bytes;
use flywheel_load::{
    Added, Addition, Control, FieldSet, Properties, Record, Row, RunError, RunFigures, RunOptions,
    Target, TargetError, TargetErrorKind, TargetFactory, Updated, Workload, load, run, validated,
};

/// Every `requestdistribution`.
pub const DISTRIBUTIONS: [&str; 7] =
    ["uniform", "zipfian", "latest", "hotspot", "sequential", "exponential", "shifting"];

/// A workload from properties that must be valid.
pub fn workload(properties: &[(&str, &str)]) -> Workload {
    let mut all = Properties::new();
    for (name, value) in properties {
        all.set_override(name, value, "test");
    }
    match Workload::resolve(&all) {
        Ok(resolved) => resolved.workload,
        Err(error) => panic!("the test's properties are wrong: {error}"),
    }
}

/// What a map target does wrong, or slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Flips one bit of every nth record that a read or a scan returns.
    CorruptEvery(u64),
    /// Loses every nth insert, and says that it was done.
    LoseEvery(u64),
    /// Answers every nth addition, and does not do it.
    LoseAdditionEvery(u64),
    /// Adds as the trait's own method does: reads, waits for its turn, writes.
    AddInTwoSteps,
    /// Breaks at every nth addition, after it was made.
    BreakAfterAdditionEvery(u64),
    /// Answers every nth update, and does not do it.
    LoseUpdateEvery(u64),
    /// Returns at every nth read the record as it was before its last update.
    StaleEvery(u64),
    /// Refuses every nth call.
    FailEvery(u64),
    /// Breaks at every nth call.
    BreakEvery(u64),
    /// Fails the first n inserts.
    FailFirst(u64),
    /// Returns a scan's rows in the wrong order.
    Unordered,
    /// Answers every call from another thread.
    Elsewhere,
    /// Never answers the nth call.
    HangAt(u64),
    /// Raises the stop flag at the nth call.
    StopAt(u64),
    /// Cannot connect worker n.
    Refuse(usize),
}

/// Makes targets that share one map, and logs every write.
pub struct Map {
    pub records: Mutex<BTreeMap<Bytes, Record>>,
    /// What each record was before its last update.
    before: Mutex<BTreeMap<Bytes, Record>>,
    pub fault: Fault,
    pub calls: AtomicU64,
    pub control: Arc<Control>,
}

impl Map {
    pub fn new(fault: Fault) -> Self {
        Self {
            records: Mutex::default(),
            before: Mutex::default(),
            fault,
            calls: AtomicU64::new(0),
            control: Arc::new(Control::new()),
        }
    }

    /// The same records behind another fault.
    pub fn with_fault(self, fault: Fault) -> Self {
        Self { records: self.records, ..Self::new(fault) }
    }

    pub fn load(&self, workload: &Workload) -> RunFigures {
        load(workload, &self, &RunOptions::default(), &self.control).expect("the map connects")
    }

    pub fn run(&self, workload: &Workload) -> RunFigures {
        self.summed(workload, || run(workload, &self, &RunOptions::default(), &self.control))
    }

    /// A run whose sum is taken before and after, where there is one.
    pub fn summed(
        &self,
        workload: &Workload,
        run: impl FnOnce() -> Result<RunFigures, RunError>,
    ) -> RunFigures {
        validated(workload, &self, &self.control, run).expect("the map connects")
    }

    pub fn snapshot(&self) -> BTreeMap<Bytes, Record> {
        self.records.lock().expect("no test panics while holding it").clone()
    }
}

impl<'m> TargetFactory for &'m Map {
    type Target = MapTarget<'m>;

    fn name(&self) -> &str {
        "map"
    }

    async fn connect(&self, worker: usize) -> Result<MapTarget<'m>, TargetError> {
        if self.fault == Fault::Refuse(worker) {
            return Err(TargetError::new(TargetErrorKind::Unavailable, "nobody home"));
        }
        let counted = || Cell::new(0);
        Ok(MapTarget {
            map: self,
            returned: counted(),
            inserted: counted(),
            read: counted(),
            updated: counted(),
            added: counted(),
        })
    }
}

pub struct MapTarget<'m> {
    map: &'m Map,
    returned: Cell<u64>,
    inserted: Cell<u64>,
    read: Cell<u64>,
    updated: Cell<u64>,
    added: Cell<u64>,
}

/// Counts one more; whether it is an nth.
fn is_nth(counted: &Cell<u64>, nth: u64) -> bool {
    counted.set(counted.get() + 1);
    counted.get().is_multiple_of(nth)
}

/// The trait's own `add`, over a target that has none.
struct InTwoSteps<'a, 'm>(&'a MapTarget<'m>);

impl Target for InTwoSteps<'_, '_> {
    async fn read(&self, key: &[u8], fields: FieldSet) -> Result<Option<Record>, TargetError> {
        let read = self.0.read(key, fields).await;
        // Others have their turn here.
        self.0.hop().await;
        read
    }

    async fn scan(&self, _: &[u8], _: usize, _: FieldSet) -> Result<Vec<Row>, TargetError> {
        unreachable!("an addition does not scan")
    }

    async fn insert(&self, _: &[u8], _: Record) -> Result<(), TargetError> {
        unreachable!("an addition does not insert")
    }

    async fn update(&self, key: &[u8], changes: Record, of: bool) -> Result<Updated, TargetError> {
        self.0.update(key, changes, of).await
    }
}

impl MapTarget<'_> {
    /// Counts a call, and has its fault.
    async fn call(&self) -> Result<(), TargetError> {
        let call = self.map.calls.fetch_add(1, Ordering::Relaxed) + 1;
        match self.map.fault {
            Fault::FailEvery(nth) if call.is_multiple_of(nth) => {
                return Err(TargetError::new(TargetErrorKind::Overloaded, "the queue is full"));
            }
            Fault::BreakEvery(nth) if call.is_multiple_of(nth) => {
                return Err(TargetError::new(TargetErrorKind::Io, "the disk is gone"));
            }
            Fault::HangAt(nth) if call == nth => pending().await,
            Fault::StopAt(nth) if call == nth => self.map.control.stop(),
            Fault::Elsewhere => self.hop().await,
            _ => {}
        }
        Ok(())
    }

    /// Comes back through a waker that another thread calls.
    async fn hop(&self) {
        let mut sent = false;
        poll_fn(|context| {
            if sent {
                return Poll::Ready(());
            }
            sent = true;
            let waker = context.waker().clone();
            thread::spawn(move || waker.wake());
            Poll::Pending
        })
        .await;
    }

    fn returned(&self, record: Record) -> Record {
        self.returned.set(self.returned.get() + 1);
        match self.map.fault {
            Fault::CorruptEvery(nth) if self.returned.get().is_multiple_of(nth) => {
                let mut bytes = record.bytes().to_vec();
                *bytes.last_mut().expect("a record has fields") ^= 1;
                Record::decode(bytes).expect("only a value was changed")
            }
            _ => record,
        }
    }
}

impl Target for MapTarget<'_> {
    async fn read(&self, key: &[u8], fields: FieldSet) -> Result<Option<Record>, TargetError> {
        self.call().await?;
        if let Fault::StaleEvery(nth) = self.map.fault
            && is_nth(&self.read, nth)
            && let Some(before) = self.map.before.lock().expect("unpoisoned").get(key)
        {
            return Ok(Some(before.project(fields)));
        }
        let record = self
            .map
            .records
            .lock()
            .expect("unpoisoned")
            .get(key)
            .map(|record| record.project(fields));
        Ok(record.map(|record| self.returned(record)))
    }

    async fn scan(
        &self,
        start: &[u8],
        count: usize,
        fields: FieldSet,
    ) -> Result<Vec<Row>, TargetError> {
        self.call().await?;
        let records = self.map.records.lock().expect("unpoisoned");
        let rows = records.range(Bytes::copy_from_slice(start)..).take(count);
        let mut rows: Vec<Row> = rows
            .map(|(key, record)| Row {
                key: key.clone(),
                record: self.returned(record.project(fields)),
            })
            .collect();
        if self.map.fault == Fault::Unordered {
            rows.reverse();
        }
        Ok(rows)
    }

    async fn insert(&self, key: &[u8], record: Record) -> Result<(), TargetError> {
        self.call().await?;
        self.inserted.set(self.inserted.get() + 1);
        match self.map.fault {
            Fault::FailFirst(first) if self.map.calls.load(Ordering::Relaxed) <= first => {
                return Err(TargetError::new(TargetErrorKind::Timeout, "too slow"));
            }
            Fault::LoseEvery(nth) if self.inserted.get().is_multiple_of(nth) => return Ok(()),
            _ => {}
        }
        self.map.records.lock().expect("unpoisoned").insert(Bytes::copy_from_slice(key), record);
        Ok(())
    }

    async fn update(
        &self,
        key: &[u8],
        changes: Record,
        whole: bool,
    ) -> Result<Updated, TargetError> {
        self.call().await?;
        let mut records = self.map.records.lock().expect("unpoisoned");
        let Some(record) = records.get_mut(key) else {
            return Ok(Updated::NotFound);
        };
        if matches!(self.map.fault, Fault::LoseUpdateEvery(nth) if is_nth(&self.updated, nth)) {
            return Ok(Updated::Applied);
        }
        let mut before = self.map.before.lock().expect("unpoisoned");
        before.insert(Bytes::copy_from_slice(key), record.clone());
        *record = if whole { changes } else { record.merge(&changes) };
        Ok(Updated::Applied)
    }

    async fn add(&self, key: &[u8], addition: Addition) -> Result<Added, TargetError> {
        if self.map.fault == Fault::AddInTwoSteps {
            return InTwoSteps(self).add(key, addition).await;
        }
        self.call().await?;
        let mut records = self.map.records.lock().expect("unpoisoned");
        let Some(record) = records.get_mut(key) else {
            return Ok(Added::NotFound);
        };
        let (added, after) = addition.apply(record)?;
        match self.map.fault {
            Fault::LoseAdditionEvery(nth) if is_nth(&self.added, nth) => return Ok(added),
            _ => {}
        }
        if let Some(after) = after {
            *record = after;
        }
        match self.map.fault {
            Fault::BreakAfterAdditionEvery(nth) if is_nth(&self.added, nth) => {
                Err(TargetError::new(TargetErrorKind::Timeout, "no answer"))
            }
            _ => Ok(added),
        }
    }
}
