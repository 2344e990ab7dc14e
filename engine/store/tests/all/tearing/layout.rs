//! What stands where in an image: every byte that a checksum covers, and what it is needed for. Read
//! with the store's own codecs, which have tests of their own, but not with its recovery.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use flywheel_disk::sim::SimDisk;
use flywheel_store::format::batch::{BatchHeader, BatchKind, HEADER_BYTES};
use flywheel_store::format::checkpoint::Chunk;
use flywheel_store::format::meta::Meta;
use flywheel_store::format::place::Place;
use flywheel_store::format::record::{self, Record, RecordKind};
use flywheel_store::format::segment::{CONTENT_AT, FirstBlock};
use flywheel_store::format::superblock::Superblock;

use crate::fixture::DIRECTORY;

pub const BLOCK_BYTES: usize = 4096;

/// Bytes of a segment's header that mean something.
const SEGMENT_HEADER_BYTES: usize = 50;

/// What bytes are needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The newest superblock.
    NewestSlot,
    /// The one before.
    OlderSlot,
    /// A segment's header; of one never used, its first two blocks.
    Header,
    /// The checkpoint that recovery loads.
    Chunk,
    /// A batch of the log that recovery replays.
    Replayed,
    /// A run that a replayed relocation names.
    Run,
    /// A record that recovery does not read: live, or superseded.
    Stored,
}

/// Bytes under one checksum, or under several that stand for one batch.
#[derive(Debug, Clone)]
pub struct Piece {
    pub file: PathBuf,
    /// Where an error about it must point.
    pub start: usize,
    pub covered: Vec<Range<usize>>,
    pub need: Need,
    /// The batch's number, if it is replayed.
    pub number: u64,
}

impl Piece {
    pub fn bytes(&self) -> impl Iterator<Item = usize> + '_ {
        self.covered.iter().cloned().flatten()
    }
}

/// A batch of the log that recovery replays.
#[derive(Debug, Clone)]
pub struct LogBatch {
    pub place: Place,
    pub end: usize,
    pub number: u64,
    pub previous: u64,
    pub durable: u64,
    /// Whether it is a writer's: not only a relocation, not empty.
    pub is_writers: bool,
}

/// All pieces of an image.
pub struct Layout {
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    pub pieces: Vec<Piece>,
    /// The log behind the checkpoint, in order.
    pub log: Vec<LogBatch>,
    pub chunks: usize,
    pub metas: BTreeSet<u8>,
    /// Batches of a life that is over.
    pub leftovers: usize,
}

pub fn segment_path(segment: u16) -> PathBuf {
    Path::new(DIRECTORY).join(format!("segment-{segment:05}"))
}

pub fn superblock_path() -> PathBuf {
    Path::new(DIRECTORY).join("superblock")
}

/// A batch found whole, and where its records stand.
struct Found {
    header: BatchHeader,
    records: Vec<(usize, Range<usize>, RecordKind, Option<Meta>)>,
}

impl Found {
    fn covered(&self) -> Vec<Range<usize>> {
        let start = self.header.place.offset_bytes as usize;
        let records = self.records.iter().map(|(_, covered, _, _)| covered.clone());
        std::iter::once(start..start + HEADER_BYTES).chain(records).collect()
    }
}

fn batch_at(place: Place, bytes: &[u8]) -> Option<Found> {
    let start = place.offset_bytes as usize;
    let header = BatchHeader::decode(place, &bytes[start..]).ok()?;
    let mut records = Vec::new();
    let mut at = start + HEADER_BYTES;
    for _ in 0..header.records {
        let record = Record::decode(place.at(at as u32), &bytes[at..]).ok()?;
        let covered = at..at + record::HEADER_BYTES + record.key.len() + record.value.len();
        let meta = (record.kind == RecordKind::Meta).then(|| Meta::decode(record.value).ok());
        records.push((at, covered, record.kind, meta.flatten()));
        at += record.encoded_bytes();
    }
    Some(Found { header, records })
}

impl Layout {
    pub fn of(disk: &SimDisk) -> Self {
        let files: BTreeMap<PathBuf, Vec<u8>> = disk
            .files()
            .into_iter()
            .map(|(path, _)| (path.clone(), disk.read_bytes(&path)))
            .collect();
        let mut layout = Layout {
            files,
            pieces: Vec::new(),
            log: Vec::new(),
            chunks: 0,
            metas: BTreeSet::new(),
            leftovers: 0,
        };
        let superblock = layout.add_slots();
        let lives = layout.add_headers();
        layout.add_chunks(&superblock);
        let mut batches = layout.batches(&lives);
        batches.sort_by_key(|found| (found.header.place.life, found.header.place.offset_bytes));
        let runs = layout.follow(&superblock, &batches);
        for found in batches {
            layout.add_batch(&found, &runs);
        }
        layout
    }

    fn add(&mut self, file: PathBuf, start: usize, covered: Vec<Range<usize>>, need: Need) {
        self.pieces.push(Piece { file, start, covered, need, number: 0 });
    }

    fn add_slots(&mut self) -> Superblock {
        let bytes = self.files[&superblock_path()].clone();
        let slots = [0, BLOCK_BYTES].into_iter().filter_map(|at| {
            let slot = Superblock::decode(at as u64, &bytes[at..at + BLOCK_BYTES]);
            Some((at, slot.expect("whole")?))
        });
        let mut slots: Vec<(usize, Superblock)> = slots.collect();
        slots.sort_by_key(|(_, slot)| slot.generation);
        let (_, newest) = slots.last().expect("one was written").clone();
        for (at, slot) in slots {
            let is_newest = slot.generation == newest.generation;
            let need = if is_newest { Need::NewestSlot } else { Need::OlderSlot };
            let covered = std::iter::once(at..at + BLOCK_BYTES).collect();
            self.add(superblock_path(), at, covered, need);
        }
        newest
    }

    /// The life of each segment.
    fn add_headers(&mut self) -> Vec<u64> {
        let count = self.files.len() as u16 - 1;
        let lives = (0..count).map(|segment| {
            let path = segment_path(segment);
            let (life, end) = match FirstBlock::decode(&self.files[&path][..BLOCK_BYTES]) {
                Ok(FirstBlock::Header(header)) => (header.life, SEGMENT_HEADER_BYTES),
                Ok(FirstBlock::Blank) => (0, 2 * BLOCK_BYTES),
                other => panic!("a header expected, found {other:?}"),
            };
            self.add(path, 0, std::iter::once(0..end).collect(), Need::Header);
            life
        });
        lives.collect()
    }

    fn add_chunks(&mut self, superblock: &Superblock) {
        for &(segment, life) in &superblock.checkpoint {
            let path = segment_path(segment);
            let mut at = BLOCK_BYTES;
            while let Ok(chunk) = Chunk::decode(life, self.chunks as u32, &self.files[&path][at..])
            {
                let encoded_bytes = chunk.encoded_bytes;
                let payload = &self.files[&path][at + 20..at + 24];
                let payload = u32::from_le_bytes(payload.try_into().expect("four bytes"));
                let covered = at..at + 24 + payload as usize;
                self.add(path.clone(), at, std::iter::once(covered).collect(), Need::Chunk);
                self.chunks += 1;
                at += encoded_bytes;
            }
        }
    }

    /// All batches of the segments' present lives.
    fn batches(&mut self, lives: &[u64]) -> Vec<Found> {
        let mut batches = Vec::new();
        for (segment, &life) in lives.iter().enumerate() {
            let segment = segment as u16;
            let bytes = &self.files[&segment_path(segment)];
            for at in (CONTENT_AT as usize..bytes.len()).step_by(BLOCK_BYTES) {
                let place = Place { segment, life, offset_bytes: at as u32 };
                let other = BatchHeader::decode_anywhere(&bytes[at..]);
                self.leftovers += usize::from(other.is_ok_and(|header| header.place.life < life));
                batches.extend(batch_at(place, bytes));
            }
        }
        batches
    }

    /// Follows the chain; the runs that its relocations name.
    fn follow(&mut self, superblock: &Superblock, batches: &[Found]) -> Vec<(Place, u64)> {
        let mut last = superblock.number;
        let mut runs = Vec::new();
        for found in batches.iter().filter(|found| found.header.kind == BatchKind::Log) {
            let header = &found.header;
            if header.previous != last {
                continue;
            }
            last = header.number;
            let mut is_writers = false;
            for (_, _, _, meta) in &found.records {
                match meta {
                    Some(Meta::Relocate { run, .. }) => runs.push((*run, last)),
                    _ => is_writers = true,
                }
                self.metas.extend(meta.as_ref().map(|meta| meta.encode()[0]));
            }
            self.log.push(LogBatch {
                place: header.place,
                end: header.place.offset_bytes as usize + header.batch_bytes(),
                number: header.number,
                previous: header.previous,
                durable: header.durable,
                is_writers,
            });
        }
        runs
    }

    fn add_batch(&mut self, found: &Found, runs: &[(Place, u64)]) {
        let header = &found.header;
        let file = segment_path(header.place.segment);
        let start = header.place.offset_bytes as usize;
        let is_replayed = self.log.iter().any(|batch| batch.place == header.place);
        let is_needed_run = runs.iter().any(|(run, _)| *run == header.place);
        if is_replayed || is_needed_run {
            let need = if is_replayed { Need::Replayed } else { Need::Run };
            let (covered, number) = (found.covered(), header.number);
            self.pieces.push(Piece { file, start, covered, need, number });
            return;
        }
        for (at, covered, kind, _) in &found.records {
            if *kind == RecordKind::Put {
                self.add(file.clone(), *at, vec![covered.clone()], Need::Stored);
            }
        }
    }
}
