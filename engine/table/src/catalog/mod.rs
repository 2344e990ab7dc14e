//! The catalog: which tables there are. Durable in the storage, one record a table; a copy in memory for
//! requests. Changes are made on the storage's newest record or not at all; who makes two at once learns
//! of it. Not what the changes are: see the operations and `upkeep`.

mod known;
pub(crate) mod record;

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;

use arc_swap::ArcSwap;
use bytes::Bytes;
use flywheel_shard::{
    Condition, Direction, ScanRequest, Versioned, Write, WriteBatch, WriteOutcome,
};
use futures_util::task::AtomicWaker;

use crate::keys;
use crate::limits::{MAX_PAGE_BYTES, MAX_STRETCH_ITEMS};
use crate::storage::{Storage, StorageError};
use crate::table::{Metering, Table};
use crate::tables::Clock;
use crate::throughput::Throttling;
use known::Known;
use record::{FORMAT, Head, TableRecord};

/// Which tables there are.
pub(crate) struct Catalog<S> {
    storage: S,
    throttling: Throttling,
    monotonic_ns: Clock,
    /// The how-manieth time it is that the tables were opened.
    start: u64,
    tables: ArcSwap<Known>,
    /// Rises with every change.
    changes: AtomicU64,
    /// Who waits for changes.
    waiting: AtomicWaker,
    /// Tables as they were before changes, while requests that began with them may be under way.
    retired: Mutex<Vec<Weak<Table>>>,
    /// Numbers of tables that were taken away since the start.
    gone: Mutex<BTreeSet<u32>>,
}

/// Why a change of the catalog was not made.
#[derive(Debug)]
pub(crate) enum ChangeError<E> {
    /// No table has that name.
    NoTable,
    /// Whoever asked for the change does not want it, seeing what there is.
    Refused(E),
    Storage(StorageError),
}

impl<E> From<StorageError> for ChangeError<E> {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl<S: Storage> Catalog<S> {
    /// Reads all records.
    pub async fn open(
        storage: S,
        throttling: Throttling,
        monotonic_ns: Clock,
    ) -> Result<Self, StorageError> {
        let mut tables = Known::default();
        let metering = Metering { throttling, now_ns: monotonic_ns(), before: None };
        let (start, end) = keys::table_records();
        let mut start = Bound::Included(start);
        loop {
            let request = ScanRequest {
                start,
                end: Bound::Excluded(end.clone()),
                direction: Direction::Forward,
                max_items: MAX_STRETCH_ITEMS,
                max_bytes: MAX_PAGE_BYTES,
            };
            let page = storage.scan(request).await?;
            for (key, versioned) in &page.items {
                let record = read_record(key, &versioned.value)?;
                tables.keep(&Arc::new(Table::new(record, metering)));
            }
            match page.items.last() {
                Some((last, _)) if page.more => start = Bound::Excluded(last.clone()),
                _ => break,
            }
        }
        let start = count_start(&storage).await?;
        Ok(Self {
            storage,
            throttling,
            monotonic_ns,
            start,
            tables: ArcSwap::from_pointee(tables),
            changes: AtomicU64::new(0),
            waiting: AtomicWaker::new(),
            retired: Mutex::default(),
            gone: Mutex::default(),
        })
    }

    /// The how-manieth time it is that the tables were opened.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The table of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Table>> {
        self.tables.load().named(name).cloned()
    }

    /// The table of that number.
    pub fn numbered(&self, number: u32) -> Option<Arc<Table>> {
        self.tables.load().numbered(number).cloned()
    }

    /// All tables.
    pub fn all(&self) -> Arc<Known> {
        self.tables.load_full()
    }

    /// How many changes there were.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Adds a table; `make` is given the first of `numbers` numbers that are its own. Refused with the
    /// table that has its name already.
    pub async fn create(
        &self,
        numbers: u32,
        make: impl Fn(u32) -> TableRecord,
    ) -> Result<Arc<Table>, ChangeError<()>> {
        loop {
            let (number, head) = self.take_numbers(numbers).await?;
            let record = make(number);
            let put = put(keys::table_record(&record.name), &record, Condition::Absent);
            match self.storage.write(WriteBatch { writes: vec![head, put] }).await? {
                WriteOutcome::Applied { .. } => return Ok(self.keep(record)),
                WriteOutcome::ConditionFailed { write: 0, .. } => {}
                WriteOutcome::ConditionFailed { .. } => return Err(ChangeError::Refused(())),
            }
        }
    }

    /// Replaces a table's record by what `change` makes of it, and of the first of `numbers` new numbers;
    /// `None` takes the table away.
    pub async fn change<E>(
        &self,
        name: &str,
        numbers: u32,
        change: impl Fn(TableRecord, u32) -> Result<Option<TableRecord>, E>,
    ) -> Result<Option<Arc<Table>>, ChangeError<E>> {
        let key = keys::table_record(name);
        loop {
            let Some(stored) = self.storage.get(key.clone()).await? else {
                return Err(ChangeError::NoTable);
            };
            let record = read_record(&key, &stored.value)?;
            let (version, own_number) = (record.version, record.number);
            let (number, head) = self.take_numbers(numbers).await?;
            let changed = change(record, number).map_err(ChangeError::Refused)?;
            let condition = Condition::VersionIs(stored.version);
            let changed = changed.map(|record| TableRecord { version: version + 1, ..record });
            let write = match &changed {
                Some(record) => put(key.clone(), record, condition),
                None => Write { key: key.clone(), value: None, condition: Some(condition) },
            };
            let mut writes = vec![write];
            if numbers > 0 {
                writes.push(head);
            }
            if let WriteOutcome::Applied { .. } = self.storage.write(WriteBatch { writes }).await? {
                return Ok(match changed {
                    Some(record) => Some(self.keep(record)),
                    None => {
                        self.forget(name, own_number);
                        None
                    }
                });
            }
        }
    }

    /// The next numbers, and the write that takes them.
    async fn take_numbers(&self, numbers: u32) -> Result<(u32, Write), StorageError> {
        let stored = self.storage.get(keys::catalog_head()).await?;
        let (head, condition) = read_head(stored)?;
        let taken = Head { next_number: head.next_number + numbers, ..head };
        Ok((head.next_number, put(keys::catalog_head(), &taken, condition)))
    }

    /// Waits until there were more changes than `seen`. For one task at a time.
    pub async fn changed(&self, seen: u64) {
        poll_fn(|context| {
            self.waiting.register(context.waker());
            if self.changes() > seen { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Whether requests may be under way that know a table of that number as it was before its last change.
    pub fn has_earlier_requests(&self, number: u32) -> bool {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.retain(|table| table.strong_count() > 0);
        let tables = retired.iter().filter_map(Weak::upgrade);
        tables.into_iter().any(|table| table.record.number == number)
    }

    fn metering<'a>(&self, before: Option<&'a Table>) -> Metering<'a> {
        Metering { throttling: self.throttling, now_ns: (self.monotonic_ns)(), before }
    }

    fn keep(&self, record: TableRecord) -> Arc<Table> {
        let before = self.numbered(record.number);
        let table = Arc::new(Table::new(record, self.metering(before.as_deref())));
        self.replace(|tables| {
            if !self.is_gone(table.record.number) {
                tables.keep(&table);
            }
        });
        table
    }

    /// Unless another table has its name by now.
    fn forget(&self, name: &str, number: u32) {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
        self.replace(|tables| tables.forget(name, number));
    }

    /// Whether a table of that number was taken away: who made an earlier change may come late to keep it.
    fn is_gone(&self, number: u32) -> bool {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).contains(&number)
    }

    fn replace(&self, change: impl Fn(&mut Known)) {
        // Held meanwhile, so that nobody looks for earlier requests between the two.
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.tables.rcu(|tables| {
            let mut tables = Known::clone(tables);
            change(&mut tables);
            tables
        });
        let after = self.tables.load();
        let is_gone = |table: &&Arc<Table>| {
            !after.named(table.name()).is_some_and(|now| Arc::ptr_eq(now, table))
        };
        let gone = before.by_name().values().filter(is_gone).map(Arc::downgrade);
        retired.retain(|table| table.strong_count() > 0);
        retired.extend(gone);
        drop(retired);
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.waiting.wake();
    }
}

fn put(key: Bytes, value: &impl serde::Serialize, condition: Condition) -> Write {
    let value =
        serde_json::to_vec(value).expect("records have names for keys and no strange numbers");
    Write { key, value: Some(value.into()), condition: Some(condition) }
}

fn read_record(key: &[u8], value: &[u8]) -> Result<TableRecord, StorageError> {
    let name = || String::from_utf8_lossy(key.get(2..).unwrap_or_default()).into_owned();
    let record: TableRecord = serde_json::from_slice(value).map_err(|error| {
        StorageError::Fault(format!("the record of table {} cannot be read: {error}", name()))
    })?;
    if record.format > FORMAT {
        return Err(StorageError::Fault(format!(
            "the record of table {} has form {}, and this version reads up to {FORMAT}: use a later one",
            name(),
            record.format
        )));
    }
    Ok(record)
}

/// The catalog's head, and what must hold of it to be replaced.
fn read_head(stored: Option<Versioned>) -> Result<(Head, Condition), StorageError> {
    let Some(stored) = stored else {
        return Ok((Head { format: FORMAT, next_number: 1, starts: 0 }, Condition::Absent));
    };
    let head: Head = serde_json::from_slice(&stored.value).map_err(|error| {
        StorageError::Fault(format!("the catalog's head cannot be read: {error}"))
    })?;
    if head.format > FORMAT {
        return Err(StorageError::Fault(format!(
            "the catalog has form {}, and this version reads up to {FORMAT}: use a later one",
            head.format
        )));
    }
    Ok((head, Condition::VersionIs(stored.version)))
}

/// Counts that the tables are opened.
async fn count_start<S: Storage>(storage: &S) -> Result<u64, StorageError> {
    loop {
        let (head, condition) = read_head(storage.get(keys::catalog_head()).await?)?;
        let starts = head.starts + 1;
        let put = put(keys::catalog_head(), &Head { starts, ..head }, condition);
        let outcome = storage.write(WriteBatch { writes: vec![put] }).await?;
        if matches!(outcome, WriteOutcome::Applied { .. }) {
            return Ok(starts);
        }
    }
}
