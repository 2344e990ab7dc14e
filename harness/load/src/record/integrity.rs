//! YCSB's `dataintegrity`: values that follow from the key, so that any reader can check them.
//! Not a checksum, and not a check of order or completeness of scans: the driver does that.

use std::fmt;

use super::{FieldSet, Record};
use crate::workload::Workload;

/// A running Java `String.hashCode()`: `h = 31 h + c`, so that appending costs only what is appended.
fn extend_hash(hash: i32, bytes: &[u8]) -> i32 {
    bytes.iter().fold(hash, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(*byte)))
}

/// Appends the deterministic value: `key:field`, then `:` and the hash of all so far, again and again, cut
/// to `length` bytes. Keys and names are ASCII.
pub(super) fn push_value(out: &mut Vec<u8>, key: &[u8], field: &[u8], length: usize) {
    let start = out.len();
    out.extend_from_slice(key);
    out.push(b':');
    out.extend_from_slice(field);
    let mut hash = extend_hash(0, &out[start..]);
    let mut digits = itoa::Buffer::new();
    while out.len() - start < length {
        let grown = out.len();
        // As Java evaluates it: the colon is appended first, so it is part of what is hashed.
        out.push(b':');
        hash = extend_hash(hash, b":");
        out.extend_from_slice(digits.format(hash).as_bytes());
        hash = extend_hash(hash, &out[grown + 1..]);
    }
    out.truncate(start + length);
}

/// The value that `dataintegrity` expects of `field` under `key`, `length` bytes long.
pub fn integrity_value(key: &[u8], field: &str, length: usize) -> Vec<u8> {
    let mut value = Vec::with_capacity(length + 16);
    push_value(&mut value, key, field.as_bytes(), length);
    value
}

/// What a read returned that it must not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// A field that was asked for is not there.
    Missing {
        /// Its number.
        field: u16,
    },
    /// A field that was not asked for, or that no record has, is there.
    Unexpected {
        /// Its number.
        field: u16,
    },
    /// A value differs, first at `at`.
    Value {
        /// The field's number.
        field: u16,
        /// The first byte that differs; the shorter length when one is a prefix of the other.
        at: usize,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { field } => write!(f, "field {field} is missing"),
            Self::Unexpected { field } => write!(f, "field {field} was not asked for"),
            Self::Value { field, at } => write!(f, "field {field} differs at byte {at}"),
        }
    }
}

/// Checks records against their keys. Keeps one buffer, so that checking does not allocate.
#[derive(Debug)]
pub struct IntegrityCheck<'a> {
    names: &'a [String],
    length: usize,
    expected: Vec<u8>,
}

impl<'a> IntegrityCheck<'a> {
    /// For `workload`, whose fields have a constant length when it asks for data integrity.
    pub fn new(workload: &'a Workload) -> Self {
        Self {
            names: &workload.field_names,
            length: workload.field_length_max as usize,
            expected: Vec::new(),
        }
    }

    /// Checks that `record`, read under `key`, has exactly the fields of `fields`, each with its value.
    pub fn verify(
        &mut self,
        key: &[u8],
        fields: FieldSet,
        record: &Record,
    ) -> Result<(), Mismatch> {
        let mut found = record.fields();
        for number in (0..self.names.len() as u16).filter(|number| fields.contains(*number)) {
            let (field, value) = found.next().ok_or(Mismatch::Missing { field: number })?;
            if field > number {
                return Err(Mismatch::Missing { field: number });
            }
            if field < number {
                return Err(Mismatch::Unexpected { field });
            }
            self.expected.clear();
            push_value(
                &mut self.expected,
                key,
                self.names[usize::from(number)].as_bytes(),
                self.length,
            );
            if value != self.expected {
                let same = value.iter().zip(&self.expected).take_while(|(a, b)| a == b).count();
                return Err(Mismatch::Value { field, at: same });
            }
        }
        match found.next() {
            Some((field, _)) => Err(Mismatch::Unexpected { field }),
            None => Ok(()),
        }
    }
}
