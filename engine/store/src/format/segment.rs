//! A segment's first block: whose it is and which life it lives. The rest of the file is batches or
//! checkpoint chunks, see their rooms.
//!
//! ```text
//!  0       8         12      16      18        20              24     32           40       50
//! +-------+---------+-------+-------+---------+---------------+------+------------+--------+-------+
//! | magic | version | crc32 | shard | segment | segment bytes | life | generation | before | zeros
//! +-------+---------+-------+-------+---------+---------------+------+------------+--------+-------+
//! ```
//! *Generation* is that of the newest superblock when this life began: the segment was free as of
//! that one. Recovery from an older superblock would miss what stood here before.
//! *Before* is a segment (u16) and its life (u64): the last that began before this one, durably. A
//! file that was lost, or that came back as it was in an earlier life, is told by it.
//! The block is overwritten, durably, each time the segment is recycled; its life rises each time.

use flywheel_disk::limits::BLOCK_BYTES;

use super::cursor::{Cursor, Put};
use super::{Damage, FORMAT_VERSION};

/// The first bytes of every segment file.
pub const MAGIC: [u8; 8] = *b"FLYWHEEL";

/// Bytes of the fields under the checksum.
const COVERED_BYTES: usize = 2 + 2 + 4 + 8 + 8 + (2 + 8);

/// Where a segment's content begins: after this block.
pub const CONTENT_AT: u32 = BLOCK_BYTES as u32;

/// A segment's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The shard that owns the file.
    pub shard: u16,
    /// The segment's number in its shard.
    pub segment: u16,
    /// Length of the file.
    pub segment_bytes: u32,
    /// Which life: 0 for a segment that was never used.
    pub life: u64,
    /// The newest superblock when this life began.
    pub generation: u64,
    /// The segment whose life began last before this one, and that life; 0 and 0 for the first.
    pub before: (u16, u64),
}

/// What the first block of a segment file says.
#[derive(Debug, PartialEq, Eq)]
pub enum FirstBlock {
    /// All zero: created, never used.
    Blank,
    /// In some life.
    Header(SegmentHeader),
    /// Ours, of another version of the format.
    OtherVersion(u32),
}

impl SegmentHeader {
    /// Encodes at the front of `out`.
    pub fn encode(&self, out: &mut [u8]) {
        let mut fields = Vec::with_capacity(COVERED_BYTES);
        fields.put_u16(self.shard);
        fields.put_u16(self.segment);
        fields.put_u32(self.segment_bytes);
        fields.put_u64(self.life);
        fields.put_u64(self.generation);
        fields.put_u16(self.before.0);
        fields.put_u64(self.before.1);
        let mut bytes = MAGIC.to_vec();
        bytes.put_u32(FORMAT_VERSION);
        bytes.put_u32(crc32fast::hash(&fields));
        bytes.extend_from_slice(&fields);
        out[..bytes.len()].copy_from_slice(&bytes);
    }
}

impl FirstBlock {
    /// Decodes a segment file's first block.
    ///
    /// # Errors
    /// [`Damage`] if it is neither blank nor a header.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        if bytes.iter().all(|&byte| byte == 0) {
            return Ok(FirstBlock::Blank);
        }
        let mut cursor = Cursor::new(bytes);
        if cursor.take(MAGIC.len())? != MAGIC {
            return Err(Damage::new("not a segment of Flywheel"));
        }
        let version = cursor.u32()?;
        if version != FORMAT_VERSION {
            return Ok(FirstBlock::OtherVersion(version));
        }
        let stored = cursor.u32()?;
        let covered = cursor.take(COVERED_BYTES)?;
        let computed = crc32fast::hash(covered);
        if stored != computed {
            let what =
                format!("segment header checksum {stored:08x} stored, {computed:08x} computed");
            return Err(Damage::new(what));
        }
        let mut fields = Cursor::new(covered);
        Ok(FirstBlock::Header(SegmentHeader {
            shard: fields.u16()?,
            segment: fields.u16()?,
            segment_bytes: fields.u32()?,
            life: fields.counter()?,
            generation: fields.counter()?,
            before: (fields.u16()?, fields.counter()?),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_written_and_blank_is_blank() {
        let header = SegmentHeader {
            shard: 1,
            segment: 7,
            segment_bytes: 1 << 20,
            life: 12,
            generation: 3,
            before: (4, 11),
        };
        let mut block = vec![0; BLOCK_BYTES];
        assert_eq!(FirstBlock::decode(&block), Ok(FirstBlock::Blank));
        header.encode(&mut block);
        assert_eq!(FirstBlock::decode(&block), Ok(FirstBlock::Header(header)));
        block[8] = 99;
        assert_eq!(FirstBlock::decode(&block), Ok(FirstBlock::OtherVersion(99)));
        block[8] = FORMAT_VERSION as u8;
        block[30] ^= 1;
        assert!(FirstBlock::decode(&block).is_err());
    }
}
