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
            Ok(()) | Err(StoreError::Disk(_)) => {}
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
        for (location, record) in &batch.records {
            if is_live(core, record, *location) {
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

fn is_live<W: World>(core: &Core<W>, record: &Record<'_>, location: Location) -> bool {
    let table = core.table.borrow();
    record.kind == RecordKind::Put
        && table
            .find(record.key)
            .is_some_and(|partition| partition.index.get(record.key) == Some(location))
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
            rescued.extend(of_stretch(core, entries, stretch, from_bytes, &block));
        }
    }
    Ok(rescued)
}

/// The live records of a stretch, whose bytes from `from_bytes` on are at hand.
fn of_stretch<W: World>(
    core: &Core<W>,
    entries: &[(Bytes, Location)],
    stretch: &Stretch,
    from_bytes: usize,
    block: &[u8],
) -> Vec<Rescued> {
    let base = core.segments.borrow().place(stretch.segment, 0);
    let rescue = |&position: &usize| {
        let (key, location) = &entries[position];
        let at = location.offset_bytes();
        let record = Record::decode(base.at(at), block.get(at as usize - from_bytes..)?).ok()?;
        (record.key == key && is_live(core, &record, *location)).then(|| Rescued {
            key: key.clone(),
            value: Bytes::copy_from_slice(record.value),
            version: record.version,
            from: *location,
        })
    };
    stretch.entries.iter().filter_map(rescue).collect()
}
