//! Checksums made good again over bytes that were changed. Not encoders: what the bytes say otherwise
//! stays, however wrong.

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_store::format::batch;
use flywheel_store::format::place::Place;
use flywheel_store::format::record;
use flywheel_store::fuzzing::record_checksum;

/// A segment's header ends here.
const HEAD_END: usize = 50;

/// The payload of a checkpoint's chunk begins here; its length stands before.
const CHUNK_PAYLOAD_AT: usize = 24;

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?).into())
}

/// The number of four bytes at `at`, if there are so many.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize)
}

/// Writes the checksum of `from..to` to `at`, if there are so many bytes.
fn seal(bytes: &mut [u8], at: usize, from: usize, to: usize) {
    if let Some(covered) = bytes.get(from..to) {
        let sum = crc32fast::hash(covered);
        bytes[at..at + 4].copy_from_slice(&sum.to_le_bytes());
    }
}

/// A slot of the superblock.
pub fn slot(bytes: &mut [u8]) {
    seal(bytes, 12, 16, BLOCK_BYTES);
}

/// A segment's first block.
pub fn head(bytes: &mut [u8]) {
    seal(bytes, 12, 16, HEAD_END);
}

/// A batch's header.
pub fn batch_header(bytes: &mut [u8]) {
    seal(bytes, 4, 8, batch::HEADER_BYTES);
}

/// A checkpoint's chunk.
pub fn chunk(bytes: &mut [u8]) {
    let Some(payload_bytes) = u32_at(bytes, CHUNK_PAYLOAD_AT - 4) else { return };
    seal(bytes, 4, 8, CHUNK_PAYLOAD_AT.saturating_add(payload_bytes));
}

/// The record at the front of `bytes`, as one at `place`.
pub fn record(place: Place, bytes: &mut [u8]) {
    let lengths = u32_at(bytes, 4).zip(u16_at(bytes, 16));
    let Some((value_bytes, key_bytes)) = lengths else { return };
    if let Some(covered) = bytes.get(4..record::HEADER_BYTES + key_bytes + value_bytes) {
        let sum = record_checksum(place, covered);
        bytes[..4].copy_from_slice(&sum.to_le_bytes());
    }
}

/// Where the records of a batch begin, as far as their lengths can be followed.
pub fn records(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let count = u32_at(bytes, 44).unwrap_or(0);
    let first = Some(batch::HEADER_BYTES).filter(|at| *at < bytes.len());
    std::iter::successors(first, |&at| {
        let (value_bytes, key_bytes) = (u32_at(bytes, at + 4)?, u16_at(bytes, at + 16)?);
        Some(at + record::encoded_bytes(key_bytes, value_bytes)).filter(|at| *at < bytes.len())
    })
    .take(count)
}

/// A batch at `place`, with as many of its records as can be followed.
pub fn batch(place: Place, bytes: &mut [u8]) {
    batch_header(bytes);
    let places: Vec<usize> = records(bytes).collect();
    for at in places {
        record(place.at(place.offset_bytes + at as u32), &mut bytes[at..]);
    }
}
