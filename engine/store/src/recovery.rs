//! Recovery: from files to a running store. Loads the newest checkpoint, follows the log's chain
//! behind it to the first hole, and tells a torn tail from damage.
//!
//! A power loss may leave a hole only among the batches that were in flight, and a batch says which
//! numbers were durable when it was formed. So a hole at a number that some later batch calls durable
//! is damage, and an error; any other hole is the end of the log.

use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::rc::Rc;

use bytes::Bytes;
use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{DiskFault, File, World};

use crate::checkpoint::superblock_path;
use crate::commit::LogEnd;
use crate::core::Settled;
use crate::error::StoreError;
use crate::format::batch::{BatchHeader, BatchKind};
use crate::format::checkpoint::{Chunk, Element};
use crate::format::meta::Meta;
use crate::format::place::Place;
use crate::format::record::RecordKind;
use crate::format::segment::{CONTENT_AT, FirstBlock};
use crate::format::superblock::{SLOTS, Superblock};
use crate::format::{Damage, FORMAT_VERSION};
use crate::index::{Direction, Location, TreeBuilder};
use crate::limits::MAX_SEGMENTS;
use crate::options::StoreOptions;
use crate::partitions::PartitionTable;
use crate::segment_reader::{Batch, decode_batch, find_header, read_range};
use crate::segments::{SegmentState, Segments, segment_path};
use crate::types::{PartitionSpec, Version};

/// How far recovery has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecoveryProgress {
    /// Entries of the checkpoint loaded so far.
    pub loaded_entries: u64,
    /// Bytes of the log replayed so far.
    pub replayed_bytes: u64,
    /// Bytes of the log that may have to be replayed.
    pub replay_bytes: u64,
}

/// Told of progress, on the store's own core.
pub type ProgressCallback = Rc<dyn Fn(RecoveryProgress)>;

/// What recovery found: all that a store starts from.
pub(crate) struct Recovered<W: World> {
    pub(crate) table: PartitionTable,
    pub(crate) segments: Segments<W>,
    pub(crate) superblock_file: W::File,
    pub(crate) superblock: Superblock,
    pub(crate) next_version: Version,
    pub(crate) log_end: LogEnd,
    pub(crate) settled: Settled,
    pub(crate) replayed_bytes: u64,
}

/// Opens what stands in `directory`, or creates a store there if nothing does.
pub(crate) async fn recover<W: World>(
    world: &W,
    directory: &Path,
    options: &mut StoreOptions,
    progress: Option<ProgressCallback>,
) -> Result<Recovered<W>, StoreError> {
    world.create_directory(directory).await?;
    let names = world.list(directory).await?;
    let segment_count = count_segments(directory, &names)?;
    let (file, superblock) = open_superblock(world, directory, options, segment_count).await?;
    check_identity(directory, options, &superblock)?;
    options.segment_bytes = superblock.segment_bytes;
    let generation = superblock.generation;
    let segments = open_segments::<W>(world, directory, options, segment_count, generation).await?;
    let mut replay = Replay {
        world,
        directory,
        table: PartitionTable::default(),
        segments,
        next_version: superblock.next_version,
        last_number: superblock.number,
        highest_number: superblock.number,
        settled: Settled { number: superblock.number, next: superblock.replay_from },
        progress: RecoveryProgress::default(),
        callback: progress,
        hole: None,
    };
    replay.load_checkpoint(&superblock).await?;
    replay.follow_log(&superblock).await?;
    replay.account(&superblock)?;
    Ok(Recovered {
        table: replay.table,
        superblock_file: file,
        next_version: replay.next_version.max(1),
        log_end: LogEnd { last_number: replay.last_number, next_number: replay.highest_number + 1 },
        settled: replay.settled,
        replayed_bytes: replay.progress.replayed_bytes,
        segments: replay.segments,
        superblock,
    })
}

/// Segments are numbered without gaps; a gap means that a file is missing.
fn count_segments(directory: &Path, names: &[String]) -> Result<usize, StoreError> {
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

async fn open_superblock<W: World>(
    world: &W,
    directory: &Path,
    options: &StoreOptions,
    segment_count: usize,
) -> Result<(W::File, Superblock), StoreError> {
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
                newest =
                    newest.into_iter().chain(found).max_by_key(|one: &Superblock| one.generation)
            }
            Err(found) => damage = Some((slot, found)),
        }
    }
    match (newest, damage) {
        // One slot may be torn: it was being written, and the other still counts.
        (Some(superblock), _) => {
            // A process that crashed may have left it in the device's volatile cache, and what it
            // lets go of is about to be recycled.
            file.sync().await?;
            Ok((file, superblock))
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
            Ok((file, superblock))
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

fn check_identity(
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

async fn open_segments<W: World>(
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

/// The state that grows as the checkpoint is loaded and the log replayed.
struct Replay<'a, W: World> {
    world: &'a W,
    directory: &'a Path,
    table: PartitionTable,
    segments: Segments<W>,
    next_version: Version,
    last_number: u64,
    highest_number: u64,
    settled: Settled,
    progress: RecoveryProgress,
    callback: Option<ProgressCallback>,
    /// Where the chain broke off last, unless a later segment took it up again.
    hole: Option<Hole>,
}

/// A hole in the log: which place should have held the next batch of the chain.
struct Hole {
    place: Place,
    damage: Damage,
    /// Nothing stands there: the log may simply have gone on in another segment.
    is_blank: bool,
}

impl<W: World> Replay<'_, W> {
    async fn load_checkpoint(&mut self, superblock: &Superblock) -> Result<(), StoreError> {
        let mut loading: Option<(PartitionSpec, TreeBuilder)> = None;
        let mut number = 0;
        let mut ended = superblock.checkpoint.is_empty();
        let mut broken_off = None;
        for &(segment, life) in &superblock.checkpoint {
            let content = self.read_checkpoint_segment(segment, life).await?;
            let mut at = 0;
            while at < content.len() && !ended {
                let place = Place { segment, life, offset_bytes: CONTENT_AT + at as u32 };
                let mut chunk = match Chunk::decode(life, number, &content[at..]) {
                    Ok(chunk) => chunk,
                    // A chunk that did not fit begins the next segment.
                    Err(damage) => {
                        broken_off.get_or_insert((number, place, damage));
                        break;
                    }
                };
                // The break was where it should be: the next segment went on with the same chunk.
                broken_off = None;
                at += chunk.encoded_bytes;
                number += 1;
                ended = self
                    .load_chunk(&mut chunk, &mut loading)
                    .map_err(|damage| self.corrupt(place, damage))?;
                self.report();
                self.world.yield_if_needed().await;
            }
        }
        if let Some((spec, builder)) = loading {
            self.table.restore(spec, builder.finish());
        }
        if ended {
            return Ok(());
        }
        let (after, place, damage) = broken_off.unwrap_or_else(|| {
            let (segment, life) = *superblock.checkpoint.last().expect("not ended, so not empty");
            let place = Place { segment, life, offset_bytes: self.segments.segment_bytes };
            (number, place, Damage::new("the end of the segment"))
        });
        let what = format!("the checkpoint breaks off after {after} chunks: {}", damage.what);
        Err(self.corrupt(place, Damage::new(what)))
    }

    async fn read_checkpoint_segment(
        &mut self,
        segment: u16,
        life: u64,
    ) -> Result<Vec<u8>, StoreError> {
        let place = Place { segment, life, offset_bytes: 0 };
        let known = self.segments.all.get(usize::from(segment)).map(|slot| slot.life);
        if known != Some(life) {
            let what = format!("life {life} of the checkpoint's segment expected, found {known:?}");
            return Err(self.corrupt(place, Damage::new(what)));
        }
        self.segments.get_mut(segment).state = SegmentState::Checkpoint;
        let file = self.segments.get(segment).file.clone();
        Ok(read_range(&*file, CONTENT_AT, self.segments.segment_bytes).await?)
    }

    /// Loads a chunk's elements; says whether the last was the end.
    fn load_chunk(
        &mut self,
        chunk: &mut Chunk<'_>,
        loading: &mut Option<(PartitionSpec, TreeBuilder)>,
    ) -> Result<bool, Damage> {
        while let Some(element) = chunk.next_element()? {
            match element {
                Element::Partition(spec) => {
                    let previous = loading.replace((spec, TreeBuilder::new()));
                    if let Some((spec, builder)) = previous {
                        self.table.restore(spec, builder.finish());
                    }
                }
                Element::Entry(key, location) => {
                    let Some((_, builder)) = loading else {
                        return Err(Damage::new("an entry before any partition"));
                    };
                    if !builder.accepts(key) {
                        return Err(Damage::new("the entries of a partition do not ascend"));
                    }
                    builder.push(key, location);
                    self.progress.loaded_entries += 1;
                }
                Element::Segment(segment, life) => {
                    // Recycled since is fine: then the log says where its records went.
                    let found = self.segments.all.get(usize::from(segment)).map(|slot| slot.life);
                    if found.is_none_or(|found| found < life) {
                        return Err(Damage::new(format!(
                            "segment {segment} in life {life} or later expected, found {found:?}"
                        )));
                    }
                }
                Element::End(entries) if entries == self.progress.loaded_entries => {
                    return Ok(true);
                }
                Element::End(entries) => {
                    let loaded = self.progress.loaded_entries;
                    return Err(Damage::new(format!("{entries} entries expected, found {loaded}")));
                }
            }
        }
        Ok(false)
    }

    /// Replays the segments behind the checkpoint, in the order of their lives.
    async fn follow_log(&mut self, superblock: &Superblock) -> Result<(), StoreError> {
        let start = superblock.replay_from;
        let mut behind: Vec<Place> = (0..self.segments.all.len() as u16)
            .map(|segment| self.segments.place(segment, CONTENT_AT))
            .filter(|place| {
                let state = self.segments.get(place.segment).state;
                place.life > 0 && place.life >= start.life && state != SegmentState::Checkpoint
            })
            .collect();
        behind.sort_by_key(|place| place.life);
        if let Some(first) = behind.first_mut()
            && first.life == start.life
        {
            *first = start;
        }
        let segment_bytes = self.segments.segment_bytes;
        self.progress.replay_bytes =
            behind.iter().map(|place| u64::from(segment_bytes - place.offset_bytes)).sum();
        let cuts = self.find_cuts(&behind).await?;
        for (place, cut) in behind.into_iter().zip(cuts) {
            self.replay_segment(place, cut).await?;
            self.report();
        }
        Ok(())
    }

    /// For each segment the last batch number that counts in it.
    ///
    /// After an earlier recovery the log went on in a new segment, whose first batch says behind which
    /// number it was cut. A batch of the old tail that reached the medium only later is void.
    async fn find_cuts(&self, behind: &[Place]) -> Result<Vec<u64>, StoreError> {
        let mut cuts = vec![u64::MAX; behind.len()];
        let mut cut = u64::MAX;
        for (at, place) in behind.iter().enumerate().rev() {
            cuts[at] = cut;
            if place.offset_bytes != CONTENT_AT {
                continue;
            }
            let file = self.segments.get(place.segment).file.clone();
            let first = file.read(CONTENT_AT.into(), BLOCK_BYTES).await?;
            if let Ok(header) = BatchHeader::decode(*place, &first)
                && header.kind == BatchKind::Log
            {
                cut = cut.min(header.previous);
            }
        }
        Ok(cuts)
    }

    /// Replays what one segment holds of the log's chain, from `base` on and up to batch `cut`.
    async fn replay_segment(&mut self, base: Place, cut: u64) -> Result<(), StoreError> {
        let file = self.segments.get(base.segment).file.clone();
        let segment_bytes = self.segments.segment_bytes;
        let content = Bytes::from(read_range(&*file, base.offset_bytes, segment_bytes).await?);
        let mut at = base.offset_bytes;
        let (damage, is_found) = loop {
            let rest = &content[(at - base.offset_bytes) as usize..];
            if rest.is_empty() {
                break (Damage::new("the end of the segment"), false);
            }
            let batch = match decode_batch(base.at(at), rest) {
                Ok(batch) => batch,
                Err(damage) => break (damage, false),
            };
            if batch.header.kind == BatchKind::Run {
                // Compaction's output: read through the relocations that the log holds.
                return Ok(());
            }
            self.highest_number = self.highest_number.max(batch.header.number);
            if batch.header.previous != self.last_number {
                let (expected, found) = (self.last_number, &batch.header);
                let what = format!(
                    "the batch after {expected} expected, found {} after {}",
                    found.number, found.previous
                );
                break (Damage::new(what), true);
            }
            if batch.header.number > cut {
                break (Damage::new(format!("the log was cut behind batch {cut} before")), true);
            }
            let batch_bytes = batch.header.batch_bytes() as u32;
            self.replay_batch(batch).await?;
            at += batch_bytes;
            self.progress.replayed_bytes += u64::from(batch_bytes);
            self.settled = Settled { number: self.last_number, next: base.at(at) };
            self.hole = None;
            self.world.yield_if_needed().await;
        };
        if at > base.offset_bytes {
            // What was read may still sit in the device's volatile cache: nobody waited for it.
            file.sync().await?;
        }
        let rest = &content[(at - base.offset_bytes) as usize..];
        let is_blank = rest.iter().take(BLOCK_BYTES).all(|&byte| byte == 0);
        let hole = Hole { place: base.at(at), damage, is_blank };
        // The next batch may be missing here, or where the log went before, if nothing stands there.
        if self.hole.as_ref().is_none_or(|known| known.is_blank && !is_found) {
            self.hole = Some(hole);
        }
        self.look_behind(base, &content, at)
    }

    /// Looks at what stands behind a hole: a batch that calls missing ones durable makes it damage.
    fn look_behind(
        &mut self,
        base: Place,
        content: &Bytes,
        hole_at: u32,
    ) -> Result<(), StoreError> {
        let mut at = hole_at;
        while let Some(header) = find_header(base, content, at) {
            if header.kind == BatchKind::Run {
                return Ok(());
            }
            self.highest_number = self.highest_number.max(header.number);
            if let Some(hole) = &self.hole
                && header.durable > self.last_number
            {
                let what = format!(
                    "batches after {} up to {} were durable; here: {}",
                    self.last_number, header.durable, hole.damage.what
                );
                return Err(self.corrupt(hole.place, Damage::new(what)));
            }
            at = header.place.offset_bytes + BLOCK_BYTES as u32;
        }
        Ok(())
    }

    async fn replay_batch(&mut self, batch: Batch<'_>) -> Result<(), StoreError> {
        let (number, place) = (batch.header.number, batch.header.place);
        for (location, record) in batch.records {
            match record.kind {
                RecordKind::Put | RecordKind::Tombstone => {
                    self.next_version = self.next_version.max(record.version + 1);
                    let Some(partition) = self.table.find_mut(record.key) else { continue };
                    if record.kind == RecordKind::Put {
                        partition.index.insert(record.key, location);
                    } else {
                        partition.index.remove(record.key);
                    }
                }
                RecordKind::Meta => {
                    let meta =
                        Meta::decode(record.value).map_err(|damage| self.corrupt(place, damage))?;
                    self.replay_meta(meta, number).await?;
                }
            }
        }
        self.last_number = number;
        let slot = self.segments.get_mut(place.segment);
        slot.last_number = slot.last_number.max(number);
        Ok(())
    }

    async fn replay_meta(&mut self, meta: Meta, number: u64) -> Result<(), StoreError> {
        let Meta::Relocate { run, from } = meta else {
            self.table.apply(&meta);
            return Ok(());
        };
        let known = self.segments.all.get(usize::from(run.segment)).map(|slot| slot.life);
        let fits = run.offset_bytes.is_multiple_of(BLOCK_BYTES as u32)
            && run.offset_bytes < self.segments.segment_bytes;
        if known != Some(run.life) || !fits {
            let what = format!("life {} of a run's segment expected, found {known:?}", run.life);
            return Err(self.corrupt(run, Damage::new(what)));
        }
        let file = self.segments.get(run.segment).file.clone();
        let first = file.read(run.offset_bytes.into(), BLOCK_BYTES).await?;
        let header =
            BatchHeader::decode(run, &first).map_err(|damage| self.corrupt(run, damage))?;
        let end = run.offset_bytes.saturating_add(header.batch_bytes() as u32);
        if end > self.segments.segment_bytes {
            return Err(self.corrupt(run, Damage::new("a run goes past its segment's end")));
        }
        let bytes = read_range(&*file, run.offset_bytes, end).await?;
        let batch = decode_batch(run, &bytes).map_err(|damage| self.corrupt(run, damage))?;
        if batch.records.len() != from.len() {
            let what = format!("{} records in a run, found {}", from.len(), batch.records.len());
            return Err(self.corrupt(run, Damage::new(what)));
        }
        for (from, (to, record)) in from.into_iter().zip(batch.records) {
            if let Some(partition) = self.table.find_mut(record.key) {
                partition.index.relocate(record.key, from, to);
            }
        }
        let slot = self.segments.get_mut(run.segment);
        slot.last_number = slot.last_number.max(number);
        Ok(())
    }

    /// Counts what is live in each segment and frees the ones that nobody needs.
    fn account(&mut self, superblock: &Superblock) -> Result<(), StoreError> {
        self.segments.checkpoint_number = superblock.number;
        let segments = &mut self.segments;
        let mut stray: Option<Location> = None;
        let known = |segments: &Segments<W>, location: Location| {
            let slot = segments.all.get(usize::from(location.segment()));
            slot.is_some_and(|slot| slot.life > 0)
                && location.offset_bytes() < segments.segment_bytes
                && location.len_bytes() > 0
        };
        let everywhere = (Bound::Unbounded, Bound::Unbounded);
        self.table.visit(everywhere.0, everywhere.1, Direction::Forward, &mut |_, location| {
            if !known(segments, location) {
                stray = Some(location);
                return ControlFlow::Break(());
            }
            segments.credit(location);
            ControlFlow::Continue(())
        });
        if let Some(location) = stray {
            let place = Place {
                segment: location.segment(),
                life: 0,
                offset_bytes: location.offset_bytes(),
            };
            let what = "the index points here, and the segment's header is missing or damaged";
            return Err(self.corrupt(place, Damage::new(what)));
        }
        self.segments.free_unused();
        Ok(())
    }

    fn report(&self) {
        if let Some(callback) = &self.callback {
            callback(self.progress);
        }
    }

    fn corrupt(&self, place: Place, damage: Damage) -> StoreError {
        StoreError::Corrupt {
            file: segment_path(self.directory, place.segment).display().to_string(),
            offset_bytes: place.offset_bytes.into(),
            what: damage.what,
        }
    }
}
