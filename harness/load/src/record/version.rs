//! Values that carry a version: which write they are of can be read off each, and every byte be checked.
//! Which version must be there, the driver knows.

use xxhash_rust::xxh3::xxh3_64;

use super::{FieldSet, Record, push_random};
use crate::random::Stream;
use crate::workload::Workload;

/// Bytes at the head of each value that hold its version: a `u64`, little-endian.
pub const VERSION_BYTES: usize = size_of::<u64>();

/// Appends the value of `field` under `key` in `version`: the version, then bytes that follow from all three, cut
/// to `length` bytes.
pub(super) fn push_value(out: &mut Vec<u8>, key: &[u8], field: u16, version: u64, length: usize) {
    out.extend_from_slice(&version.to_le_bytes());
    let mut random = Stream::new(version, xxh3_64(key)).at(u64::from(field));
    push_random(out, length.saturating_sub(VERSION_BYTES), &mut random);
}

/// Reads versions off records, and checks every byte. Keeps one buffer, so that checking does not allocate.
#[derive(Debug)]
pub struct VersionCheck {
    fields: u16,
    length: usize,
    expected: Vec<u8>,
}

impl VersionCheck {
    /// For `workload`, whose fields have a constant length.
    pub fn new(workload: &Workload) -> Self {
        let length = workload.field_length_max as usize;
        Self { fields: workload.field_count(), length, expected: Vec::new() }
    }

    /// The version of `record`, read under `key`.
    ///
    /// # Errors
    /// What is wrong: a field that is missing or was not asked for, a value that is not that of its version, or
    /// fields of different versions.
    pub fn version(
        &mut self,
        key: &[u8],
        fields: FieldSet,
        record: &Record,
    ) -> Result<u64, String> {
        let mut version = None;
        let mut found = record.fields();
        for number in (0..self.fields).filter(|number| fields.contains(*number)) {
            let value = match found.next() {
                Some((field, value)) if field == number => value,
                _ => return Err(format!("field {number} is missing")),
            };
            let head = value.first_chunk().copied().map(u64::from_le_bytes);
            let of = head.ok_or_else(|| format!("field {number} has no version"))?;
            self.expected.clear();
            push_value(&mut self.expected, key, number, of, self.length);
            if value != self.expected {
                return Err(format!("field {number} is not what version {of} of it was"));
            }
            if version.is_some_and(|version| version != of) {
                return Err(format!("field {number} is of version {of}, those before it are not"));
            }
            version = Some(of);
        }
        match (version, found.next()) {
            (Some(version), None) => Ok(version),
            _ => Err("not the fields that were asked for".to_owned()),
        }
    }
}
