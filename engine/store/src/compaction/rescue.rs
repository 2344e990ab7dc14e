//! Rescue: live records, read from where they stand, by segment or by key. Not what becomes of them.

use bytes::Bytes;
use flywheel_disk::World;
use futures_util::future::join_all;

use super::pace::Pace;
use crate::core::Core;
use crate::error::StoreError;
use crate::format::record::{Record, RecordKind};
use crate::format::segment::CONTENT_AT;
use crate::index::Location;
use crate::scan::{Stretch, coalesce};
use crate::segment_reader::{decode_batch, read_range};

/// Bytes of a victim brought in one slice.
const SLICE_BYTES: u32 = 1 << 20;

/// Reads in flight while the records of a key range are brought.
const READS_AT_ONCE: usize = 8;

/// A live record taken from its place.
pub(super) struct Rescued {
    pub(super) key: Bytes,
    pub(super) value: Bytes,
    pub(super) version: u64,
    pub(super) from: Location,
}

/// Copies the live records of segments. One that cannot be read must not keep the others from being
/// freed.
pub(super) async fn of_segments<W: World>(
    core: &Core<W>,
    victims: &[u16],
    pace: &mut Pace,
) -> Result<Vec<Rescued>, StoreError> {
    let mut rescued = Vec::new();
    for &victim in victims {
        match of_segment(core, victim, &mut rescued, pace).await {
            Ok(()) | Err(StoreError::Disk(_) | StoreError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(rescued)
}

async fn of_segment<W: World>(
    core: &Core<W>,
    victim: u16,
    rescued: &mut Vec<Rescued>,
    pace: &mut Pace,
) -> Result<(), StoreError> {
    let content = read_paced(core, victim, pace).await?;
    let base = core.segments.borrow().place(victim, CONTENT_AT);
    let mut at = 0;
    // Batches stand one behind the other; what is behind the last one was never acknowledged.
    while let Some(rest) = content.get(at..).filter(|rest| !rest.is_empty()) {
        let Ok(batch) = decode_batch(base.at(base.offset_bytes + at as u32), rest) else { break };
        core.bring_keys(batch.records.iter().map(|(_, record)| record.key)).await;
        for (location, record) in &batch.records {
            if is_live(core, record, *location).await? {
                rescued.push(Rescued {
                    key: content.slice_ref(record.key),
                    value: content.slice_ref(record.value),
                    version: record.version,
                    from: *location,
                });
            }
        }
        at += batch.header.batch_bytes();
        core.world.yield_if_needed().await;
    }
    Ok(())
}

async fn is_live<W: World>(
    core: &Core<W>,
    record: &Record<'_>,
    location: Location,
) -> Result<bool, StoreError> {
    if record.kind != RecordKind::Put {
        return Ok(false);
    }
    match core.locate(record.key).await {
        Err(StoreError::NotOwned) => Ok(false),
        found => Ok(found? == Some(location)),
    }
}

async fn read_paced<W: World>(
    core: &Core<W>,
    victim: u16,
    pace: &mut Pace,
) -> Result<Bytes, StoreError> {
    let file = core.segments.borrow().get(victim).file.clone();
    let segment_bytes = core.options.segment_bytes;
    let mut content = Vec::with_capacity((segment_bytes - CONTENT_AT) as usize);
    let mut at = CONTENT_AT;
    while at < segment_bytes {
        let to = (at + SLICE_BYTES).min(segment_bytes);
        content.extend_from_slice(&read_range(&*file, at, to).await?);
        core.counters.compaction_bytes_read.add(u64::from(to - at));
        pace.worked(core, u64::from(to - at)).await?;
        at = to;
    }
    Ok(Bytes::from(content))
}

/// Copies the records of a key range that are still where the index said. What cannot be read stays
/// where it is.
pub(super) async fn of_entries<W: World>(
    core: &Core<W>,
    entries: &[(Bytes, Location)],
    pace: &mut Pace,
) -> Result<Vec<Rescued>, StoreError> {
    let mut rescued = Vec::with_capacity(entries.len());
    for stretches in coalesce(entries, (0..entries.len()).collect()).chunks(READS_AT_ONCE) {
        let reads = stretches.iter().map(|stretch| core.read_stretch(stretch));
        for (stretch, block) in stretches.iter().zip(join_all(reads).await) {
            let Ok((from_bytes, block)) = block else {
                core.counters.compaction_faults.add(1);
                continue;
            };
            core.counters.compaction_bytes_read.add(block.len() as u64);
            pace.worked(core, block.len() as u64).await?;
            of_stretch(core, entries, stretch, (from_bytes, &*block), &mut rescued).await?;
        }
    }
    Ok(rescued)
}

/// Copies the live records of a stretch, whose bytes from an offset on are at hand.
async fn of_stretch<W: World>(
    core: &Core<W>,
    entries: &[(Bytes, Location)],
    stretch: &Stretch,
    (from_bytes, block): (usize, &[u8]),
    rescued: &mut Vec<Rescued>,
) -> Result<(), StoreError> {
    let base = core.segments.borrow().place(stretch.segment, 0);
    core.bring_keys(stretch.entries.iter().map(|&position| &*entries[position].0)).await;
    for &position in &stretch.entries {
        let (key, location) = &entries[position];
        let at = location.offset_bytes();
        let bytes = block.get(at as usize - from_bytes..).unwrap_or_default();
        let Ok(record) = Record::decode(base.at(at), bytes) else { continue };
        if record.key == key && is_live(core, &record, *location).await? {
            rescued.push(Rescued {
                key: key.clone(),
                value: Bytes::copy_from_slice(record.value),
                version: record.version,
                from: *location,
            });
        }
    }
    Ok(())
}
