//! A record: its fields in one run of bytes that targets store as they are.
//! It knows no keys and no names; building values is `values`, checking them is `integrity`.

mod integrity;
mod number;
mod traced;
mod values;
mod version;

use bytes::Bytes;

pub use integrity::{IntegrityCheck, Mismatch, integrity_value};
pub use number::{Added, Addition, NUMBER_BYTES};
pub use traced::{check_traced, traced_record};
pub use values::Values;
use values::push_random;
pub use version::{VERSION_BYTES, VersionCheck};

/// Bytes in front of each field's value.
pub const FIELD_HEADER_BYTES: usize = size_of::<u16>() + size_of::<u32>();

/// Which fields of a record are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldSet {
    /// All of them, without naming them.
    All,
    /// All of them, each by its name (`readallfieldsbyname`, `dataintegrity`).
    AllByName,
    /// One, by its number.
    One(u16),
}

impl FieldSet {
    /// Whether field `number` is meant.
    #[inline]
    pub fn contains(self, number: u16) -> bool {
        match self {
            Self::All | Self::AllByName => true,
            Self::One(one) => one == number,
        }
    }
}

/// Bytes that are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes end inside a field.
    #[error("the record ends at byte {len} inside the field that begins at byte {at}")]
    Truncated {
        /// Where the field's header begins.
        at: usize,
        /// Length of all bytes.
        len: usize,
    },
    /// A field that is to be added to is missing, is no number, or would become too large for one.
    #[error("field {number} is not a number of 8 bytes with room for the sum")]
    NotANumber {
        /// The field's number.
        number: u16,
    },
    /// A field's number does not exceed that of the field before it.
    #[error("field {number} at byte {at} is out of order")]
    OutOfOrder {
        /// Where the field's header begins.
        at: usize,
        /// The field's number.
        number: u16,
    },
}

/// Some or all fields of a record, encoded. Cloning shares the bytes.
///
/// ```text
///  one field                                   the next field
/// +-----------+---------------+--------------+-----------+----
/// | number    | length        | value        | number    | ...
/// | u16, LE   | u32, LE       | length bytes |           |
/// +-----------+---------------+--------------+-----------+----
/// ```
/// Numbers ascend strictly; the last field ends where the bytes end. No header, no padding: an empty record
/// has no bytes, and a field's cost beyond its value is [`FIELD_HEADER_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    bytes: Bytes,
}

/// Splits the first field off `rest`: `(number, value, remainder)`; `None` when it is cut short.
#[inline]
fn split_field(rest: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (number, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((u16::from_le_bytes(*number), value, rest))
}

/// Appends one field. Values longer than a record may be are refused long before, by the workload.
#[inline]
fn push_field_header(bytes: &mut Vec<u8>, number: u16, length: usize) {
    let length = u32::try_from(length).expect("a field is at most RECORD_BYTES_MAX long");
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
}

impl Record {
    /// Takes over `bytes` after checking every field. Never panics, whatever the bytes are.
    pub fn decode(bytes: impl Into<Bytes>) -> Result<Self, RecordError> {
        let bytes: Bytes = bytes.into();
        let mut rest: &[u8] = &bytes;
        let mut previous = None;
        while !rest.is_empty() {
            let at = bytes.len() - rest.len();
            let (number, _, remainder) =
                split_field(rest).ok_or(RecordError::Truncated { at, len: bytes.len() })?;
            if previous.is_some_and(|previous| previous >= number) {
                return Err(RecordError::OutOfOrder { at, number });
            }
            previous = Some(number);
            rest = remainder;
        }
        Ok(Self { bytes })
    }

    /// Encodes fields, which must come in strictly ascending order.
    ///
    /// # Panics
    /// When they do not, or when a value exceeds 4 GiB.
    pub fn from_fields<'a>(fields: impl IntoIterator<Item = (u16, &'a [u8])>) -> Self {
        let mut bytes = Vec::new();
        let mut previous = None;
        for (number, value) in fields {
            assert!(previous < Some(number), "field {number} after {previous:?}");
            previous = Some(number);
            push_field_header(&mut bytes, number, value.len());
            bytes.extend_from_slice(value);
        }
        Self { bytes: bytes.into() }
    }

    /// The encoded bytes, to store.
    #[inline]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The encoded bytes, to store, without a reference count's cost.
    #[inline]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The fields in ascending order of their numbers.
    pub fn fields(&self) -> Fields<'_> {
        Fields { rest: &self.bytes }
    }

    /// The value of field `number`.
    pub fn get(&self, number: u16) -> Option<&[u8]> {
        self.fields().find(|(at, _)| *at == number).map(|(_, value)| value)
    }

    /// Whether it has no fields.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The fields that `fields` means. Shares the bytes where that is possible (always, but for layouts
    /// with a gap, which the generator never asks for).
    pub fn project(&self, fields: FieldSet) -> Self {
        let FieldSet::One(one) = fields else {
            return self.clone();
        };
        let mut rest: &[u8] = &self.bytes;
        while let Some((number, _, remainder)) = split_field(rest) {
            if number == one {
                let (from, to) =
                    (self.bytes.len() - rest.len(), self.bytes.len() - remainder.len());
                return Self { bytes: self.bytes.slice(from..to) };
            }
            rest = remainder;
        }
        Self::default()
    }

    /// This record with the fields of `changes` put over it: a partial update, applied.
    pub fn merge(&self, changes: &Self) -> Self {
        let mut merged = Vec::with_capacity(self.bytes.len() + changes.bytes.len());
        let mut old = self.fields().peekable();
        let mut new = changes.fields().peekable();
        let mut push = |(number, value): (u16, &[u8])| {
            push_field_header(&mut merged, number, value.len());
            merged.extend_from_slice(value);
        };
        loop {
            match (old.peek().map(|field| field.0), new.peek().map(|field| field.0)) {
                (None, None) => break,
                (Some(before), Some(after)) if before == after => {
                    old.next();
                    new.next().into_iter().for_each(&mut push);
                }
                (Some(before), after) if after.is_none_or(|after| before < after) => {
                    old.next().into_iter().for_each(&mut push);
                }
                _ => new.next().into_iter().for_each(&mut push),
            }
        }
        Self { bytes: merged.into() }
    }

    /// What its author counts: values and the names of their fields, without our headers.
    ///
    /// `name_bytes` gives the length of each field's name by its number; numbers past it count as nameless.
    pub fn user_bytes(&self, name_bytes: &[u32]) -> u64 {
        let name = |number: u16| name_bytes.get(usize::from(number)).copied().unwrap_or(0);
        self.fields().map(|(number, value)| value.len() as u64 + u64::from(name(number))).sum()
    }
}

/// The fields of a [`Record`], in ascending order of their numbers.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u16, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // A Record's bytes were checked when it was made, so the end is the only way to get `None`.
        let (number, value, rest) = split_field(self.rest)?;
        self.rest = rest;
        Some((number, value))
    }
}
