//! Meta records: changes of the store itself, kept in the log's own order. Not about items.
//!
//! Each is the value of a record of kind `Meta`: one tag byte, then fields in order, little-endian,
//! keys as u16 length and bytes.

use bytes::Bytes;

use super::Damage;
use super::cursor::{Cursor, Put};
use super::place::Place;
use crate::index::Location;
use crate::types::{PartitionId, PartitionSpec, PartitionState};

/// A change of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meta {
    /// A partition begins to exist.
    Create(PartitionSpec),
    /// A partition is cut in two: the left part keeps the name.
    Split {
        /// The partition cut.
        id: PartitionId,
        /// First key of the right part.
        at: Bytes,
        /// Name of the right part.
        right: PartitionId,
    },
    /// A moved partition begins to be served here.
    Activate {
        /// The partition.
        id: PartitionId,
        /// Its new ownership epoch.
        ownership_epoch: u64,
    },
    /// A partition and all its items are no longer here.
    Drop(PartitionId),
    /// Compaction wrote a run; each of its records replaces the one at the old location, if the
    /// index still points there at this point of the log.
    Relocate {
        /// Where the run's batch begins.
        run: Place,
        /// Old locations, in the order of the run's records.
        from: Vec<Location>,
    },
}

const CREATE: u8 = 1;
const SPLIT: u8 = 2;
const ACTIVATE: u8 = 3;
const DROP: u8 = 4;
const RELOCATE: u8 = 5;

impl Meta {
    /// The record's value.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(64);
        match self {
            Meta::Create(spec) => {
                out.put_u8(CREATE);
                encode_spec(spec, &mut out);
            }
            Meta::Split { id, at, right } => {
                out.put_u8(SPLIT);
                out.put_u64(id.0);
                out.put_u64(right.0);
                out.put_short(at);
            }
            Meta::Activate { id, ownership_epoch } => {
                out.put_u8(ACTIVATE);
                out.put_u64(id.0);
                out.put_u64(*ownership_epoch);
            }
            Meta::Drop(id) => {
                out.put_u8(DROP);
                out.put_u64(id.0);
            }
            Meta::Relocate { run, from } => {
                out.put_u8(RELOCATE);
                out.put_u16(run.segment);
                out.put_u64(run.life);
                out.put_u32(run.offset_bytes);
                from.iter().for_each(|location| out.extend_from_slice(&location.to_bytes()));
            }
        }
        Bytes::from(out)
    }

    /// Decodes a record's value.
    ///
    /// # Errors
    /// [`Damage`] if it is not a meta record's value.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let mut cursor = Cursor::new(bytes);
        let meta = match cursor.u8()? {
            CREATE => Meta::Create(decode_spec(&mut cursor)?),
            SPLIT => {
                let (id, right) = (PartitionId(cursor.u64()?), PartitionId(cursor.u64()?));
                Meta::Split { id, right, at: cursor.short()? }
            }
            ACTIVATE => {
                let id = PartitionId(cursor.u64()?);
                Meta::Activate { id, ownership_epoch: cursor.u64()? }
            }
            DROP => Meta::Drop(PartitionId(cursor.u64()?)),
            RELOCATE => {
                let (segment, life) = (cursor.u16()?, cursor.u64()?);
                let run = Place { segment, life, offset_bytes: cursor.u32()? };
                let mut from = Vec::new();
                while !cursor.is_empty() {
                    from.push(decode_location(&mut cursor)?);
                }
                Meta::Relocate { run, from }
            }
            other => return Err(Damage::new(format!("a meta record's tag 1 to 5, found {other}"))),
        };
        if !cursor.is_empty() {
            return Err(Damage::new("bytes after the end of a meta record"));
        }
        Ok(meta)
    }
}

pub(super) fn decode_location(cursor: &mut Cursor<'_>) -> Result<Location, Damage> {
    let bytes = cursor.take(Location::ENCODED_LEN)?;
    Ok(Location::from_bytes(bytes.try_into().expect("exactly that many bytes were taken")))
}

pub(super) fn encode_spec(spec: &PartitionSpec, out: &mut Vec<u8>) {
    out.put_u64(spec.id.0);
    out.put_u64(spec.ownership_epoch);
    out.put_u8(match spec.state {
        PartitionState::Importing => 0,
        PartitionState::Serving => 1,
    });
    out.put_short(&spec.start);
    out.put_u8(spec.end.is_some().into());
    out.put_short(spec.end.as_deref().unwrap_or_default());
}

pub(super) fn decode_spec(cursor: &mut Cursor<'_>) -> Result<PartitionSpec, Damage> {
    let (id, ownership_epoch) = (PartitionId(cursor.u64()?), cursor.u64()?);
    let state = match cursor.u8()? {
        0 => PartitionState::Importing,
        1 => PartitionState::Serving,
        other => return Err(Damage::new(format!("a partition state 0 or 1, found {other}"))),
    };
    let start = cursor.short()?;
    let bounded = cursor.u8()? != 0;
    let end = cursor.short()?;
    Ok(PartitionSpec { id, ownership_epoch, start, end: bounded.then_some(end), state })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Meta> {
        let spec = PartitionSpec {
            id: PartitionId(4),
            ownership_epoch: 2,
            start: Bytes::from_static(b"a"),
            end: Some(Bytes::from_static(b"m")),
            state: PartitionState::Importing,
        };
        vec![
            Meta::Create(spec.clone()),
            Meta::Create(PartitionSpec { end: None, state: PartitionState::Serving, ..spec }),
            Meta::Split { id: PartitionId(1), at: Bytes::from_static(b"k"), right: PartitionId(2) },
            Meta::Activate { id: PartitionId(3), ownership_epoch: 9 },
            Meta::Drop(PartitionId(5)),
            Meta::Relocate {
                run: Place { segment: 1, life: 2, offset_bytes: 4096 },
                from: vec![Location::new(3, 4160, 1104), Location::new(4, 8192, 64)],
            },
        ]
    }

    #[test]
    fn come_back_as_written() {
        for meta in samples() {
            assert_eq!(Meta::decode(&meta.encode()), Ok(meta));
        }
    }

    #[test]
    fn truncations_are_damage() {
        for meta in samples() {
            let bytes = meta.encode();
            // A relocation cut after a whole location is shorter, not damaged: the record around it
            // has a checksum, and recovery compares the count with the run's.
            let whole = |length: usize| {
                matches!(&meta, Meta::Relocate { .. })
                    && length >= 15
                    && (length - 15).is_multiple_of(6)
            };
            for length in (0..bytes.len()).filter(|&length| !whole(length)) {
                assert!(Meta::decode(&bytes[..length]).is_err(), "{meta:?} cut at {length}");
            }
        }
    }
}
