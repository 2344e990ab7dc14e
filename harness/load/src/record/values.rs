//! Builds records: random printable values, numbers, or values derived from the key.
//! Does not choose keys or fields; the caller does.

use super::{FIELD_HEADER_BYTES, NUMBER_BYTES, Record, integrity, push_field_header, version};
use crate::generate::Lengths;
use crate::random::Random;
use crate::workload::{NUMBER_FIELD, Workload, WorkloadClass};

/// Keeps six bits of every byte, and moves them to 0x20..=0x5f: space to underscore.
const PRINTABLE_MASK: u64 = 0x3f3f_3f3f_3f3f_3f3f;
const PRINTABLE_BASE: u64 = 0x2020_2020_2020_2020;

/// What stands in a field.
#[derive(Debug, Clone, Copy)]
enum Content {
    /// Anything.
    Random,
    /// What `dataintegrity` expects.
    Integrity,
    /// Anything, but for the field that holds this number at first.
    Number(i64),
    /// What its version says.
    Version,
}

/// Builds the values of one workload.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    names: &'a [String],
    lengths: &'a Lengths,
    content: Content,
}

impl<'a> Values<'a> {
    /// For `workload`.
    pub fn new(workload: &'a Workload) -> Self {
        Self {
            names: &workload.field_names,
            lengths: &workload.field_lengths,
            content: match workload.class {
                WorkloadClass::Core if workload.data_integrity => Content::Integrity,
                WorkloadClass::Core => Content::Random,
                WorkloadClass::ReadYourWrites => Content::Version,
                WorkloadClass::Counters | WorkloadClass::ClosedEconomy => {
                    Content::Number(workload.initial_number)
                }
            },
        }
    }

    /// A record with every field; where values have versions, the one that is loaded: version 0. One allocation when lengths are constant.
    pub fn all_fields(&self, key: &[u8], random: &mut Random) -> Record {
        let likely = match self.lengths {
            Lengths::Constant(length) => *length as usize,
            _ => 0,
        };
        let mut bytes = Vec::with_capacity((FIELD_HEADER_BYTES + likely) * self.names.len());
        for number in 0..self.names.len() as u16 {
            self.push_field(&mut bytes, key, number, random);
        }
        Record { bytes: bytes.into() }
    }

    /// A record with every field in `version`, of a workload whose values have versions. One allocation.
    pub fn version(&self, key: &[u8], version: u64) -> Record {
        let Lengths::Constant(length) = self.lengths else { return Record::default() };
        let length = *length as usize;
        let mut bytes = Vec::with_capacity((FIELD_HEADER_BYTES + length) * self.names.len());
        for field in 0..self.names.len() as u16 {
            push_field_header(&mut bytes, field, length);
            version::push_value(&mut bytes, key, field, version, length);
        }
        Record { bytes: bytes.into() }
    }

    /// Bytes of a record's values, drawn field by field as a record's are.
    pub fn drawn_bytes(&self, random: &mut Random) -> u64 {
        self.names.iter().map(|_| self.lengths.next(random)).sum()
    }

    /// One field only: what a partial update sends. One allocation.
    pub fn one_field(&self, key: &[u8], number: u16, random: &mut Random) -> Record {
        let mut bytes = Vec::new();
        self.push_field(&mut bytes, key, number, random);
        Record { bytes: bytes.into() }
    }

    fn push_field(&self, bytes: &mut Vec<u8>, key: &[u8], number: u16, random: &mut Random) {
        let length = match self.content {
            Content::Number(_) if number == NUMBER_FIELD => NUMBER_BYTES,
            _ => self.lengths.next(random) as usize,
        };
        bytes.reserve_exact(FIELD_HEADER_BYTES + length);
        push_field_header(bytes, number, length);
        match self.content {
            Content::Integrity => {
                let name = self.names[usize::from(number)].as_bytes();
                integrity::push_value(bytes, key, name, length);
            }
            Content::Number(initial) if number == NUMBER_FIELD => {
                bytes.extend_from_slice(&initial.to_le_bytes());
            }
            Content::Version => version::push_value(bytes, key, number, 0, length),
            Content::Random | Content::Number(_) => push_random(bytes, length, random),
        }
    }
}

/// Appends `length` random printable bytes: six random bits each, so they compress to three quarters at best.
pub(super) fn push_random(bytes: &mut Vec<u8>, length: usize, random: &mut Random) {
    let mut next = || ((random.next_u64() & PRINTABLE_MASK) + PRINTABLE_BASE).to_le_bytes();
    for _ in 0..length / size_of::<u64>() {
        bytes.extend_from_slice(&next());
    }
    bytes.extend_from_slice(&next()[..length % size_of::<u64>()]);
}
