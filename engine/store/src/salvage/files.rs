//! The superblocks and segments of a store that may be damaged: whatever can be had of each, and what is
//! wrong with the rest. Not what stands behind a segment's header.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{DiskFault, File, World};

use crate::checkpoint::superblock_path;
use crate::error::StoreError;
use crate::format::FORMAT_VERSION;
use crate::format::batch::BatchHeader;
use crate::format::place::Place;
use crate::format::segment::{CONTENT_AT, FirstBlock};
use crate::format::superblock::{SLOTS, Superblock};
use crate::index::Location;
use crate::limits::{MAX_RUN_READ_BYTES, MAX_SCRUB_LOOKS, MAX_SEGMENTS};
use crate::options::StoreOptions;
use crate::scrub::{Concern, Finding};
use crate::segments::{Segments, segment_path};

/// A segment's file and the life it lives; 0 if none was begun.
pub(super) struct Lived<W: World> {
    pub(super) file: Rc<W::File>,
    pub(super) life: u64,
}

/// The segments by number; none where the file is missing, or the life cannot be told.
pub(super) struct Files<W: World> {
    directory: PathBuf,
    all: Vec<Option<Lived<W>>>,
}

/// All that was found of a store's files.
pub(super) struct Found<W: World> {
    pub(super) files: Files<W>,
    /// Those that are whole and under which nothing was recycled since, the newest first.
    pub(super) superblocks: Vec<Superblock>,
    pub(super) findings: Vec<Finding>,
    /// Recovery may be tried: it would create nothing.
    pub(super) is_recoverable: bool,
}

impl<W: World> Files<W> {
    pub(super) fn of_segments(directory: &Path, segments: &Segments<W>) -> Self {
        let lived = segments.all.iter().map(|slot| {
            let (file, life) = (slot.file.clone(), slot.life);
            Some(Lived { file, life })
        });
        Self { directory: directory.to_owned(), all: lived.collect() }
    }

    pub(super) fn path(&self, segment: u16) -> String {
        segment_path(&self.directory, segment).display().to_string()
    }

    /// The segments whose life is known.
    pub(super) fn lived(&self) -> impl Iterator<Item = (u16, &Lived<W>)> {
        let numbered = (0u16..).zip(&self.all);
        let known = numbered.filter_map(|(segment, lived)| Some((segment, lived.as_ref()?)));
        known.filter(|(_, lived)| lived.life > 0)
    }

    pub(super) fn there(&self) -> impl Iterator<Item = &Lived<W>> {
        self.all.iter().flatten()
    }

    /// The segments of which nothing is known.
    pub(super) fn unknown(&self) -> impl Iterator<Item = u16> {
        let numbered = (0u16..).zip(&self.all);
        numbered.filter(|(_, lived)| lived.is_none()).map(|(segment, _)| segment)
    }

    /// A segment whose life is known.
    pub(super) fn get(&self, segment: u16) -> Option<&Lived<W>> {
        let lived = self.all.get(usize::from(segment))?.as_ref()?;
        (lived.life > 0).then_some(lived)
    }

    /// Where a location is now, and in which file, if its segment is known.
    pub(super) fn place(&self, location: Location) -> Option<(&Lived<W>, Place)> {
        let lived = self.get(location.segment())?;
        let (segment, life) = (location.segment(), lived.life);
        Some((lived, Place { segment, life, offset_bytes: location.offset_bytes() }))
    }
}

/// Reads what stands in a file from `from` to `to`, zeros where it cannot be read.
pub(super) async fn read_leniently<W: World>(
    world: &W,
    file: &W::File,
    from: u32,
    to: u32,
) -> Vec<u8> {
    let end = (file.size_bytes() as u32 & !(BLOCK_BYTES as u32 - 1)).min(to);
    let mut bytes = Vec::with_capacity(end.saturating_sub(from) as usize);
    let mut at = from;
    while at < end {
        let length = (end - at).min(MAX_RUN_READ_BYTES as u32);
        match file.read(at.into(), length as usize).await {
            Ok(block) => bytes.extend_from_slice(&block),
            Err(_) => {
                for block in (at..at + length).step_by(BLOCK_BYTES) {
                    let read = read_block::<W>(file, block.into()).await;
                    bytes.extend_from_slice(&read.unwrap_or_else(|_| vec![0; BLOCK_BYTES]));
                }
            }
        }
        at += length;
        world.yield_if_needed().await;
    }
    bytes
}

async fn read_block<W: World>(file: &W::File, offset: u64) -> Result<Vec<u8>, String> {
    let mut what = String::new();
    for _ in 0..MAX_SCRUB_LOOKS {
        match file.read(offset, BLOCK_BYTES).await {
            Ok(block) => return Ok(block.to_vec()),
            Err(error) => what = error.to_string(),
        }
    }
    Err(what)
}

/// Looks at all files of a store, and changes none.
pub(super) async fn look<W: World>(
    world: &W,
    directory: &Path,
    options: &StoreOptions,
) -> Result<Found<W>, StoreError> {
    let mut found = Found {
        files: Files { directory: directory.to_owned(), all: Vec::new() },
        superblocks: Vec::new(),
        findings: Vec::new(),
        is_recoverable: false,
    };
    let names = match world.list(directory).await {
        Ok(names) => names,
        Err(error) if error.fault == DiskFault::NotFound => {
            let file = directory.display().to_string();
            let what = "the shard's folder is missing".to_owned();
            found.findings.push(finding(file, 0, what, Concern::Superblock));
            return Ok(found);
        }
        Err(error) => return Err(error.into()),
    };
    let blank_slots = look_at_superblocks(world, directory, options, &mut found).await?;
    let numbers = names.iter().filter_map(|name| name.strip_prefix("segment-")?.parse().ok());
    let count = numbers.max().map_or(0, |last: u16| usize::from(last) + 1).min(MAX_SEGMENTS);
    found.is_recoverable = !found.superblocks.is_empty() && count > 0;
    if blank_slots == SLOTS {
        let file = superblock_path(directory).display().to_string();
        let what = "a superblock expected, found both slots blank".to_owned();
        found.findings.push(finding(file, 0, what, Concern::Superblock));
    }
    let segment_bytes =
        found.superblocks.first().map_or(options.segment_bytes, |newest| newest.segment_bytes);
    let mut newest_seen = 0;
    for segment in 0..count as u16 {
        let (lived, generation) =
            look_at_segment(world, directory, options, segment, segment_bytes, &mut found).await?;
        newest_seen = newest_seen.max(generation);
        found.files.all.push(lived);
    }
    // Segments were recycled under a newer one: what an older one means may be gone.
    found.superblocks.retain(|superblock| superblock.generation >= newest_seen);
    Ok(found)
}

/// Reads both slots; how many are blank.
async fn look_at_superblocks<W: World>(
    world: &W,
    directory: &Path,
    options: &StoreOptions,
    found: &mut Found<W>,
) -> Result<u64, StoreError> {
    let path = superblock_path(directory);
    let name = path.display().to_string();
    let file = match world.open(&path).await {
        Ok(file) => file,
        Err(error) => {
            found.findings.push(finding(name, 0, error.to_string(), Concern::Superblock));
            return Ok(0);
        }
    };
    let mut blank = 0;
    for slot in 0..SLOTS {
        let offset = slot * BLOCK_BYTES as u64;
        let what = match read_block::<W>(&file, offset).await {
            Err(what) => what,
            Ok(block) => {
                if let Some(version) = Superblock::other_version(&block)
                    && !matches!(Superblock::decode(offset, &in_own_version(&block)), Ok(Some(_)))
                {
                    return Err(other_version(name, version));
                }
                match Superblock::decode(offset, &block) {
                    Ok(Some(superblock)) if superblock.shard == options.shard => {
                        found.superblocks.push(superblock);
                        continue;
                    }
                    Ok(Some(other)) => {
                        format!("shard {} expected, found shard {}", options.shard, other.shard)
                    }
                    Ok(None) => {
                        blank += 1;
                        continue;
                    }
                    Err(damage) => damage.what,
                }
            }
        };
        found.findings.push(finding(name.clone(), offset, what, Concern::Superblock));
    }
    found.superblocks.sort_by_key(|superblock| std::cmp::Reverse(superblock.generation));
    Ok(blank)
}

/// A segment's file and life, as far as they can be told, and the generation it was recycled under.
async fn look_at_segment<W: World>(
    world: &W,
    directory: &Path,
    options: &StoreOptions,
    segment: u16,
    segment_bytes: u32,
    found: &mut Found<W>,
) -> Result<(Option<Lived<W>>, u64), StoreError> {
    let path = segment_path(directory, segment);
    let name = path.display().to_string();
    let mut bad = |what: String| {
        found.findings.push(finding(name.clone(), 0, what, Concern::SegmentHeader));
    };
    let file = match world.open(&path).await {
        Ok(file) => Rc::new(file),
        Err(error) => {
            bad(error.to_string());
            return Ok((None, 0));
        }
    };
    let size = file.size_bytes();
    if size != u64::from(segment_bytes) {
        bad(format!("{segment_bytes} bytes expected, found {size}"));
        if size < 2 * BLOCK_BYTES as u64 {
            return Ok((None, 0));
        }
    }
    let first = match read_block::<W>(&file, 0).await {
        Ok(block) => FirstBlock::decode(&block).map_err(|damage| damage.what),
        Err(what) => Err(what),
    };
    let content = read_block::<W>(&file, CONTENT_AT.into()).await.unwrap_or_default();
    match first {
        Ok(FirstBlock::Header(header))
            if (header.shard, header.segment) == (options.shard, segment) =>
        {
            return Ok((Some(Lived { file, life: header.life }), header.generation));
        }
        Ok(FirstBlock::OtherVersion(version)) => match first_of_own_version::<W>(&file).await {
            Some(_) => bad(format!("format version {version} over a header of this version's")),
            None => return Err(other_version(name, version)),
        },
        Ok(FirstBlock::Blank) if content.iter().all(|&byte| byte == 0) => {
            return Ok((Some(Lived { file, life: 0 }), 0));
        }
        Ok(FirstBlock::Blank) => bad("a blank header before content that is not".into()),
        Ok(FirstBlock::Header(header)) => {
            bad(format!(
                "segment {segment} of shard {} expected, found {} of {}",
                options.shard, header.segment, header.shard
            ));
            return Ok((None, 0));
        }
        Err(what) => bad(what),
    }
    // The superblock names the lives of a checkpoint's segments, and each batch its own.
    let named = found.superblocks.iter().flat_map(|superblock| &superblock.checkpoint);
    let named = named.copied().find(|&(number, _)| number == segment).map(|(_, life)| life);
    let of_batch = || {
        let place = BatchHeader::decode_anywhere(&content).ok()?.place;
        ((place.segment, place.offset_bytes) == (segment, CONTENT_AT)).then_some(place.life)
    };
    let mut life = named.or_else(of_batch);
    if life.is_none() && is_unused::<W>(&file).await {
        life = Some(0);
    }
    Ok((life.map(|life| Lived { file, life }), 0))
}

/// A block with this build's version in its version field, which no checksum covers: if it is whole
/// then, the field was damaged, and the files are not another version's.
fn in_own_version(block: &[u8]) -> Vec<u8> {
    let mut own = block.to_vec();
    own[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    own
}

async fn first_of_own_version<W: World>(file: &W::File) -> Option<FirstBlock> {
    let block = read_block::<W>(file, 0).await.ok()?;
    FirstBlock::decode(&in_own_version(&block)).ok()
}

/// Whether all behind the header can be read and is zeros: no life ever wrote there.
async fn is_unused<W: World>(file: &W::File) -> bool {
    let end = file.size_bytes() & !(BLOCK_BYTES as u64 - 1);
    let mut at = u64::from(CONTENT_AT);
    while at < end {
        let length = (end - at).min(MAX_RUN_READ_BYTES as u64);
        match file.read(at, length as usize).await {
            Ok(block) if block.iter().all(|&byte| byte == 0) => at += length,
            Ok(_) | Err(_) => return false,
        }
    }
    true
}

pub(super) fn finding(file: String, offset_bytes: u64, what: String, concerns: Concern) -> Finding {
    Finding { file, offset_bytes, what, concerns, mended: false }
}

fn other_version(file: String, version: u32) -> StoreError {
    let what = format!("format version {version}, this build reads version {FORMAT_VERSION}");
    StoreError::Format { file, what }
}
