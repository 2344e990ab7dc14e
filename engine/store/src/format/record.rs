//! A record: one version of one key, as it stands in a batch. Not the index's entry for it.
//!
//! ```text
//!  0        4           8         16        18     19     20
//! +--------+-----------+---------+---------+------+------+--------+----------+---------+
//! | crc32  | value len | version | key len | kind | zero | key... | value... | zeros   |
//! +--------+-----------+---------+---------+------+------+--------+----------+---------+
//!                                                                            to 16 bytes
//! ```
//! Little-endian. The checksum starts from the record's [`Place`] and covers all that follows it up
//! to the end of the value.

use std::ops::Range;

use crc32fast::Hasher;
use flywheel_disk::canary::{self, Canary};

use super::cursor::Cursor;
use super::place::Place;
use super::{Damage, round_up};
use crate::limits::{MAX_BATCH_BYTES, MAX_KEY_BYTES};

const CRC: Range<usize> = 0..4;
const VALUE_LENGTH: Range<usize> = CRC.end..CRC.end + 4;
const VERSION: Range<usize> = VALUE_LENGTH.end..VALUE_LENGTH.end + 8;
const KEY_LENGTH: Range<usize> = VERSION.end..VERSION.end + 2;
const KIND: usize = KEY_LENGTH.end;
const ZERO: usize = KIND + 1;

/// Bytes before the key.
pub const HEADER_BYTES: usize = ZERO + 1;

/// Records start at multiples of this many bytes, so that a location can count in them.
pub const RECORD_ALIGNMENT_BYTES: usize = 16;

/// What a record says of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// The key has this value.
    Put = 1,
    /// The key has no value.
    Tombstone = 2,
    /// Not about a key: a change of the store itself, see [`super::meta`].
    Meta = 3,
}

/// A record before it is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it says.
    pub kind: RecordKind,
    /// The version it was written under.
    pub version: u64,
    /// The key; empty for meta records.
    pub key: &'a [u8],
    /// The value; empty for tombstones.
    pub value: &'a [u8],
}

/// Encoded length in bytes, padding included.
pub const fn encoded_bytes(key_bytes: usize, value_bytes: usize) -> usize {
    round_up(HEADER_BYTES + key_bytes + value_bytes, RECORD_ALIGNMENT_BYTES)
}

impl<'a> Record<'a> {
    /// Encoded length in bytes, padding included.
    pub fn encoded_bytes(&self) -> usize {
        encoded_bytes(self.key.len(), self.value.len())
    }

    /// Encodes at the front of `out`, whose bytes are zero, and returns the encoded length.
    pub fn encode(&self, place: Place, out: &mut [u8]) -> usize {
        let key_end = HEADER_BYTES + self.key.len();
        let value_end = key_end + self.value.len();
        let key_length = self.key.len() as u16;
        let value_length = self.value.len() as u32;
        out[VALUE_LENGTH].copy_from_slice(&value_length.to_le_bytes());
        out[VERSION].copy_from_slice(&self.version.to_le_bytes());
        out[KEY_LENGTH].copy_from_slice(&key_length.to_le_bytes());
        out[KIND] = self.kind as u8;
        out[HEADER_BYTES..key_end].copy_from_slice(self.key);
        out[key_end..value_end].copy_from_slice(self.value);
        let sum = checksum(place, &out[CRC.end..value_end]);
        out[CRC].copy_from_slice(&sum.to_le_bytes());
        self.encoded_bytes()
    }

    /// Decodes the record at the front of `bytes`, which may go on beyond it.
    ///
    /// # Errors
    /// [`Damage`] if the bytes are not a record written at `place`.
    pub fn decode(place: Place, bytes: &'a [u8]) -> Result<Self, Damage> {
        if bytes.len() < HEADER_BYTES {
            return Err(Damage::new(format!("a record header expected, {} bytes", bytes.len())));
        }
        let key_length = usize::from(u16::from_le_bytes(array(&bytes[KEY_LENGTH])));
        let value_length = u32::from_le_bytes(array(&bytes[VALUE_LENGTH])) as usize;
        if key_length > MAX_KEY_BYTES || value_length > MAX_BATCH_BYTES {
            return Err(Damage::new(format!("lengths of a record, {key_length}+{value_length}")));
        }
        let key_end = HEADER_BYTES + key_length;
        let value_end = key_end + value_length;
        if value_end > bytes.len() {
            let what = format!("a record of {value_end} bytes in the {} there are", bytes.len());
            return Err(Damage::new(what));
        }
        let expected = u32::from_le_bytes(array(&bytes[CRC]));
        let found = checksum(place, &bytes[CRC.end..value_end]);
        if expected != found && !canary::sings(Canary::SkipChecksum) {
            let what = format!("record checksum {expected:08x} stored, {found:08x} computed");
            return Err(Damage::new(what));
        }
        Ok(Self {
            kind: kind(bytes[KIND])?,
            version: Cursor::new(&bytes[VERSION]).counter()?,
            key: &bytes[HEADER_BYTES..key_end],
            value: &bytes[key_end..value_end],
        })
    }
}

fn kind(byte: u8) -> Result<RecordKind, Damage> {
    match byte {
        1 => Ok(RecordKind::Put),
        2 => Ok(RecordKind::Tombstone),
        3 => Ok(RecordKind::Meta),
        other => Err(Damage::new(format!("a record kind of 1, 2 or 3, found {other}"))),
    }
}

pub(crate) fn checksum(place: Place, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(place.seed());
    hasher.update(bytes);
    hasher.finalize()
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("ranges above are as long as their fields")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { segment: 3, life: 9, offset_bytes: 4160 };

    fn encoded(record: &Record<'_>) -> Vec<u8> {
        let mut bytes = vec![0; record.encoded_bytes()];
        assert_eq!(record.encode(PLACE, &mut bytes), bytes.len());
        bytes
    }

    #[test]
    fn comes_back_as_written() {
        let record = Record { kind: RecordKind::Put, version: 7, key: b"key", value: b"value" };
        assert_eq!(Record::decode(PLACE, &encoded(&record)), Ok(record));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let record = Record { kind: RecordKind::Put, version: 7, key: b"key", value: b"value" };
        let good = encoded(&record);
        let covered = HEADER_BYTES + record.key.len() + record.value.len();
        for bit in 0..covered * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Record::decode(PLACE, &bad).is_err(), "bit {bit} flipped unnoticed");
        }
    }

    #[test]
    fn another_place_or_life_is_noticed() {
        let record = Record { kind: RecordKind::Tombstone, version: 1, key: b"k", value: b"" };
        let bytes = encoded(&record);
        for place in [
            Place { segment: 4, ..PLACE },
            Place { life: 10, ..PLACE },
            PLACE.at(PLACE.offset_bytes + 16),
        ] {
            assert!(Record::decode(place, &bytes).is_err(), "{place:?} passed for {PLACE:?}");
        }
    }

    #[test]
    fn every_truncation_is_damage() {
        let record = Record { kind: RecordKind::Put, version: 7, key: b"key", value: &[1; 50] };
        let bytes = encoded(&record);
        for length in 0..HEADER_BYTES + 53 {
            assert!(Record::decode(PLACE, &bytes[..length]).is_err(), "{length} bytes passed");
        }
    }
}
