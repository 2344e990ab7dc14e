//! Checkpoint chunks: the index as it was at one batch of the log, in key order. Not the log and not
//! needed for reading: recovery loads it and replays the log behind it.
//!
//! ```text
//!  0       4       8      16       20              24
//! +-------+-------+------+--------+---------------+------------------------------+
//! | magic | crc32 | life | number | payload bytes | payload ...   zeros to 4096 |
//! +-------+-------+------+--------+---------------+------------------------------+
//! ```
//! Chunks are numbered over the whole checkpoint and stand alone: a payload holds whole elements,
//! each a tag byte and its fields.
//!
//! - `1` partition: its spec. Entries that follow, in this chunk and the next, are its own.
//! - `2` entry: u16 bytes shared with the entry before in this chunk, u16 further bytes, those, and
//!   six bytes of location.
//! - `3` end: u64 entries in all. The last element.
//! - `4` segment: u16 segment, u64 life: entries point into this life of it. Before the partitions.

use flywheel_disk::limits::BLOCK_BYTES;

use super::cursor::{Cursor, Put};
use super::meta::{decode_location, decode_spec, encode_spec};
use super::{Damage, round_up};
use crate::index::Location;
use crate::limits::MAX_KEY_BYTES;
use crate::types::PartitionSpec;

/// The first bytes of every chunk.
pub const MAGIC: u32 = u32::from_le_bytes(*b"FWC1");

const HEADER_BYTES: usize = 24;
const PARTITION: u8 = 1;
const ENTRY: u8 = 2;
const END: u8 = 3;
const SEGMENT: u8 = 4;

/// An element of a checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// The entries that follow are this partition's.
    Partition(PartitionSpec),
    /// A key and where its record stands.
    Entry(&'a [u8], Location),
    /// Entries point into this life of a segment.
    Segment(u16, u64),
    /// Nothing follows; so many entries came before.
    End(u64),
}

/// Forms one chunk after another.
#[derive(Debug)]
pub struct ChunkWriter {
    full_at_bytes: usize,
    payload: Vec<u8>,
    previous_key: Vec<u8>,
}

impl ChunkWriter {
    /// Chunks are full once their payload has reached so many bytes.
    pub fn new(full_at_bytes: usize) -> Self {
        Self { full_at_bytes, payload: Vec::new(), previous_key: Vec::new() }
    }

    /// Whether the chunk should be closed before more is added.
    pub fn is_full(&self) -> bool {
        self.payload.len() >= self.full_at_bytes
    }

    /// Adds an element.
    pub fn push(&mut self, element: &Element<'_>) {
        match element {
            Element::Partition(spec) => {
                self.payload.put_u8(PARTITION);
                encode_spec(spec, &mut self.payload);
                self.previous_key.clear();
            }
            Element::Entry(key, location) => {
                let shared = common_prefix(&self.previous_key, key);
                self.payload.put_u8(ENTRY);
                self.payload.put_u16(shared as u16);
                self.payload.put_short(&key[shared..]);
                self.payload.extend_from_slice(&location.to_bytes());
                self.previous_key.truncate(shared);
                self.previous_key.extend_from_slice(&key[shared..]);
            }
            Element::Segment(segment, life) => {
                self.payload.put_u8(SEGMENT);
                self.payload.put_u16(*segment);
                self.payload.put_u64(*life);
            }
            Element::End(entries) => {
                self.payload.put_u8(END);
                self.payload.put_u64(*entries);
            }
        }
    }

    /// The chunk's length on the medium.
    pub fn encoded_bytes(&self) -> usize {
        round_up(HEADER_BYTES + self.payload.len(), BLOCK_BYTES)
    }

    /// Encodes the chunk at the front of `out`, whose bytes are zero, and begins the next.
    pub fn encode(&mut self, life: u64, number: u32, out: &mut [u8]) {
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.put_u64(life);
        header.put_u32(number);
        header.put_u32(self.payload.len() as u32);
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&header);
        hasher.update(&self.payload);
        out[..4].copy_from_slice(&MAGIC.to_le_bytes());
        out[4..8].copy_from_slice(&hasher.finalize().to_le_bytes());
        out[8..HEADER_BYTES].copy_from_slice(&header);
        out[HEADER_BYTES..HEADER_BYTES + self.payload.len()].copy_from_slice(&self.payload);
        self.payload.clear();
        self.previous_key.clear();
    }
}

/// A chunk that was read and found whole.
#[derive(Debug)]
pub struct Chunk<'a> {
    payload: Cursor<'a>,
    key: Vec<u8>,
    /// Bytes of the chunk on the medium.
    pub encoded_bytes: usize,
}

impl std::fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursor")
    }
}

impl<'a> Chunk<'a> {
    /// Checks the chunk at the front of `bytes`, which may go on beyond it.
    ///
    /// # Errors
    /// [`Damage`] if it is not chunk `number` of a checkpoint in this life of its segment.
    pub fn decode(life: u64, number: u32, bytes: &'a [u8]) -> Result<Self, Damage> {
        let mut cursor = Cursor::new(bytes);
        let magic = cursor.u32()?;
        if magic != MAGIC {
            let what = format!("a checkpoint chunk ({MAGIC:08x}) expected, found {magic:08x}");
            return Err(Damage::new(what));
        }
        let stored = cursor.u32()?;
        let header = cursor.take(HEADER_BYTES - 8)?;
        let mut fields = Cursor::new(header);
        let (found_life, found_number) = (fields.u64()?, fields.u32()?);
        let payload = cursor.take(fields.u32()? as usize)?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(header);
        hasher.update(payload);
        let computed = hasher.finalize();
        if stored != computed {
            let what = format!("chunk checksum {stored:08x} stored, {computed:08x} computed");
            return Err(Damage::new(what));
        }
        if (found_life, found_number) != (life, number) {
            return Err(Damage::new(format!(
                "chunk {number} of life {life} expected, found {found_number} of {found_life}"
            )));
        }
        let encoded_bytes = round_up(HEADER_BYTES + payload.len(), BLOCK_BYTES);
        Ok(Self { payload: Cursor::new(payload), key: Vec::new(), encoded_bytes })
    }

    /// The next element, or `None` at the end of the chunk.
    ///
    /// # Errors
    /// [`Damage`] if the payload is not made of elements.
    pub fn next_element(&mut self) -> Result<Option<Element<'_>>, Damage> {
        if self.payload.is_empty() {
            return Ok(None);
        }
        let element = match self.payload.u8()? {
            PARTITION => {
                self.key.clear();
                Element::Partition(decode_spec(&mut self.payload)?)
            }
            ENTRY => {
                let shared = usize::from(self.payload.u16()?);
                let further = usize::from(self.payload.u16()?);
                if shared > self.key.len() || shared + further > MAX_KEY_BYTES {
                    return Err(Damage::new(format!(
                        "a key of {shared} shared and {further} bytes"
                    )));
                }
                self.key.truncate(shared);
                self.key.extend_from_slice(self.payload.take(further)?);
                let location = decode_location(&mut self.payload)?;
                Element::Entry(&self.key, location)
            }
            SEGMENT => Element::Segment(self.payload.u16()?, self.payload.u64()?),
            END => Element::End(self.payload.u64()?),
            other => return Err(Damage::new(format!("an element's tag 1 to 4, found {other}"))),
        };
        Ok(Some(element))
    }
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{PartitionId, PartitionState};
    use bytes::Bytes;

    fn chunk() -> Vec<u8> {
        let mut writer = ChunkWriter::new(1 << 10);
        writer.push(&Element::Segment(1, 6));
        writer.push(&Element::Partition(PartitionSpec {
            id: PartitionId(1),
            ownership_epoch: 1,
            start: Bytes::new(),
            end: None,
            state: PartitionState::Serving,
        }));
        writer.push(&Element::Entry(b"user1", Location::new(1, 4160, 100)));
        writer.push(&Element::Entry(b"user22", Location::new(1, 4272, 100)));
        writer.push(&Element::End(2));
        let mut bytes = vec![0; writer.encoded_bytes()];
        writer.encode(7, 3, &mut bytes);
        bytes
    }

    #[test]
    fn elements_come_back_in_order() {
        let bytes = chunk();
        let mut chunk = Chunk::decode(7, 3, &bytes).expect("whole");
        assert_eq!(chunk.next_element(), Ok(Some(Element::Segment(1, 6))));
        assert!(matches!(chunk.next_element(), Ok(Some(Element::Partition(_)))));
        assert_eq!(
            chunk.next_element(),
            Ok(Some(Element::Entry(b"user1", Location::new(1, 4160, 100))))
        );
        assert_eq!(
            chunk.next_element(),
            Ok(Some(Element::Entry(b"user22", Location::new(1, 4272, 100))))
        );
        assert_eq!(chunk.next_element(), Ok(Some(Element::End(2))));
        assert_eq!(chunk.next_element(), Ok(None));
    }

    #[test]
    fn another_life_number_or_bit_is_noticed() {
        let good = chunk();
        assert!(Chunk::decode(8, 3, &good).is_err());
        assert!(Chunk::decode(7, 4, &good).is_err());
        for bit in 0..(HEADER_BYTES + 60) * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Chunk::decode(7, 3, &bad).is_err(), "bit {bit} flipped unnoticed");
        }
    }
}
