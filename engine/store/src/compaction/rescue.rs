//! Rescue: live records, read from where they stand, by segment or by key. Not what becomes of them.

use bytes::{Bytes, BytesMut};
use flywheel_disk::World;
use flywheel_disk::limits::BLOCK_BYTES;
use futures_util::future::join_all;

use super::pace::Pace;
use crate::core::Core;
use crate::error::StoreError;
use crate::format::batch::BatchHeader;
use crate::format::place::Place;
use crate::format::record::{Record, RecordKind};
use crate::format::segment::CONTENT_AT;
use crate::index::Location;
use crate::scan::{Stretch, coalesce};
use crate::segment_reader::{decode_batch, read_onto};

/// Most bytes of a victim that are brought at a time.
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

impl Rescued {
    /// Copies a record, key and value in one piece.
    fn new(record: &Record<'_>, from: Location) -> Self {
        let mut bytes = BytesMut::with_capacity(record.key.len() + record.value.len());
        bytes.extend_from_slice(record.key);
        bytes.extend_from_slice(record.value);
        let key = bytes.split_to(record.key.len()).freeze();
        Self { key, value: bytes.freeze(), version: record.version, from }
    }
}

/// Copies the live records of segments. One that cannot be read must not keep the others from being
/// freed.
pub(super) async fn of_segments<W: World>(
    core: &Core<W>,
    victims: &[u16],
    pace: &mut Pace,
) -> Result<Vec<Rescued>, StoreError> {
    let (mut rescued, mut window) = (Vec::new(), Vec::new());
    for &victim in victims {
        window.clear();
        match of_segment(core, victim, &mut window, &mut rescued, pace).await {
            Ok(()) | Err(StoreError::Disk(_) | StoreError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(rescued)
}

/// Goes through a segment with a window on it, whose memory is used again for the next: as much fresh
/// memory for each would cost the core milliseconds at a time.
async fn of_segment<W: World>(
    core: &Core<W>,
    victim: u16,
    window: &mut Vec<u8>,
    rescued: &mut Vec<Rescued>,
    pace: &mut Pace,
) -> Result<(), StoreError> {
    let file = core.segments.borrow().get(victim).file.clone();
    let segment_bytes = core.options.segment_bytes;
    // In the small segments of tests, too, batches reach over the end of a slice.
    let slice_bytes = (segment_bytes / 8).next_multiple_of(BLOCK_BYTES as u32).min(SLICE_BYTES);
    let mut read_to = CONTENT_AT;
    while read_to < segment_bytes {
        let to = (read_to + slice_bytes).min(segment_bytes);
        read_onto(&*file, read_to, to, window).await?;
        core.counters.compaction_bytes_read.add(u64::from(to - read_to));
        pace.worked(core, u64::from(to - read_to)).await?;
        read_to = to;
        let begins = core.segments.borrow().place(victim, to - window.len() as u32);
        let Some(done_bytes) = of_window(core, begins, window, rescued).await? else {
            return Ok(());
        };
        window.drain(..done_bytes);
    }
    Ok(())
}

/// Copies the live records of the batches that stand whole in a window, and says how many bytes they are;
/// `None` once there are no more batches.
async fn of_window<W: World>(
    core: &Core<W>,
    begins: Place,
    window: &[u8],
    rescued: &mut Vec<Rescued>,
) -> Result<Option<usize>, StoreError> {
    let mut at = 0;
    // Batches stand one behind the other; what is behind the last one was never acknowledged.
    while let Some(rest) = window.get(at..).filter(|rest| !rest.is_empty()) {
        let place = begins.at(begins.offset_bytes + at as u32);
        let Ok(header) = BatchHeader::decode(place, rest) else { return Ok(None) };
        if header.batch_bytes() > rest.len() {
            break;
        }
        let Ok(batch) = decode_batch(place, rest) else { return Ok(None) };
        core.bring_keys(batch.records.iter().map(|(_, record)| record.key)).await;
        for (location, record) in &batch.records {
            if is_live(core, record, *location).await? {
                rescued.push(Rescued::new(record, *location));
            }
        }
        at += header.batch_bytes();
        core.world.yield_if_needed().await;
    }
    Ok(Some(at))
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
            rescued.push(Rescued::new(&record, *location));
        }
    }
    Ok(())
}
