//! A number in a record, and adding to it. What makes an addition atomic is each target's business.

use super::{Record, RecordError};

/// Bytes of a number: an `i64`, little-endian.
pub const NUMBER_BYTES: usize = size_of::<i64>();

/// An addition to one number of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addition {
    /// The field: [`NUMBER_BYTES`] long.
    pub field: u16,
    /// What is added; may be below 0.
    pub amount: i64,
    /// The least that the sum may be. If it were less, nothing is changed.
    pub least: i64,
}

/// What became of an addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// Done; the number is now this.
    Applied(i64),
    /// The sum would have been too little; the number still is this.
    TooLittle(i64),
    /// There is no such key, and nothing was written.
    NotFound,
}

impl Addition {
    /// What a record `before` makes of it: the answer, and the record to store where there is one.
    ///
    /// # Errors
    /// [`RecordError::NotANumber`], also for a sum that no number can hold.
    pub fn apply(&self, before: &Record) -> Result<(Added, Option<Record>), RecordError> {
        let number = before.number(self.field)?;
        let sum = number
            .checked_add(self.amount)
            .ok_or(RecordError::NotANumber { number: self.field })?;
        if sum < self.least {
            return Ok((Added::TooLittle(number), None));
        }
        let value = sum.to_le_bytes();
        let change = Record::from_fields([(self.field, value.as_slice())]);
        Ok((Added::Applied(sum), Some(before.merge(&change))))
    }
}

impl Record {
    /// The number in `field`.
    ///
    /// # Errors
    /// [`RecordError::NotANumber`] where the field is missing or of another length.
    pub fn number(&self, field: u16) -> Result<i64, RecordError> {
        let value = self.get(field).and_then(|value| value.try_into().ok());
        value.map(i64::from_le_bytes).ok_or(RecordError::NotANumber { number: field })
    }
}
