//! The null target: answers at once, from nothing. Running against it prints the harness's own floor.
//! It stores nothing, so what it returns depends on the key alone.

use bytes::Bytes;
use flywheel_load::random::Random;
use flywheel_load::record::Values;
use flywheel_load::{
    Added, Addition, FieldSet, Record, Row, Target, TargetError, TargetFactory, Updated, Workload,
};

use crate::limits::NULL_ROWS_MAX;

/// Digits appended to a scan's start key to make the keys of its rows ascend.
const ROW_DIGITS: usize = 8;

/// Makes null targets.
#[derive(Debug, Clone, Copy)]
pub struct NullFactory<'a> {
    workload: &'a Workload,
}

impl<'a> NullFactory<'a> {
    /// Answers with records as `workload` would have stored them.
    pub fn new(workload: &'a Workload) -> Self {
        Self { workload }
    }
}

impl<'a> TargetFactory for NullFactory<'a> {
    type Target = Null<'a>;

    fn name(&self) -> &str {
        "null"
    }

    fn stores(&self) -> bool {
        false
    }

    async fn connect(&self, _worker: usize) -> Result<Null<'a>, TargetError> {
        let values = Values::new(self.workload);
        let record = values.all_fields(b"", &mut Random::new(self.workload.seed));
        Ok(Null { workload: self.workload, values, record })
    }
}

/// Answers at once: every read finds the same record, every scan as many rows as asked for.
///
/// With `dataintegrity` it builds the record that the key stands for, so that checks pass and cost what they
/// cost elsewhere.
#[derive(Debug)]
pub struct Null<'a> {
    workload: &'a Workload,
    values: Values<'a>,
    record: Record,
}

impl Null<'_> {
    fn record(&self, key: &[u8], fields: FieldSet) -> Record {
        if self.workload.data_integrity {
            // Values that follow from the key draw nothing at random.
            self.values.all_fields(key, &mut Random::new(0)).project(fields)
        } else {
            self.record.project(fields)
        }
    }
}

impl Target for Null<'_> {
    async fn read(&self, key: &[u8], fields: FieldSet) -> Result<Option<Record>, TargetError> {
        Ok(Some(self.record(key, fields)))
    }

    async fn scan(
        &self,
        start: &[u8],
        count: usize,
        fields: FieldSet,
    ) -> Result<Vec<Row>, TargetError> {
        let row = |number: usize| {
            let key = match number {
                0 => Bytes::copy_from_slice(start),
                _ => {
                    let mut key = start.to_vec();
                    key.extend_from_slice(format!("{number:0ROW_DIGITS$}").as_bytes());
                    key.into()
                }
            };
            let record = self.record(&key, fields);
            Row { key, record }
        };
        Ok((0..count.min(NULL_ROWS_MAX)).map(row).collect())
    }

    async fn insert(&self, _key: &[u8], _record: Record) -> Result<(), TargetError> {
        Ok(())
    }

    async fn update(
        &self,
        _key: &[u8],
        _changes: Record,
        _whole: bool,
    ) -> Result<Updated, TargetError> {
        Ok(Updated::Applied)
    }

    async fn add(&self, _key: &[u8], addition: Addition) -> Result<Added, TargetError> {
        Ok(Added::Applied(addition.amount))
    }
}
