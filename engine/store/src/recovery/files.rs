//! The files of a store that is opened: which there are, whether they are ours, what their first
//! blocks say. Not what stands behind those: see `loading` and `chain`.

use std::path::Path;
use std::rc::Rc;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{DiskFault, File, World};

use crate::checkpoint::superblock_path;
use crate::error::StoreError;
use crate::format::FORMAT_VERSION;
use crate::format::batch::{BatchHeader, BatchKind};
use crate::format::place::Place;
use crate::format::segment::{CONTENT_AT, FirstBlock, SegmentHeader};
use crate::format::superblock::{SLOTS, Superblock};
use crate::limits::MAX_SEGMENTS;
use crate::options::StoreOptions;
use crate::segment_reader::read_agreed;
use crate::segments::{SegmentState, Segments, segment_path};

/// A segment's header and the first block behind it: what is read of each.
pub(super) const HEAD_BYTES: usize = CONTENT_AT as usize + BLOCK_BYTES;

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
pub(crate) struct OpenedSuperblock<W: World> {
    pub(crate) file: W::File,
    pub(crate) newest: Superblock,
    /// The generation that stands whole in each slot.
    pub(crate) slots: [Option<u64>; SLOTS as usize],
    /// What the file was read as.
    bytes: Vec<u8>,
}

impl<W: World> OpenedSuperblock<W> {
    /// Has both slots hold it, durably: the newest one as it is, and again in place of one that is not
    /// whole. What cannot be read today may be read tomorrow, and would then count before this one, when
    /// what it points to has long been reused.
    pub(super) async fn restate(&mut self, world: &W, directory: &Path) -> Result<(), StoreError> {
        let path = superblock_path(directory);
        // Two readings that agree may still be two that brought an older state.
        if read_slots(&path, &self.file).await? != self.bytes {
            return Err(corrupt(&path, 0, "it is not what it was read as before".into()));
        }
        self.write(world).await?;
        if self.slots.contains(&None) {
            self.newest.generation += 1;
            self.write(world).await?;
        }
        Ok(())
    }

    async fn write(&mut self, world: &W) -> Result<(), StoreError> {
        let generation = self.newest.generation;
        let mut block = world.buffer(BLOCK_BYTES);
        self.newest.encode(&mut block);
        self.file.write_durable(Superblock::slot_at(generation), block).await?;
        self.slots[(generation % SLOTS) as usize] = Some(generation);
        Ok(())
    }
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
    let bytes = read_slots(&path, &file).await?;
    for (slot, block) in bytes.chunks(BLOCK_BYTES).enumerate() {
        let slot_at = (slot * BLOCK_BYTES) as u64;
        if let Some(version) = Superblock::other_version(block) {
            // The other slot may still be of ours: what it points to may be gone.
            return Err(StoreError::Format {
                file: path.display().to_string(),
                what: format!(
                    "slot {slot}: format version {version}, this build reads version {FORMAT_VERSION}"
                ),
            });
        }
        match Superblock::decode(slot_at, block) {
            Ok(found) => {
                slots[slot] = found.as_ref().map(|found| found.generation);
                newest =
                    newest.into_iter().chain(found).max_by_key(|one: &Superblock| one.generation)
            }
            Err(found) => damage = Some((slot_at, found)),
        }
    }
    match (newest, damage) {
        // One slot may be torn: it was being written, and the other still counts.
        (Some(newest), _) => Ok(OpenedSuperblock { file, newest, slots, bytes }),
        (None, Some((slot_at, damage))) => Err(corrupt(&path, slot_at, damage.what)),
        (None, None) if segment_count == 0 => {
            let newest = first_superblock(options);
            Ok(OpenedSuperblock { file, newest, slots, bytes })
        }
        (None, None) => Err(StoreError::Format {
            file: path.display().to_string(),
            what: "both slots are blank though there are segments".into(),
        }),
    }
}

/// Both slots, as two readings agree on them: everything else follows from what they say.
async fn read_slots<F: File>(path: &Path, file: &F) -> Result<Vec<u8>, StoreError> {
    let expected = SLOTS * BLOCK_BYTES as u64;
    if file.size_bytes() != expected {
        let what = format!("{expected} bytes expected, found {}", file.size_bytes());
        return Err(StoreError::Format { file: path.display().to_string(), what });
    }
    let agreed = read_agreed(file, 0, expected as u32).await?;
    agreed.ok_or_else(|| corrupt(path, 0, "each reading differs from the one before".into()))
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

/// Opens all segments: each of the length, the shard, the number and the life that belong there.
pub(super) async fn open_segments<W: World>(
    world: &W,
    directory: &Path,
    options: &StoreOptions,
    count: usize,
    generation: u64,
) -> Result<Segments<W>, StoreError> {
    let mut segments: Segments<W> = Segments::new(options.segment_bytes);
    let mut befores = Vec::with_capacity(count);
    for number in 0..count as u16 {
        let path = segment_path(directory, number);
        let file = world.open(&path).await?;
        if file.size_bytes() != u64::from(options.segment_bytes) {
            let (expected, found) = (options.segment_bytes, file.size_bytes());
            let what = format!("{expected} bytes expected, found {found}");
            return Err(StoreError::Format { file: path.display().to_string(), what });
        }
        let head = file.read(0, HEAD_BYTES).await?;
        let header = decode_head(&path, options, number, &head)?;
        let life = header.map_or(0, |header| header.life);
        if let Some(header) = header {
            check_generation(directory, &header, generation)?;
            befores.push((number, header.before));
            if life >= segments.next_life {
                segments.next_life = life + 1;
                segments.last_begun = (number, life);
            }
        }
        segments.add(Rc::new(file), life, SegmentState::Sealed);
        let first = BatchHeader::decode_anywhere(&head[CONTENT_AT as usize..]);
        segments.get_mut(number).holds_runs =
            first.is_ok_and(|first| first.kind == BatchKind::Run && first.place.life == life);
    }
    check_befores(directory, &segments, &befores)?;
    Ok(segments)
}

/// Frees what nobody needs, if a second look at each still says so: a header that was read wrongly
/// makes the log's newest segment look like an old one, and what is free is overwritten.
pub(super) async fn free_unused<W: World>(
    directory: &Path,
    options: &StoreOptions,
    segments: &mut Segments<W>,
) -> Result<(), StoreError> {
    for number in segments.unused() {
        let (file, life) = (segments.get(number).file.clone(), segments.get(number).life);
        let path = segment_path(directory, number);
        let head = file.read(0, HEAD_BYTES).await?;
        let again = decode_head(&path, options, number, &head)?.map_or(0, |header| header.life);
        if again != life {
            let what = format!("life {life} was read first, then life {again}");
            return Err(corrupt(&path, 0, what));
        }
        segments.free_unused(number);
    }
    Ok(())
}

/// What a segment's first two blocks say it is; `None` if it was never used.
pub(super) fn decode_head(
    path: &Path,
    options: &StoreOptions,
    number: u16,
    head: &[u8],
) -> Result<Option<SegmentHeader>, StoreError> {
    let (first, content) = head.split_at(CONTENT_AT as usize);
    let format_error = |what| StoreError::Format { file: path.display().to_string(), what };
    match FirstBlock::decode(first) {
        Ok(FirstBlock::Blank) if content.iter().all(|&byte| byte == 0) => Ok(None),
        Ok(FirstBlock::Blank) => {
            Err(corrupt(path, 0, "a blank header before content that is not".into()))
        }
        Ok(FirstBlock::Header(header)) => {
            if (header.shard, header.segment) != (options.shard, number) {
                return Err(format_error(format!(
                    "segment {number} of shard {} expected, found {} of {}",
                    options.shard, header.segment, header.shard
                )));
            }
            if header.segment_bytes != options.segment_bytes {
                let (expected, found) = (options.segment_bytes, header.segment_bytes);
                let what = format!("a header for {expected} bytes expected, found {found}");
                return Err(format_error(what));
            }
            // The header of a life is durable before anything else of that life is written.
            if let Ok(batch) = BatchHeader::decode_anywhere(content)
                && (batch.place.segment, batch.place.offset_bytes) == (number, CONTENT_AT)
                && batch.place.life > header.life
            {
                let (older, newer) = (header.life, batch.place.life);
                let what = format!("a header of life {older} before content of life {newer}");
                return Err(corrupt(path, 0, what));
            }
            Ok(Some(header))
        }
        Ok(FirstBlock::OtherVersion(version)) => Err(format_error(format!(
            "format version {version}, this build reads version {FORMAT_VERSION}"
        ))),
        // Never torn by a power loss: it is one sector, and a sector is written or not. Passing
        // over it would lose what stands behind it, if that is the log's end.
        Err(damage) => Err(corrupt(path, 0, damage.what)),
    }
}

/// A segment recycled under a newer superblock held what an older one's replay needs.
fn check_generation(
    directory: &Path,
    header: &SegmentHeader,
    generation: u64,
) -> Result<(), StoreError> {
    if header.generation <= generation {
        return Ok(());
    }
    let what = format!(
        "generation {} or newer expected, since segment {} was recycled under it; the newest found \
         whole is {generation}",
        header.generation, header.segment
    );
    Err(corrupt(&superblock_path(directory), Superblock::slot_at(header.generation), what))
}

/// Each life names the one begun before it: a file that is missing at the end of the numbers, or that
/// is of an older life than it was, is told by it.
fn check_befores<W: World>(
    directory: &Path,
    segments: &Segments<W>,
    befores: &[(u16, (u16, u64))],
) -> Result<(), StoreError> {
    for &(number, (before, life)) in befores {
        let found = segments.all.get(usize::from(before)).map(|slot| slot.life);
        if life > 0 && found.is_none_or(|found| found < life) {
            let found = found.map_or("no such file".into(), |found| format!("life {found}"));
            let what = format!(
                "life {life} or later expected, since segment {number} names it; found {found}"
            );
            return Err(corrupt(&segment_path(directory, before), 0, what));
        }
    }
    Ok(())
}

pub(super) fn corrupt(path: &Path, offset_bytes: u64, what: String) -> StoreError {
    StoreError::Corrupt { file: path.display().to_string(), offset_bytes, what }
}
