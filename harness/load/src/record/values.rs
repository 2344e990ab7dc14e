//! Builds records: random printable values, or values derived from the key.
//! Does not choose keys or fields; the caller does.

use super::{FIELD_HEADER_BYTES, Record, integrity, push_field_header};
use crate::generate::Lengths;
use crate::random::Random;
use crate::workload::Workload;

/// Keeps six bits of every byte, and moves them to 0x20..=0x5f: space to underscore.
const PRINTABLE_MASK: u64 = 0x3f3f_3f3f_3f3f_3f3f;
const PRINTABLE_BASE: u64 = 0x2020_2020_2020_2020;

/// Builds the values of one workload.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    names: &'a [String],
    lengths: &'a Lengths,
    data_integrity: bool,
}

impl<'a> Values<'a> {
    /// For `workload`.
    pub fn new(workload: &'a Workload) -> Self {
        Self {
            names: &workload.field_names,
            lengths: &workload.field_lengths,
            data_integrity: workload.data_integrity,
        }
    }

    /// A record with every field. One allocation when lengths are constant.
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

    /// One field only: what a partial update sends. One allocation.
    pub fn one_field(&self, key: &[u8], number: u16, random: &mut Random) -> Record {
        let mut bytes = Vec::new();
        self.push_field(&mut bytes, key, number, random);
        Record { bytes: bytes.into() }
    }

    fn push_field(&self, bytes: &mut Vec<u8>, key: &[u8], number: u16, random: &mut Random) {
        let length = self.lengths.next(random) as usize;
        bytes.reserve_exact(FIELD_HEADER_BYTES + length);
        push_field_header(bytes, number, length);
        if self.data_integrity {
            integrity::push_value(bytes, key, self.names[usize::from(number)].as_bytes(), length);
        } else {
            push_random(bytes, length, random);
        }
    }
}

/// Appends `length` random printable bytes: six random bits each, so they compress to three quarters at best.
fn push_random(bytes: &mut Vec<u8>, length: usize, random: &mut Random) {
    let mut next = || ((random.next_u64() & PRINTABLE_MASK) + PRINTABLE_BASE).to_le_bytes();
    for _ in 0..length / size_of::<u64>() {
        bytes.extend_from_slice(&next());
    }
    bytes.extend_from_slice(&next()[..length % size_of::<u64>()]);
}
