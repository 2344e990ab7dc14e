//! A batch: records that become durable together, under one header. Not a transaction of its own:
//! one batch may carry many callers' writes.
//!
//! ```text
//!  0       4       8      16        24         32        40           44            48      50
//! +-------+-------+------+---------+----------+---------+------------+-------------+-------+-------+
//! | magic | crc32 | life | number  | previous | durable | body bytes | records     | segm. | kind  |
//! +-------+-------+------+---------+----------+---------+------------+-------------+-------+-------+
//!  52             64
//! +--------------+---------------------------------------------+
//! | offset, zero | records, each at a multiple of 16 bytes ... | zeros to 4096
//! +--------------+---------------------------------------------+
//! ```
//! Little-endian. A batch begins at a multiple of 4096 bytes. Its header's checksum covers the header;
//! the records carry their own, bound to this very place, so a batch is whole exactly if its header
//! and each of its records is.
//!
//! *Number* and *previous* chain the log: recovery follows the chain and stops at the first hole.
//! *Durable* is the highest number that was known durable when this batch was formed: a hole at or
//! below it is corruption, above it an ordinary power loss.

use std::ops::Range;

use flywheel_disk::limits::BLOCK_BYTES;

use super::cursor::{Cursor, Put};
use super::place::Place;
use super::record::Record;
use super::{Damage, round_up};
use crate::index::Location;

/// The first bytes of every batch.
pub const MAGIC: u32 = u32::from_le_bytes(*b"FWB1");

/// Bytes of the header; the first record follows.
pub const HEADER_BYTES: usize = 64;

const MAGIC_AT: Range<usize> = 0..4;
const CRC_AT: Range<usize> = MAGIC_AT.end..MAGIC_AT.end + 4;
const COVERED_AT: Range<usize> = CRC_AT.end..HEADER_BYTES;

/// What a batch's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchKind {
    /// A commit group of the log, in arrival order; part of the chain.
    Log = 1,
    /// A key-ordered run that compaction wrote; outside the chain, made valid by a relocation record
    /// in the log.
    Run = 2,
}

/// A batch's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// Where the batch begins.
    pub place: Place,
    /// What its records are.
    pub kind: BatchKind,
    /// Its number in the log; 0 for runs.
    pub number: u64,
    /// The number of the batch before it in the log; 0 for the first, and for runs.
    pub previous: u64,
    /// The highest number known durable when this batch was formed.
    pub durable: u64,
    /// Bytes of records after the header.
    pub body_bytes: u32,
    /// Records after the header.
    pub records: u32,
}

/// Bytes on the medium of a batch with `body_bytes` of records.
pub const fn batch_bytes(body_bytes: usize) -> usize {
    round_up(HEADER_BYTES + body_bytes, BLOCK_BYTES)
}

impl BatchHeader {
    /// Bytes on the medium, header and padding included.
    pub fn batch_bytes(&self) -> usize {
        batch_bytes(self.body_bytes as usize)
    }

    /// Encodes at the front of `out`.
    pub fn encode(&self, out: &mut [u8]) {
        let mut covered = Vec::with_capacity(COVERED_AT.len());
        covered.put_u64(self.place.life);
        covered.put_u64(self.number);
        covered.put_u64(self.previous);
        covered.put_u64(self.durable);
        covered.put_u32(self.body_bytes);
        covered.put_u32(self.records);
        covered.put_u16(self.place.segment);
        covered.put_u16(self.kind as u16);
        covered.put_u32(self.place.offset_bytes);
        covered.resize(COVERED_AT.len(), 0);
        out[MAGIC_AT].copy_from_slice(&MAGIC.to_le_bytes());
        out[CRC_AT].copy_from_slice(&crc32fast::hash(&covered).to_le_bytes());
        out[COVERED_AT].copy_from_slice(&covered);
    }

    /// Decodes the header of a batch that should stand at `place`.
    ///
    /// # Errors
    /// [`Damage`] if no batch of this life of the segment begins here.
    pub fn decode(place: Place, bytes: &[u8]) -> Result<Self, Damage> {
        let header = Self::decode_anywhere(bytes)?;
        if header.place != place {
            return Err(Damage::new(format!(
                "a batch of {place:?} expected, found one of {:?}",
                header.place
            )));
        }
        Ok(header)
    }

    /// Decodes the header of a batch, wherever and in whichever life it was written.
    ///
    /// # Errors
    /// [`Damage`] if it is not one.
    pub fn decode_anywhere(bytes: &[u8]) -> Result<Self, Damage> {
        let mut outer = Cursor::new(bytes);
        let magic = outer.u32()?;
        if magic != MAGIC {
            return Err(Damage::new(format!("a batch ({MAGIC:08x}) expected, found {magic:08x}")));
        }
        let stored = outer.u32()?;
        let covered = outer.take(COVERED_AT.len())?;
        let computed = crc32fast::hash(covered);
        if stored != computed {
            let what =
                format!("batch header checksum {stored:08x} stored, {computed:08x} computed");
            return Err(Damage::new(what));
        }
        let mut fields = Cursor::new(covered);
        let life = fields.counter()?;
        let number = fields.counter()?;
        let (previous, durable) = (fields.counter()?, fields.counter()?);
        let (body_bytes, records) = (fields.u32()?, fields.u32()?);
        let (segment, kind) = (fields.u16()?, fields.u16()?);
        let place = Place { segment, life, offset_bytes: fields.u32()? };
        let kind = match kind {
            1 => BatchKind::Log,
            2 => BatchKind::Run,
            other => return Err(Damage::new(format!("a batch kind of 1 or 2, found {other}"))),
        };
        Ok(Self { place, kind, number, previous, durable, body_bytes, records })
    }
}

/// Encodes a batch at the front of `buffer`, whose bytes are zero; returns where its records stand.
///
/// # Panics
/// If the records do not take the bytes that the header says.
pub fn encode_records<'a>(
    header: &BatchHeader,
    records: impl Iterator<Item = Record<'a>>,
    buffer: &mut [u8],
) -> Vec<Location> {
    header.encode(buffer);
    let mut at = HEADER_BYTES;
    let locations = records
        .map(|record| {
            let place = header.place.at(header.place.offset_bytes + at as u32);
            let bytes = record.encode(place, &mut buffer[at..]);
            at += bytes;
            Location::new(place.segment, place.offset_bytes, bytes as u32)
        })
        .collect();
    assert_eq!(
        at - HEADER_BYTES,
        header.body_bytes as usize,
        "a batch's records take the bytes its header says"
    );
    locations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> BatchHeader {
        BatchHeader {
            place: Place { segment: 2, life: 5, offset_bytes: 8192 },
            kind: BatchKind::Log,
            number: 41,
            previous: 39,
            durable: 38,
            body_bytes: 100,
            records: 2,
        }
    }

    #[test]
    fn comes_back_as_written() {
        let mut bytes = [0; HEADER_BYTES];
        header().encode(&mut bytes);
        assert_eq!(BatchHeader::decode(header().place, &bytes), Ok(header()));
        assert_eq!(header().batch_bytes(), BLOCK_BYTES);
    }

    #[test]
    fn every_flipped_bit_and_another_place_are_noticed() {
        let mut good = [0; HEADER_BYTES];
        header().encode(&mut good);
        for bit in 0..HEADER_BYTES * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(BatchHeader::decode(header().place, &bad).is_err(), "bit {bit} unnoticed");
        }
        let elsewhere = header().place.at(4096);
        assert!(BatchHeader::decode(elsewhere, &good).is_err());
    }
}
