//! All whole records of all segments, the highest version of each key: what is left to do when no
//! checkpoint is whole. Keeps every key in memory with its version; not ordered by the log.

use std::collections::BTreeMap;

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_disk::limits::BLOCK_BYTES;

use super::LostRegion;
use super::files::{Files, read_leniently};
use crate::error::StoreError;
use crate::format::batch::BatchHeader;
use crate::format::place::Place;
use crate::format::record::{RECORD_ALIGNMENT_BYTES, Record, RecordKind};
use crate::format::segment::CONTENT_AT;
use crate::index::{Location, Tree};
use crate::partitions::PartitionTable;
use crate::segment_reader::decode_batch;
use crate::types::{PartitionId, PartitionSpec, PartitionState, Version};

/// What a scan found.
pub(super) struct Scanned {
    /// One partition of all keys.
    pub(super) table: PartitionTable,
    pub(super) next_version: Version,
    /// Batches that are not whole.
    pub(super) regions: Vec<LostRegion>,
}

pub(super) async fn scan<W: World>(world: &W, files: &Files<W>) -> Result<Scanned, StoreError> {
    let mut newest: BTreeMap<Bytes, (Version, Option<Location>)> = BTreeMap::new();
    let mut next_version = 1;
    let mut regions = Vec::new();
    for (segment, lived) in files.lived() {
        let base = Place { segment, life: lived.life, offset_bytes: CONTENT_AT };
        let content = read_leniently(world, &lived.file, CONTENT_AT, u32::MAX).await;
        regions.extend(torn_batches(files, base, &content));
        for (location, record) in whole_records(base, &content) {
            next_version = next_version.max(record.version + 1);
            let found = match record.kind {
                RecordKind::Put => Some(location),
                RecordKind::Tombstone => None,
                RecordKind::Meta => continue,
            };
            match newest.get_mut(record.key) {
                Some(known) if known.0 >= record.version => {}
                Some(known) => *known = (record.version, found),
                None => {
                    let key = Bytes::copy_from_slice(record.key);
                    newest.insert(key, (record.version, found));
                }
            }
        }
        world.yield_if_needed().await;
    }
    let mut index = Tree::new();
    for (key, (_, found)) in &newest {
        if let Some(location) = found {
            index.insert(key, *location);
        }
    }
    let mut table = PartitionTable::default();
    table.restore(everything(), index);
    Ok(Scanned { table, next_version, regions })
}

fn everything() -> PartitionSpec {
    PartitionSpec {
        id: PartitionId(0),
        ownership_epoch: 0,
        start: Bytes::new(),
        end: None,
        state: PartitionState::Serving,
    }
}

/// Every record in a stretch that is whole at its place, whatever stands around it. `bytes` begin at
/// `base`.
pub(super) fn whole_records(
    base: Place,
    bytes: &[u8],
) -> impl Iterator<Item = (Location, Record<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let place = base.at(base.offset_bytes + at as u32);
            if let Ok(record) = Record::decode(place, &bytes[at..]) {
                let length = record.encoded_bytes();
                at += length;
                let location = Location::new(place.segment, place.offset_bytes, length as u32);
                return Some((location, record));
            }
            at += RECORD_ALIGNMENT_BYTES;
        }
        None
    })
}

/// Batches whose header is whole and whose records are not all.
fn torn_batches<W: World>(files: &Files<W>, base: Place, content: &[u8]) -> Vec<LostRegion> {
    let mut torn = Vec::new();
    let mut at = 0;
    while at < content.len() {
        let place = base.at(base.offset_bytes + at as u32);
        let Ok(header) = BatchHeader::decode(place, &content[at..]) else {
            at += BLOCK_BYTES;
            continue;
        };
        if let Err(damage) = decode_batch(place, &content[at..]) {
            torn.push(LostRegion {
                file: files.path(place.segment),
                offset_bytes: place.offset_bytes.into(),
                end_bytes: u64::from(place.offset_bytes) + header.batch_bytes() as u64,
                what: damage.what,
                between_batches: None,
                between_versions: None,
            });
        }
        at += header.batch_bytes();
    }
    torn
}
