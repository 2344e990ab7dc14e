//! The engine as a target: a record is one value under its key, as YCSB's bindings for ordered stores
//! keep it. Opening and sizing the engine is the caller's; this only asks.

use std::ops::Bound;

use bytes::Bytes;
use flywheel_load::{
    Added, Addition, FieldSet, Record, Row, Target, TargetError, TargetErrorKind, TargetFactory,
    Updated,
};
use flywheel_shard::{Change, Direction, Handle, ScanRequest, ShardError, StoreError};

use crate::limits::SCAN_ROWS_AHEAD;

/// Makes one target for each worker, all on one open engine.
#[derive(Debug, Clone)]
pub struct EngineFactory {
    handle: Handle,
}

impl EngineFactory {
    /// Targets that ask through `handle`, whose bound on requests in flight they share.
    pub fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

impl TargetFactory for EngineFactory {
    type Target = EngineTarget;

    fn name(&self) -> &str {
        "flywheel"
    }

    async fn connect(&self, _worker: usize) -> Result<EngineTarget, TargetError> {
        Ok(EngineTarget { handle: self.handle.clone() })
    }
}

/// One worker's way into the engine.
#[derive(Debug)]
pub struct EngineTarget {
    handle: Handle,
}

impl Target for EngineTarget {
    async fn read(&self, key: &[u8], fields: FieldSet) -> Result<Option<Record>, TargetError> {
        let found = self.handle.get(Bytes::copy_from_slice(key)).await.map_err(refusal)?;
        let decode = |value| Ok(Record::decode(value)?.project(fields));
        found.map(|versioned| decode(versioned.value)).transpose()
    }

    async fn scan(
        &self,
        start: &[u8],
        count: usize,
        fields: FieldSet,
    ) -> Result<Vec<Row>, TargetError> {
        let mut request = ScanRequest {
            start: Bound::Included(Bytes::copy_from_slice(start)),
            end: Bound::Unbounded,
            direction: Direction::Forward,
            max_items: count,
            max_bytes: usize::MAX,
        };
        // A trace may ask for millions, of which there may be none.
        let mut rows = Vec::with_capacity(count.min(SCAN_ROWS_AHEAD));
        loop {
            let page = self.handle.scan(request.clone()).await.map_err(refusal)?;
            for (key, versioned) in page.items {
                let record = Record::decode(versioned.value)?.project(fields);
                rows.push(Row { key, record });
            }
            // A page may end early; the next one begins behind its last key.
            match rows.last() {
                Some(last) if page.more && rows.len() < count => {
                    request.start = Bound::Excluded(last.key.clone());
                    request.max_items = count - rows.len();
                }
                _ => return Ok(rows),
            }
        }
    }

    async fn insert(&self, key: &[u8], record: Record) -> Result<(), TargetError> {
        let key = Bytes::copy_from_slice(key);
        self.handle.put(key, record.into_bytes()).await.map(|_| ()).map_err(refusal)
    }

    async fn update(
        &self,
        key: &[u8],
        changes: Record,
        whole: bool,
    ) -> Result<Updated, TargetError> {
        let key = Bytes::copy_from_slice(key);
        if whole {
            let put = self.handle.put(key, changes.into_bytes()).await;
            return put.map(|_| Updated::Applied).map_err(refusal);
        }
        // Merged at the owner, so that no other update comes in between and nothing travels twice.
        let merge =
            move |before: Option<&Bytes>| match before.map(|bytes| Record::decode(bytes.clone())) {
                Some(Ok(record)) => Change::Put(record.merge(&changes).into_bytes()),
                // Absent, or not a record: told from each other by what comes back.
                Some(Err(_)) | None => Change::Keep,
            };
        let modified = self.handle.modify(key, Box::new(merge)).await.map_err(refusal)?;
        match (modified.before, modified.version) {
            (None, _) => Ok(Updated::NotFound),
            (Some(_), Some(_)) => Ok(Updated::Applied),
            (Some(before), None) => {
                let error = Record::decode(before.value).err();
                let what = error.map_or_else(|| "kept as it was".into(), |error| error.to_string());
                Err(TargetError::new(TargetErrorKind::Undecodable, what))
            }
        }
    }

    async fn add(&self, key: &[u8], addition: Addition) -> Result<Added, TargetError> {
        // At the owner, as a partial update: nothing comes between the read and the write.
        let change = move |before: Option<&Bytes>| {
            let record = before.and_then(|bytes| Record::decode(bytes.clone()).ok());
            match record.map(|record| addition.apply(&record)) {
                Some(Ok((_, Some(after)))) => Change::Put(after.into_bytes()),
                _ => Change::Keep,
            }
        };
        let key = Bytes::copy_from_slice(key);
        let modified = self.handle.modify(key, Box::new(change)).await.map_err(refusal)?;
        let Some(before) = modified.before else { return Ok(Added::NotFound) };
        // What came of it follows from what was there.
        Ok(addition.apply(&Record::decode(before.value)?)?.0)
    }
}

/// What the driver counts an engine's error as.
fn refusal(error: ShardError) -> TargetError {
    // Under overload most answers are of this kind: no message is put together for them.
    if let ShardError::Busy(what) = error {
        return TargetError::new(TargetErrorKind::Overloaded, what);
    }
    let kind = match &error {
        ShardError::Store(store) => match **store {
            StoreError::Full(_) => TargetErrorKind::Full,
            StoreError::Corrupt { .. } | StoreError::Format { .. } => TargetErrorKind::Corruption,
            StoreError::Disk(_) | StoreError::Stopped(_) => TargetErrorKind::Io,
            StoreError::BadRequest(_) | StoreError::BadOption { .. } => TargetErrorKind::Invalid,
            StoreError::NotOwned | StoreError::BadPartition { .. } | StoreError::Closed => {
                TargetErrorKind::Unavailable
            }
        },
        ShardError::Closed => TargetErrorKind::Unavailable,
        _ => TargetErrorKind::Other,
    };
    TargetError::from_display(kind, error)
}
