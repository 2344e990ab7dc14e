//! The log behind a checkpoint, as far as it goes: over damaged places too, which recovery refuses to
//! pass. Not a second opinion on whole logs: of these recovery's is taken.
//!
//! Batches are put in order by their numbers and links, not by where they stand. Where a link is missing
//! though a later batch calls more durable, something was lost: what is whole of the damaged place is
//! used, the place is listed, and the log goes on behind it. Where nothing proves that, the log ends, as
//! for recovery.

use std::collections::HashSet;

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_disk::limits::BLOCK_BYTES;

use super::files::{Files, finding, read_leniently};
use super::scan::whole_records;
use super::{Doubt, LostRegion};
use crate::error::StoreError;
use crate::format::batch::{self, BatchHeader, BatchKind};
use crate::format::meta::Meta;
use crate::format::place::Place;
use crate::format::record::{Record, RecordKind};
use crate::format::segment::CONTENT_AT;
use crate::format::superblock::Superblock;
use crate::index::Location;
use crate::partitions::PartitionTable;
use crate::scrub::{Concern, Finding};
use crate::segment_reader::decode_batch;
use crate::types::Version;

/// What replaying came to.
pub(super) struct Replayed {
    pub(super) table: PartitionTable,
    pub(super) doubt: Doubt,
    pub(super) next_version: Version,
    pub(super) findings: Vec<Finding>,
    pub(super) regions: Vec<LostRegion>,
    /// Changes behind a damaged place that fit no partition: one may have been made in there.
    pub(super) strays: u64,
}

/// A batch of the log whose header is whole.
struct Found {
    header: BatchHeader,
    /// What is wrong with its records, if anything is.
    torn: Option<String>,
}

/// A stretch in a segment of the log where no batch begins.
struct Gap {
    place: Place,
    end: u32,
    what: String,
}

/// All that stands in the segments of the log.
#[derive(Default)]
struct Survey {
    batches: Vec<Found>,
    gaps: Vec<Gap>,
}

pub(super) async fn replay<W: World>(
    world: &W,
    files: &Files<W>,
    superblock: &Superblock,
    table: PartitionTable,
) -> Result<Replayed, StoreError> {
    let survey = survey(world, files, superblock).await;
    let mut replay = Replay {
        world,
        files,
        highest_version: superblock.next_version - 1,
        open_region: None,
        sure: HashSet::new(),
        out: Replayed {
            table,
            doubt: Doubt::None,
            next_version: superblock.next_version,
            findings: Vec::new(),
            regions: Vec::new(),
            strays: 0,
        },
    };
    replay.follow(superblock, &survey).await;
    replay.end_of_log_unknown();
    let mut out = replay.out;
    if !out.regions.is_empty() {
        out.doubt = Doubt::AllBut(replay.sure);
    }
    Ok(out)
}

/// Finds all batches of the log from where replay begins.
async fn survey<W: World>(world: &W, files: &Files<W>, superblock: &Superblock) -> Survey {
    let start = superblock.replay_from;
    let mut survey = Survey::default();
    for (segment, lived) in files.lived() {
        let is_checkpoint = superblock.checkpoint.contains(&(segment, lived.life));
        if lived.life < start.life || is_checkpoint {
            continue;
        }
        let from = if lived.life == start.life { start.offset_bytes } else { CONTENT_AT };
        let base = Place { segment, life: lived.life, offset_bytes: from };
        let content = read_leniently(world, &lived.file, from, u32::MAX).await;
        survey.add_segment(base, &content);
    }
    survey.drop_void();
    survey
}

impl Survey {
    fn add_segment(&mut self, base: Place, content: &[u8]) {
        let (mut batches, mut gaps) = (Vec::new(), Vec::<Gap>::new());
        let mut has_runs = false;
        let mut at = 0;
        let mut in_gap = false;
        while at < content.len() {
            let place = base.at(base.offset_bytes + at as u32);
            match BatchHeader::decode(place, &content[at..]) {
                Ok(header) => {
                    in_gap = false;
                    at += header.batch_bytes();
                    if header.kind == BatchKind::Run {
                        has_runs = true;
                        continue;
                    }
                    let from = (place.offset_bytes - base.offset_bytes) as usize;
                    let torn = decode_batch(place, &content[from..]).err();
                    batches.push(Found { header, torn: torn.map(|damage| damage.what) });
                }
                Err(damage) => {
                    at += BLOCK_BYTES;
                    let end = base.offset_bytes + at as u32;
                    match gaps.last_mut() {
                        Some(gap) if in_gap => gap.end = end,
                        _ => gaps.push(Gap { place, end, what: damage.what }),
                    }
                    in_gap = true;
                }
            }
        }
        // What stands in a gap of compaction's output is not of the log.
        if !has_runs && !batches.is_empty() {
            self.gaps.extend(gaps);
        }
        self.batches.extend(batches);
    }

    /// Forgets what an earlier recovery cut off: the first batch of a segment says behind which one.
    fn drop_void(&mut self) {
        let is_first = |found: &&Found| found.header.place.offset_bytes == CONTENT_AT;
        let firsts: Vec<BatchHeader> =
            self.batches.iter().filter(is_first).map(|found| found.header).collect();
        self.batches.retain(|Found { header, .. }| {
            !firsts
                .iter()
                .any(|first| first.place.life > header.place.life && first.previous < header.number)
        });
        self.batches.sort_by_key(|found| found.header.number);
        self.gaps.sort_by_key(|gap| (gap.place.life, gap.place.offset_bytes));
    }

    /// The highest number that a batch calls durable: all up to there was acknowledged.
    fn durable(&self) -> u64 {
        self.batches.iter().map(|found| found.header.durable).max().unwrap_or(0)
    }

    /// The batch behind `number`; if there are two, the older one is void.
    fn behind(&self, number: u64) -> Option<&Found> {
        let linked =
            |found: &&Found| found.header.previous == number && found.header.number > number;
        self.batches.iter().rfind(linked)
    }

    fn first_above(&self, number: u64) -> Option<&Found> {
        self.batches.iter().find(|found| found.header.number > number)
    }
}

struct Replay<'a, W: World> {
    world: &'a W,
    files: &'a Files<W>,
    highest_version: Version,
    /// The last region, until what stands behind it is known.
    open_region: Option<usize>,
    /// Keys written behind the last region.
    sure: HashSet<Bytes>,
    out: Replayed,
}

impl<W: World> Replay<'_, W> {
    async fn follow(&mut self, superblock: &Superblock, survey: &Survey) {
        let durable = survey.durable();
        let mut number = superblock.number;
        let mut at = superblock.replay_from;
        loop {
            let next = match survey.behind(number) {
                Some(next) => next,
                None if durable > number => {
                    let Some(next) = survey.first_above(number) else { return };
                    self.missing(number, at, next, survey).await;
                    next
                }
                None => return,
            };
            let header = &next.header;
            if let Some(what) = &next.torn {
                if header.number > durable {
                    // Torn by a power loss, as far as anybody can tell.
                    return;
                }
                let end = header.place.offset_bytes + header.batch_bytes() as u32;
                self.region(header.place, end, what, Some((number, header.number + 1)));
            }
            let body = header.place.offset_bytes + batch::HEADER_BYTES as u32;
            let end = header.place.offset_bytes + header.batch_bytes() as u32;
            self.apply_all(header.place.at(body), end).await;
            number = header.number;
            at = header.place.at(end);
        }
    }

    /// Batches are missing between `at` and `next`: what is whole in the gaps there is used.
    async fn missing(&mut self, number: u64, at: Place, next: &Found, survey: &Survey) {
        let order = |place: &Place| (place.life, place.offset_bytes);
        let to = next.header.place;
        let between =
            |gap: &&Gap| order(&gap.place) >= order(&at) && order(&gap.place) < order(&to);
        let batches = Some((number, next.header.number));
        let mut is_placed = false;
        for gap in survey.gaps.iter().filter(between) {
            self.region(gap.place, gap.end, &gap.what, batches);
            self.apply_all(gap.place, gap.end).await;
            is_placed = true;
        }
        if !is_placed {
            let what = format!("the batch behind {number} of the log is missing");
            self.region(at, at.offset_bytes, &what, batches);
        }
    }

    /// A segment that cannot be told may have held the log's end.
    fn end_of_log_unknown(&mut self) {
        let unknown: Vec<u16> = self.files.unknown().collect();
        for segment in unknown {
            let place = Place { segment, life: 0, offset_bytes: CONTENT_AT };
            let what = "a segment of which nothing is known: it may have held the end of the log";
            self.region(place, u32::MAX, what, None);
        }
    }

    /// Notes that records of unknown keys may be lost: of no key it is sure any more that what is known
    /// is the newest.
    fn region(&mut self, place: Place, end: u32, what: &str, between: Option<(u64, u64)>) {
        self.sure.clear();
        self.open_region = Some(self.out.regions.len());
        self.out.regions.push(LostRegion {
            file: self.files.path(place.segment),
            offset_bytes: place.offset_bytes.into(),
            end_bytes: end.into(),
            what: what.to_owned(),
            between_batches: between,
            between_versions: None,
        });
        let (file, offset) = (self.files.path(place.segment), place.offset_bytes.into());
        self.out.findings.push(finding(file, offset, what.to_owned(), Concern::Log));
    }

    /// Applies all whole records of a stretch.
    async fn apply_all(&mut self, from: Place, end: u32) {
        let Some(lived) = self.files.get(from.segment) else { return };
        let begin = from.offset_bytes & !(BLOCK_BYTES as u32 - 1);
        let bytes = read_leniently(self.world, &lived.file, begin, end).await;
        let body = bytes.get((from.offset_bytes - begin) as usize..).unwrap_or_default();
        for (location, record) in whole_records(from, body) {
            match record.kind {
                RecordKind::Put | RecordKind::Tombstone => self.apply_item(location, &record),
                RecordKind::Meta => self.apply_meta(from, &record).await,
            }
        }
    }

    fn apply_item(&mut self, location: Location, record: &Record<'_>) {
        self.out.next_version = self.out.next_version.max(record.version + 1);
        if record.version > self.highest_version {
            if let Some(region) = self.open_region.take() {
                let between = (self.highest_version, record.version);
                self.out.regions[region].between_versions = Some(between);
            }
            self.highest_version = record.version;
        }
        let is_damaged = !self.out.regions.is_empty();
        let Some(partition) = self.out.table.find_mut(record.key) else {
            // As for recovery: a write on its way while its partition was dropped. Or the partition
            // was made where nobody can read it any more.
            self.out.strays += u64::from(is_damaged);
            return;
        };
        match record.kind {
            RecordKind::Put => _ = partition.index.insert(record.key, location),
            _ => _ = partition.index.remove(record.key),
        }
        if is_damaged {
            self.sure.insert(Bytes::copy_from_slice(record.key));
        }
    }

    async fn apply_meta(&mut self, place: Place, record: &Record<'_>) {
        match Meta::decode(record.value) {
            Ok(Meta::Relocate { run, from }) => self.relocate(run, &from).await,
            Ok(change) if self.out.table.check(&change).is_ok() => {
                self.out.table.apply(&change);
            }
            Ok(_) => self.out.strays += 1,
            Err(damage) => {
                let (file, offset) = (self.files.path(place.segment), place.offset_bytes.into());
                self.out.findings.push(finding(file, offset, damage.what, Concern::Log));
                self.out.strays += 1;
            }
        }
    }

    /// Gives records that compaction moved their new places. Of a damaged run what is whole is used;
    /// the rest is looked for where it stood before.
    async fn relocate(&mut self, run: Place, from: &[Location]) {
        let lived = self.files.get(run.segment).filter(|lived| lived.life == run.life);
        let content = match lived {
            Some(lived) => {
                read_leniently(self.world, &lived.file, run.offset_bytes, u32::MAX).await
            }
            None => Vec::new(),
        };
        let whole = decode_batch(run, &content).ok();
        if whole.is_none_or(|batch| batch.records.len() != from.len()) {
            let what = "a run that the log names is not whole".to_owned();
            let (file, offset) = (self.files.path(run.segment), run.offset_bytes.into());
            self.out.findings.push(finding(file, offset, what, Concern::Log));
        }
        let olds: HashSet<Location> = from.iter().copied().collect();
        let body = content.get(batch::HEADER_BYTES..).unwrap_or_default();
        let records = whole_records(run.at(run.offset_bytes + batch::HEADER_BYTES as u32), body);
        let mut left = from.len();
        for (to, record) in records {
            let partition = self.out.table.find_mut(record.key);
            if left == 0 {
                break;
            }
            left -= 1;
            let Some(partition) = partition else { continue };
            let known = partition.index.get(record.key).ok().flatten();
            if let Some(old) = known.filter(|old| olds.contains(old)) {
                partition.index.relocate(record.key, old, to);
            }
        }
    }
}
