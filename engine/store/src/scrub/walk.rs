//! The batches and live records of one segment, looked at in one go from its beginning. Not a decoder:
//! those stand in `format`.

use std::rc::Rc;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{File, World};

use super::finding::Concern;
use super::live::{Entry, Unnamed, key_sum};
use super::pass::Pass;
use super::window::Window;
use crate::core::Core;
use crate::error::StoreError;
use crate::format::batch::{BatchHeader, BatchKind};
use crate::format::place::Place;
use crate::format::record::{Record, RecordKind};
use crate::format::segment::CONTENT_AT;
use crate::format::{Damage, round_up};
use crate::limits::MAX_SCRUB_READ_BYTES;
use crate::segment_reader::decode_batch;
use crate::segments::SegmentState;

/// A segment to look at, in one of its lives.
pub(super) struct Target<W: World> {
    file: Rc<W::File>,
    /// The segment and its life.
    base: Place,
    /// The last batch that counts stood here or before when the walk began.
    reached_bytes: u32,
}

impl<W: World> Target<W> {
    /// The segment in this life; `None` if that is over, or it holds no log and no runs.
    pub(super) fn of(core: &Core<W>, segment: u16, life: u64) -> Option<Self> {
        let segments = core.segments.borrow();
        let slot = segments.get(segment);
        let target = Self {
            file: slot.file.clone(),
            base: Place { segment, life, offset_bytes: CONTENT_AT },
            reached_bytes: slot.reached_bytes,
        };
        drop(segments);
        target.is_there(core).then_some(target)
    }

    /// Whether the segment still lives the same life, and somebody may need it.
    fn is_there(&self, core: &Core<W>) -> bool {
        let segments = core.segments.borrow();
        let slot = segments.get(self.base.segment);
        let holds = match slot.state {
            SegmentState::Open | SegmentState::Sealed | SegmentState::Emptied { .. } => true,
            SegmentState::Free | SegmentState::Ready | SegmentState::Checkpoint => false,
        };
        holds && slot.life == self.base.life
    }

    /// Whether a recovery now would replay something of the segment.
    fn is_replayed(&self, core: &Core<W>) -> bool {
        let segments = core.segments.borrow();
        segments.get(self.base.segment).last_number > segments.checkpoint_number
    }

    /// Whether a recovery now would need the whole batch, what is dead in it too.
    fn is_needed_whole(&self, core: &Core<W>, header: &BatchHeader) -> bool {
        let counts = header.place.offset_bytes <= self.reached_bytes;
        counts
            && match header.kind {
                BatchKind::Log => header.number > core.segments.borrow().checkpoint_number,
                BatchKind::Run => self.is_replayed(core),
            }
    }
}

/// How far a walk is.
struct Cursors<'a> {
    window: Window,
    /// Where the next batch should begin.
    batch: u32,
    /// No batch begins where one should: the next is being looked for.
    is_lost: bool,
    entries: &'a [Entry],
}

impl Cursors<'_> {
    /// The first byte that is still to be looked at.
    fn first(&self, batches_end: u32) -> u32 {
        let batch = if self.batch < batches_end { self.batch } else { u32::MAX };
        let entry = self.entries.first().map_or(u32::MAX, |entry| entry.location.offset_bytes());
        batch.min(entry)
    }
}

impl<W: World> Pass<'_, W> {
    /// Looks at a segment's batches and at its live records, `entries`, ascending.
    pub(super) async fn walk(
        &mut self,
        target: &Target<W>,
        entries: &[Entry],
    ) -> Result<(), StoreError> {
        let live_to = entries.last().map_or(0, |entry| entry.location.offset_bytes());
        let replayed_to = if target.is_replayed(self.core) { target.reached_bytes } else { 0 };
        let batches_end = live_to.max(replayed_to) + 1;
        let mut at =
            Cursors { window: Window::new(CONTENT_AT), batch: CONTENT_AT, is_lost: false, entries };
        loop {
            let first = at.first(batches_end);
            if first == u32::MAX {
                return Ok(());
            }
            at.window.forget(first);
            let is_end = !self.read_on(target, &mut at.window).await?;
            if !target.is_there(self.core) {
                return Ok(());
            }
            self.batches(target, &mut at, batches_end).await?;
            self.live_records(target, &mut at).await?;
            if is_end && at.first(batches_end) == first {
                return Ok(());
            }
        }
    }

    /// Reads the next stretch into the window; false at the segment's end.
    async fn read_on(
        &mut self,
        target: &Target<W>,
        window: &mut Window,
    ) -> Result<bool, StoreError> {
        let left = self.core.options.segment_bytes.saturating_sub(window.end());
        let length = (left as usize).min(MAX_SCRUB_READ_BYTES);
        if length == 0 {
            return Ok(false);
        }
        let read = target.file.read(window.end().into(), length).await;
        self.worked(length as u64).await?;
        match read {
            Ok(block) => window.append(&block),
            // Whatever is needed of it is looked at again, and then by itself.
            Err(_) => window.append(&vec![0; length]),
        }
        Ok(true)
    }

    /// Looks at the batches that the window holds.
    async fn batches(
        &mut self,
        target: &Target<W>,
        at: &mut Cursors<'_>,
        batches_end: u32,
    ) -> Result<(), StoreError> {
        let segment_bytes = self.core.options.segment_bytes;
        while at.batch < batches_end && at.batch < at.window.end() {
            let place = target.base.at(at.batch);
            let header = match decode_header(place, at.window.from(at.batch), segment_bytes) {
                Ok(header) => header,
                Err(_) if at.is_lost => {
                    at.batch += BLOCK_BYTES as u32;
                    continue;
                }
                Err(_) => {
                    self.second_look_at_header(target, at).await?;
                    continue;
                }
            };
            let batch_bytes = header.batch_bytes() as u32;
            if target.is_needed_whole(self.core, &header) {
                let is_in = at.batch + batch_bytes <= at.window.end();
                if !is_in {
                    return Ok(());
                }
                let bytes = &at.window.from(at.batch)[..batch_bytes as usize];
                if decode_batch(place, bytes).is_err() {
                    self.second_look_at_batch(target, &header).await?;
                }
            }
            at.is_lost = false;
            at.batch += batch_bytes;
            self.core.world.yield_if_needed().await;
        }
        Ok(())
    }

    /// Reads a header by itself: into the window if it is whole now, else it is a finding, and the next
    /// batch is looked for further on.
    async fn second_look_at_header(
        &mut self,
        target: &Target<W>,
        at: &mut Cursors<'_>,
    ) -> Result<(), StoreError> {
        let (place, segment_bytes) = (target.base.at(at.batch), self.core.options.segment_bytes);
        let good = std::cell::RefCell::new(Vec::new());
        let judge = |block: &[u8]| {
            decode_header(place, block, segment_bytes).map_err(|damage| damage.what)?;
            good.replace(block.to_vec());
            Ok(())
        };
        let looked = self.look(&*target.file, at.batch.into(), BLOCK_BYTES, judge).await?;
        match looked {
            Ok(()) => {
                self.transient();
                at.window.replace(at.batch, &good.take());
            }
            Err(what) => {
                let is_replayed = target.is_replayed(self.core) && at.batch <= target.reached_bytes;
                let concerns = if is_replayed { Concern::Log } else { Concern::BatchHeader };
                if target.is_there(self.core) {
                    let file = self.segment_file(place.segment);
                    self.found(file, at.batch.into(), what, concerns);
                }
                at.is_lost = true;
                at.batch += BLOCK_BYTES as u32;
            }
        }
        Ok(())
    }

    async fn second_look_at_batch(
        &mut self,
        target: &Target<W>,
        header: &BatchHeader,
    ) -> Result<(), StoreError> {
        let place = header.place;
        let judge = |bytes: &[u8]| match decode_batch(place, bytes) {
            Ok(_) => Ok(()),
            Err(damage) => Err(damage.what),
        };
        let (offset, length) = (u64::from(place.offset_bytes), header.batch_bytes());
        match self.look(&*target.file, offset, length, judge).await? {
            Ok(()) => self.transient(),
            Err(what) => {
                let is_needed = target.is_needed_whole(self.core, header);
                if is_needed && target.is_there(self.core) {
                    let (file, number) = (self.segment_file(place.segment), header.number);
                    let batch = match header.kind {
                        BatchKind::Log => format!("batch {number} of the log"),
                        BatchKind::Run => "a run that the log names".to_owned(),
                    };
                    self.found(file, offset, format!("{batch}: {what}"), Concern::Log);
                }
            }
        }
        Ok(())
    }

    /// Looks at the live records that the window holds.
    async fn live_records(
        &mut self,
        target: &Target<W>,
        at: &mut Cursors<'_>,
    ) -> Result<(), StoreError> {
        let segment_bytes = self.core.options.segment_bytes;
        while let Some((entry, rest)) = at.entries.split_first() {
            let offset = entry.location.offset_bytes();
            let end = (offset + entry.location.len_bytes()).min(segment_bytes);
            if end > at.window.end() {
                return Ok(());
            }
            at.entries = rest;
            match judge_record(target.base, entry, at.window.from(offset)) {
                Ok(()) => self.whole_record(),
                Err(_) => self.second_look_at_record(target, entry).await?,
            }
        }
        Ok(())
    }

    fn whole_record(&mut self) {
        self.report.records += 1;
        self.core.counters.scrub_records.add(1);
    }

    async fn second_look_at_record(
        &mut self,
        target: &Target<W>,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        let offset = entry.location.offset_bytes() as usize;
        let from = offset & !(BLOCK_BYTES - 1);
        let end = round_up(offset + entry.location.len_bytes() as usize, BLOCK_BYTES);
        let length = end.min(self.core.options.segment_bytes as usize) - from;
        let judge = |bytes: &[u8]| {
            judge_record(target.base, entry, &bytes[offset - from..]).map_err(|damage| damage.what)
        };
        match self.look(&*target.file, from as u64, length, judge).await? {
            Ok(()) => {
                self.transient();
                self.whole_record();
                Ok(())
            }
            Err(_) if !target.is_there(self.core) => Ok(()),
            Err(what) => {
                let bad = Unnamed { location: entry.location, life: target.base.life, what };
                self.bad_record(bad).await
            }
        }
    }
}

fn decode_header(place: Place, bytes: &[u8], segment_bytes: u32) -> Result<BatchHeader, Damage> {
    let header = BatchHeader::decode(place, bytes)?;
    let end = u64::from(place.offset_bytes) + header.batch_bytes() as u64;
    if end > segment_bytes.into() {
        return Err(Damage::new(format!("a batch that ends at {end}, past its segment's end")));
    }
    Ok(header)
}

fn judge_record(base: Place, entry: &Entry, bytes: &[u8]) -> Result<(), Damage> {
    let record = Record::decode(base.at(entry.location.offset_bytes()), bytes)?;
    if record.kind != RecordKind::Put || key_sum(record.key) != entry.key_sum {
        return Err(Damage::new("the record of another key stands here"));
    }
    Ok(())
}
