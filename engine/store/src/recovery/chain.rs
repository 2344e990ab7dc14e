//! Following the log's chain behind the checkpoint, to its end or to damage. Not the checkpoint: see
//! `loading`.

use flywheel_disk::canary::{self, Canary};
use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{File, World};

use super::{Hole, Replay};
use crate::core::Settled;
use crate::error::StoreError;
use crate::format::Damage;
use crate::format::batch::{BatchHeader, BatchKind, batch_bytes};
use crate::format::checkpoint;
use crate::format::meta::Meta;
use crate::format::place::Place;
use crate::format::record::{Record, RecordKind};
use crate::format::segment::CONTENT_AT;
use crate::format::superblock::Superblock;
use crate::limits::MAX_READINGS;
use crate::partitions::Touch;
use crate::segment_reader::{Batch, decode_batch, find_header, read_agreed, read_range};
use crate::segments::SegmentState;

impl<W: World> Replay<'_, W> {
    /// Replays the segments behind the checkpoint, in the order of their lives.
    pub(super) async fn follow_log(&mut self, superblock: &Superblock) -> Result<(), StoreError> {
        let start = superblock.replay_from;
        self.check_start(start)?;
        let mut behind: Vec<Place> = (0..self.segments.all.len() as u16)
            .map(|segment| self.segments.place(segment, CONTENT_AT))
            .filter(|place| {
                let state = self.segments.get(place.segment).state;
                place.life > 0 && place.life >= start.life && state != SegmentState::Checkpoint
            })
            .collect();
        behind.sort_by_key(|place| place.life);
        for place in behind.iter_mut().filter(|place| place.at(start.offset_bytes) == start) {
            *place = start;
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

    /// The segment that replay begins in must be there, in that life or recycled since.
    fn check_start(&self, start: Place) -> Result<(), StoreError> {
        let found = self.segments.all.get(usize::from(start.segment)).map(|slot| slot.life);
        if start.life == 0 || found.is_some_and(|found| found >= start.life) {
            return Ok(());
        }
        let what = format!("the log goes on here in life {}, found {found:?}", start.life);
        Err(self.corrupt(start.at(0), Damage::new(what)))
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
        let mut content = read_range(&*file, base.offset_bytes, segment_bytes).await?;
        let mut at = base.offset_bytes;
        let mut readings = 0;
        let (damage, is_found) = loop {
            let rest = &content[(at - base.offset_bytes) as usize..];
            if rest.is_empty() {
                break (Damage::new("the end of the segment"), false);
            }
            let batch = match decode_batch(base.at(at), rest) {
                Ok(batch) => batch,
                Err(damage) => {
                    if self.is_hole(base.at(at), rest).await? {
                        let behind = find_header(base, &content, at + BLOCK_BYTES as u32);
                        let Some(behind) =
                            behind.filter(|_| canary::sings(Canary::ReplayBehindHole))
                        else {
                            break (damage, false);
                        };
                        at = behind.place.offset_bytes;
                        self.last_number = behind.previous;
                        continue;
                    }
                    if readings == MAX_READINGS {
                        let what = "each reading differs from the one before";
                        return Err(self.corrupt(base.at(at), Damage::new(what)));
                    }
                    readings += 1;
                    content.truncate((at - base.offset_bytes) as usize);
                    content.extend(read_range(&*file, at, segment_bytes).await?);
                    continue;
                }
            };
            if batch.header.kind == BatchKind::Run {
                // Compaction's output: read through the relocations that the log holds.
                return Ok(());
            }
            self.highest_number = self.highest_number.max(batch.header.number);
            self.proven = self.proven.max(batch.header.durable);
            if at == CONTENT_AT && batch.header.previous < self.last_number {
                // Its first reading, which should have cut the log there, said otherwise.
                let (after, last) = (batch.header.previous, self.last_number);
                let what = format!("the log goes on here behind {after}, and {last} was replayed");
                return Err(self.corrupt(base, Damage::new(what)));
            }
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
            let whole = &rest[..batch.header.batch_bytes().min(rest.len())];
            self.unproven.add(batch.header.number, batch.header.place, whole, self.proven);
            self.replay_batch(batch).await?;
            at += batch_bytes;
            self.progress.replayed_bytes += u64::from(batch_bytes);
            self.settled = Settled { number: self.last_number, next: base.at(at) };
            self.hole = None;
            self.world.yield_if_needed().await;
        };
        let rest = &content[(at - base.offset_bytes) as usize..];
        let is_unwritten = is_unwritten(base.at(at), rest);
        let hole = Hole { place: base.at(at), damage, is_unwritten };
        // The next batch may be missing here, or where the log went before. What looks torn is likelier
        // than where nothing of this life stands.
        let is_likelier = |known: &Hole| known.is_unwritten && !is_found && !is_unwritten;
        if self.hole.as_ref().is_none_or(is_likelier) {
            self.hole = Some(hole);
        }
        self.look_behind(base, &content, at)
    }

    /// Reads once more where a batch is missing or torn, since the log may end there: whether two
    /// readings in a row agree with what was `read` before.
    async fn is_hole(&self, place: Place, read: &[u8]) -> Result<bool, StoreError> {
        let whole = BatchHeader::decode(place, read).map_or(BLOCK_BYTES, |header| {
            // Its header is good, so it is the records that are not.
            batch_bytes(header.body_bytes as usize).min(read.len())
        });
        let file = self.segments.get(place.segment).file.clone();
        let end = place.offset_bytes + whole as u32;
        let again = read_agreed(&*file, place.offset_bytes, end).await?;
        Ok(again.is_some_and(|again| again == read[..whole]))
    }

    /// Looks at what stands behind a hole: a batch that calls missing ones durable makes it damage.
    fn look_behind(&mut self, base: Place, content: &[u8], hole_at: u32) -> Result<(), StoreError> {
        let mut at = hole_at;
        while let Some(header) = find_header(base, content, at) {
            if header.kind == BatchKind::Run {
                return Ok(());
            }
            self.highest_number = self.highest_number.max(header.number);
            if let Some(hole) = &self.hole
                && header.durable > self.last_number
                && !canary::sings(Canary::SkipHoleRule)
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
        if !batch.records.is_empty() {
            self.last_filled = number;
        }
        self.bring(batch.records.iter().map(|(_, record)| effect_of(record))).await?;
        for (location, record) in batch.records {
            match record.kind {
                RecordKind::Put | RecordKind::Tombstone => {
                    self.next_version = self.next_version.max(record.version + 1);
                    let mut table = self.table.borrow_mut();
                    let Some(partition) = table.find_mut(record.key) else {
                        continue;
                    };
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
        if let Some(spill) = &mut self.spill {
            spill.relieve(&self.table, None).await?;
        }
        self.last_number = number;
        let slot = self.segments.get_mut(place.segment);
        slot.last_number = slot.last_number.max(number);
        self.segments.reach(place.segment, place.offset_bytes);
        Ok(())
    }

    /// Has the index take in what it needs for these changes.
    async fn bring(
        &mut self,
        changes: impl Iterator<Item = (&[u8], Touch)> + Clone,
    ) -> Result<(), StoreError> {
        match &self.spill {
            Some(spill) => spill.bring(&self.table, changes).await,
            None => Ok(()),
        }
    }

    async fn replay_meta(&mut self, meta: Meta, number: u64) -> Result<(), StoreError> {
        let Meta::Relocate { run, from } = meta else {
            if let Meta::Split { at, .. } = &meta {
                self.bring(std::iter::once((&**at, Touch::Shaped))).await?;
            }
            self.table.borrow_mut().apply(&meta);
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
        self.bring(batch.records.iter().map(|(_, record)| (record.key, Touch::Moved))).await?;
        for (from, (to, record)) in from.into_iter().zip(batch.records) {
            if let Some(partition) = self.table.borrow_mut().find_mut(record.key) {
                partition.index.relocate(record.key, from, to);
            }
        }
        let slot = self.segments.get_mut(run.segment);
        slot.last_number = slot.last_number.max(number);
        self.segments.reach(run.segment, run.offset_bytes);
        Ok(())
    }
}

/// What a record of the log does to its key.
fn effect_of<'r>(record: &Record<'r>) -> (&'r [u8], Touch) {
    let is_removed = record.kind == RecordKind::Tombstone;
    (record.key, if is_removed { Touch::Removed } else { Touch::Shaped })
}

/// Whether no batch of this life was begun at `place`: zeros, a batch of an earlier life, or a
/// checkpoint.
fn is_unwritten(place: Place, bytes: &[u8]) -> bool {
    let block = &bytes[..bytes.len().min(BLOCK_BYTES)];
    block.iter().all(|&byte| byte == 0)
        || block.starts_with(&checkpoint::MAGIC.to_le_bytes())
        || BatchHeader::decode_anywhere(block).is_ok_and(|header| header.place != place)
}
