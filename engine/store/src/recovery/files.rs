//! The files of a store that is opened: which there are, whether they are ours, what their first
//! blocks say. Not what stands behind those: see `loading` and `chain`.

use std::path::Path;
use std::rc::Rc;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{DiskFault, File, World};

use crate::checkpoint::superblock_path;
use crate::error::StoreError;
use crate::format::FORMAT_VERSION;
use crate::format::place::Place;
use crate::format::segment::{CONTENT_AT, FirstBlock};
use crate::format::superblock::{SLOTS, Superblock};
use crate::limits::MAX_SEGMENTS;
use crate::options::StoreOptions;
use crate::segments::{SegmentState, Segments, segment_path};

/// Segments are numbered without gaps; a gap means that a file is missing.
pub(super) fn count_segments(directory: &Path, names: &[String]) -> Result<usize, StoreError> {
    let is_segment = |name: &&String| name.starts_with("segment-") && !name.contains('.');
    let numbers: Vec<&String> = names.iter().filter(is_segment).collect();
    for (number, name) in numbers.iter().enumerate() {
        let expected = segment_path(directory, number as u16);
        if number >= MAX_SEGMENTS || expected.file_name().is_none_or(|file| file != name.as_str()) {
            return Err(StoreError::Format {
                file: directory.display().to_string(),
                what: format!("{} expected, found {name}: a file is missing", expected.display()),
            });
        }
    }
    Ok(numbers.len())
}

/// The superblock's file and what its slots say.
pub(super) struct OpenedSuperblock<W: World> {
    pub(super) file: W::File,
    pub(super) newest: Superblock,
    /// The generation that stands whole in each slot.
    pub(super) slots: [Option<u64>; SLOTS as usize],
}

pub(super) async fn open_superblock<W: World>(
    world: &W,
    directory: &Path,
    options: &StoreOptions,
    segment_count: usize,
) -> Result<OpenedSuperblock<W>, StoreError> {
    let path = superblock_path(directory);
    let file = match world.open(&path).await {
        Ok(file) => file,
        Err(error) if error.fault == DiskFault::NotFound && segment_count == 0 => {
            world.create(&path, SLOTS * BLOCK_BYTES as u64).await?
        }
        Err(error) => return Err(error.into()),
    };
    let mut newest: Option<Superblock> = None;
    let mut damage = None;
    let mut slots = [None; SLOTS as usize];
    for slot in 0..SLOTS {
        let block = file.read(slot * BLOCK_BYTES as u64, BLOCK_BYTES).await?;
        if let Some(version) = Superblock::other_version(&block) {
            // The other slot may still be of ours: what it points to may be gone.
            return Err(StoreError::Format {
                file: path.display().to_string(),
                what: format!(
                    "slot {slot}: format version {version}, this build reads version {FORMAT_VERSION}"
                ),
            });
        }
        match Superblock::decode(&block) {
            Ok(found) => {
                slots[slot as usize] = found.as_ref().map(|found| found.generation);
                newest =
                    newest.into_iter().chain(found).max_by_key(|one: &Superblock| one.generation)
            }
            Err(found) => damage = Some((slot, found)),
        }
    }
    match (newest, damage) {
        // One slot may be torn: it was being written, and the other still counts.
        (Some(newest), _) => {
            // A process that crashed may have left it in the device's volatile cache, and what it
            // lets go of is about to be recycled.
            file.sync().await?;
            Ok(OpenedSuperblock { file, newest, slots })
        }
        (None, Some((slot, damage))) => Err(StoreError::Format {
            file: path.display().to_string(),
            what: format!("slot {slot}: {}", damage.what),
        }),
        (None, None) if segment_count == 0 => {
            let superblock = first_superblock(options);
            let mut block = world.buffer(BLOCK_BYTES);
            superblock.encode(&mut block);
            let slot = Superblock::slot_at(superblock.generation);
            file.write_durable(slot, block).await?;
            slots[(superblock.generation % SLOTS) as usize] = Some(superblock.generation);
            Ok(OpenedSuperblock { file, newest: superblock, slots })
        }
        (None, None) => Err(StoreError::Format {
            file: path.display().to_string(),
            what: "both slots are blank though there are segments".into(),
        }),
    }
}

fn first_superblock(options: &StoreOptions) -> Superblock {
    Superblock {
        shard: options.shard,
        segment_bytes: options.segment_bytes,
        generation: 1,
        replay_from: Place { segment: 0, life: 0, offset_bytes: CONTENT_AT },
        number: 0,
        next_version: 1,
        checkpoint: Vec::new(),
    }
}

pub(super) fn check_identity(
    directory: &Path,
    options: &StoreOptions,
    superblock: &Superblock,
) -> Result<(), StoreError> {
    if superblock.shard == options.shard {
        return Ok(());
    }
    Err(StoreError::Format {
        file: superblock_path(directory).display().to_string(),
        what: format!("shard {} expected, found shard {}", options.shard, superblock.shard),
    })
}

pub(super) async fn open_segments<W: World>(
    world: &W,
    directory: &Path,
    options: &StoreOptions,
    count: usize,
    generation: u64,
) -> Result<Segments<W>, StoreError> {
    let mut segments = Segments::new(options.segment_bytes);
    for number in 0..count as u16 {
        let path = segment_path(directory, number);
        let format_error =
            |what: String| StoreError::Format { file: path.display().to_string(), what };
        let file = world.open(&path).await?;
        if file.size_bytes() != u64::from(options.segment_bytes) {
            let (expected, found) = (options.segment_bytes, file.size_bytes());
            return Err(format_error(format!("{expected} bytes expected, found {found}")));
        }
        let block = file.read(0, BLOCK_BYTES).await?;
        let corrupt = |what: String| StoreError::Corrupt {
            file: path.display().to_string(),
            offset_bytes: 0,
            what,
        };
        let life = match FirstBlock::decode(&block) {
            Ok(FirstBlock::Blank) => {
                let content = file.read(CONTENT_AT.into(), BLOCK_BYTES).await?;
                if content.iter().any(|&byte| byte != 0) {
                    return Err(corrupt("a blank header before content that is not".into()));
                }
                0
            }
            Ok(FirstBlock::Header(header)) => {
                if (header.shard, header.segment) != (options.shard, number) {
                    let what = format!(
                        "segment {number} of shard {} expected, found {} of {}",
                        options.shard, header.segment, header.shard
                    );
                    return Err(format_error(what));
                }
                if header.generation > generation {
                    return Err(StoreError::Corrupt {
                        file: superblock_path(directory).display().to_string(),
                        offset_bytes: Superblock::slot_at(header.generation),
                        what: format!(
                            "generation {} or newer expected, since segment {number} was recycled \
                             under it; the newest found whole is {generation}",
                            header.generation
                        ),
                    });
                }
                header.life
            }
            Ok(FirstBlock::OtherVersion(version)) => {
                return Err(format_error(format!(
                    "format version {version}, this build reads version {FORMAT_VERSION}"
                )));
            }
            // Never torn by a power loss: it is one sector, and a sector is written or not. Passing
            // over it would lose what stands behind it, if that is the log's end.
            Err(damage) => return Err(corrupt(damage.what)),
        };
        segments.next_life = segments.next_life.max(life + 1);
        segments.add(Rc::new(file), life, SegmentState::Sealed);
    }
    Ok(segments)
}
