//! The model: a `BTreeMap` in memory, what every engine must agree with.
//! Correct and slow; not a competitor, and its figures mean nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use flywheel_load::{
    Added, Addition, FieldSet, Record, Row, Target, TargetError, TargetFactory, Updated,
};

/// Makes targets that share one map.
#[derive(Debug, Clone, Default)]
pub struct ModelFactory {
    records: Arc<Mutex<BTreeMap<Bytes, Record>>>,
}

impl ModelFactory {
    /// With an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// All records in key order.
    pub fn snapshot(&self) -> BTreeMap<Bytes, Record> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl TargetFactory for ModelFactory {
    type Target = Model;

    fn name(&self) -> &str {
        "model"
    }

    async fn connect(&self, _worker: usize) -> Result<Model, TargetError> {
        Ok(Model { records: Arc::clone(&self.records) })
    }
}

/// One worker's view of the map.
#[derive(Debug)]
pub struct Model {
    records: Arc<Mutex<BTreeMap<Bytes, Record>>>,
}

impl Model {
    fn records(&self) -> MutexGuard<'_, BTreeMap<Bytes, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target for Model {
    async fn read(&self, key: &[u8], fields: FieldSet) -> Result<Option<Record>, TargetError> {
        Ok(self.records().get(key).map(|record| record.project(fields)))
    }

    async fn scan(
        &self,
        start: &[u8],
        count: usize,
        fields: FieldSet,
    ) -> Result<Vec<Row>, TargetError> {
        let records = self.records();
        let rows = records.range(Bytes::copy_from_slice(start)..).take(count);
        Ok(rows
            .map(|(key, record)| Row { key: key.clone(), record: record.project(fields) })
            .collect())
    }

    async fn insert(&self, key: &[u8], record: Record) -> Result<(), TargetError> {
        self.records().insert(Bytes::copy_from_slice(key), record);
        Ok(())
    }

    async fn update(
        &self,
        key: &[u8],
        changes: Record,
        whole: bool,
    ) -> Result<Updated, TargetError> {
        let mut records = self.records();
        if whole {
            records.insert(Bytes::copy_from_slice(key), changes);
            return Ok(Updated::Applied);
        }
        let Some(record) = records.get_mut(key) else {
            return Ok(Updated::NotFound);
        };
        *record = record.merge(&changes);
        Ok(Updated::Applied)
    }

    async fn add(&self, key: &[u8], addition: Addition) -> Result<Added, TargetError> {
        let mut records = self.records();
        let Some(record) = records.get_mut(key) else {
            return Ok(Added::NotFound);
        };
        let (added, after) = addition.apply(record)?;
        if let Some(after) = after {
            *record = after;
        }
        Ok(added)
    }
}
