//! The superblock: where recovery begins. Two slots written in turn, so that one is whole whatever
//! happens to the other.
//!
//! ```text
//!  0       8         12      16      18     20              24           32
//! +-------+---------+-------+-------+------+---------------+------------+------------------+
//! | magic | version | crc32 | shard | zero | segment bytes | generation | replay from ...  |
//! +-------+---------+-------+-------+------+---------------+------------+------------------+
//! | replay: segment u16, life u64, offset u32, number u64 | next version u64
//! | checkpoint segments: count u16, then (segment u16, life u64) each   | zeros to 4096
//! ```
//! The slot with the higher generation counts. Each generation has its slot: one found in the other is
//! a misplaced copy, and damage.

use flywheel_disk::limits::BLOCK_BYTES;

use super::cursor::{Cursor, Put};
use super::place::Place;
use super::segment::CONTENT_AT;
use super::{Damage, FORMAT_VERSION};
use crate::limits::{MAX_CHECKPOINT_SEGMENTS, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES};

/// The first bytes of every slot.
pub const MAGIC: [u8; 8] = *b"FWSUPER1";

/// Slots in the file, one block each.
pub const SLOTS: u64 = 2;

const COVERED_AT: usize = 16;

/// Where recovery begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superblock {
    /// The shard that owns the directory.
    pub shard: u16,
    /// Length of each segment file.
    pub segment_bytes: u32,
    /// Rises with each superblock written.
    pub generation: u64,
    /// Where the first batch behind the checkpoint stands or would stand.
    pub replay_from: Place,
    /// Number of the last batch that the checkpoint holds.
    pub number: u64,
    /// Versions below this one are taken.
    pub next_version: u64,
    /// The checkpoint's segments and their lives, in order; none before the first checkpoint.
    pub checkpoint: Vec<(u16, u64)>,
}

const _: () = assert!(64 + MAX_CHECKPOINT_SEGMENTS * 10 <= BLOCK_BYTES);

impl Superblock {
    /// Where in the file a generation's slot stands.
    pub fn slot_at(generation: u64) -> u64 {
        generation % SLOTS * BLOCK_BYTES as u64
    }

    /// Encodes at the front of `out`, a block of zeros.
    pub fn encode(&self, out: &mut [u8]) {
        let mut fields = Vec::with_capacity(BLOCK_BYTES);
        fields.put_u16(self.shard);
        fields.put_u16(0);
        fields.put_u32(self.segment_bytes);
        fields.put_u64(self.generation);
        fields.put_u16(self.replay_from.segment);
        fields.put_u64(self.replay_from.life);
        fields.put_u32(self.replay_from.offset_bytes);
        fields.put_u64(self.number);
        fields.put_u64(self.next_version);
        fields.put_u16(self.checkpoint.len() as u16);
        for &(segment, life) in &self.checkpoint {
            fields.put_u16(segment);
            fields.put_u64(life);
        }
        fields.resize(BLOCK_BYTES - COVERED_AT, 0);
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[12..COVERED_AT].copy_from_slice(&crc32fast::hash(&fields).to_le_bytes());
        out[COVERED_AT..BLOCK_BYTES].copy_from_slice(&fields);
    }

    /// The version of the format that a slot was written in, if it was written by another.
    pub fn other_version(bytes: &[u8]) -> Option<u32> {
        let version = bytes.strip_prefix(&MAGIC)?.first_chunk().map(|v| u32::from_le_bytes(*v))?;
        (version != FORMAT_VERSION).then_some(version)
    }

    /// Decodes the slot that stands at `slot_at`; `Ok(None)` if it was never written.
    ///
    /// # Errors
    /// [`Damage`] if it is neither blank nor a superblock of this version written to this slot.
    pub fn decode(slot_at: u64, bytes: &[u8]) -> Result<Option<Self>, Damage> {
        if bytes.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        let mut cursor = Cursor::new(bytes);
        if cursor.take(MAGIC.len())? != MAGIC {
            return Err(Damage::new("not a superblock of Flywheel"));
        }
        let version = cursor.u32()?;
        if version != FORMAT_VERSION {
            return Err(Damage::new(format!(
                "format version {version}, this build reads version {FORMAT_VERSION}"
            )));
        }
        let stored = cursor.u32()?;
        let covered = cursor.take(BLOCK_BYTES - COVERED_AT)?;
        let computed = crc32fast::hash(covered);
        if stored != computed {
            let what = format!("superblock checksum {stored:08x} stored, {computed:08x} computed");
            return Err(Damage::new(what));
        }
        let found = Self::decode_fields(&mut Cursor::new(covered))?;
        if Self::slot_at(found.generation) != slot_at {
            let what = format!("generation {} belongs into the other slot", found.generation);
            return Err(Damage::new(what));
        }
        Ok(Some(found))
    }

    fn decode_fields(fields: &mut Cursor<'_>) -> Result<Self, Damage> {
        let shard = fields.u16()?;
        fields.u16()?;
        let (segment_bytes, generation) = (fields.u32()?, fields.counter()?);
        let (segment, life) = (fields.u16()?, fields.counter()?);
        let replay_from = Place { segment, life, offset_bytes: fields.u32()? };
        check_sizes(segment_bytes, replay_from)?;
        let (number, next_version) = (fields.counter()?, fields.counter()?);
        let mut checkpoint = Vec::new();
        for _ in 0..fields.u16()? {
            checkpoint.push((fields.u16()?, fields.u64()?));
        }
        Ok(Self { shard, segment_bytes, generation, replay_from, number, next_version, checkpoint })
    }
}

/// Whether segments may be so long, and replay may begin there.
fn check_sizes(segment_bytes: u32, replay_from: Place) -> Result<(), Damage> {
    let is_whole = |bytes: u32| bytes.is_multiple_of(BLOCK_BYTES as u32);
    if !(MIN_SEGMENT_BYTES..=MAX_SEGMENT_BYTES).contains(&segment_bytes) || !is_whole(segment_bytes)
    {
        return Err(Damage::new(format!(
            "segments of {MIN_SEGMENT_BYTES} to {MAX_SEGMENT_BYTES} bytes expected, found {segment_bytes}"
        )));
    }
    let offset_bytes = replay_from.offset_bytes;
    if !(CONTENT_AT..=segment_bytes).contains(&offset_bytes) || !is_whole(offset_bytes) {
        return Err(Damage::new(format!("a replay from byte {offset_bytes} of a segment")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_written_and_damage_is_noticed() {
        let superblock = Superblock {
            shard: 1,
            segment_bytes: 1 << 20,
            generation: 6,
            replay_from: Place { segment: 3, life: 8, offset_bytes: 12288 },
            number: 77,
            next_version: 1000,
            checkpoint: vec![(4, 9), (5, 10)],
        };
        let mut block = vec![0; BLOCK_BYTES];
        assert_eq!(Superblock::decode(0, &block), Ok(None));
        superblock.encode(&mut block);
        assert_eq!(Superblock::decode(0, &block), Ok(Some(superblock)));
        assert!(Superblock::decode(BLOCK_BYTES as u64, &block).is_err(), "in the other's slot");
        for byte in 0..BLOCK_BYTES {
            let mut bad = block.clone();
            bad[byte] ^= 0x10;
            assert!(Superblock::decode(0, &bad).is_err(), "byte {byte} changed unnoticed");
        }
    }
}
