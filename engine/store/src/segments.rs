//! The segment files of one shard: which are free, which hold what, and how much of it is live. Not
//! what stands in them: see `format`; not who decides what to clean: see `compaction`.
//!
//! ```text
//! created -> Free -> Ready -> Open -> Sealed -> Emptied -> Free ...
//!                      \----> Checkpoint ------/
//! ```

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flywheel_disk::World;
use flywheel_disk::canary::{self, Canary};

use crate::format::place::Place;
use crate::format::segment::CONTENT_AT;
use crate::index::Location;
use crate::pins::Pins;

/// What a segment is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentState {
    /// Holds nothing that anyone needs.
    Free,
    /// Its header says its new life; it waits to be used.
    Ready,
    /// The log or compaction appends to it.
    Open,
    /// Full, or left behind by an earlier process.
    Sealed,
    /// Part of a checkpoint.
    Checkpoint,
    /// Nothing live is left; readers of this epoch may still be in it.
    Emptied { epoch: u64 },
}

pub(crate) struct Segment<W: World> {
    pub(crate) file: Rc<W::File>,
    pub(crate) life: u64,
    pub(crate) state: SegmentState,
    /// Bytes of records that the index points to.
    pub(crate) live_bytes: u64,
    /// Batches written or being written here whose records the index does not know yet.
    pub(crate) unsettled: u32,
    /// The last batch of the log that stands here or names what stands here: until a checkpoint
    /// holds it, recovery needs the segment.
    pub(crate) last_number: u64,
    /// An offset in the last batch of this life that the log holds or names; 0 if none is known.
    pub(crate) reached_bytes: u32,
    /// Compaction is at work on it.
    pub(crate) being_compacted: bool,
    /// It was written by compaction, in key order; else by the log, in the order of arrival.
    pub(crate) holds_runs: bool,
    /// Compaction found live records here that it could not read.
    pub(crate) unreadable: bool,
}

impl<W: World> Segment<W> {
    /// Whether compaction may take the live records out of it.
    pub(crate) fn may_be_emptied(&self) -> bool {
        self.state == SegmentState::Sealed && self.unsettled == 0 && !self.unreadable
    }
}

/// All segments of a shard.
pub(crate) struct Segments<W: World> {
    pub(crate) all: Vec<Segment<W>>,
    pub(crate) segment_bytes: u32,
    /// The life that the next recycled segment gets.
    pub(crate) next_life: u64,
    /// The segment whose life began last, and that life; 0 and 0 if there is none.
    pub(crate) last_begun: (u16, u64),
    /// The last batch that the newest durable checkpoint holds.
    pub(crate) checkpoint_number: u64,
    free: VecDeque<u16>,
    ready: VecDeque<u16>,
    /// The disk refuses even the header of a free segment's next life.
    stuck: bool,
    live_bytes: u64,
}

/// The path of a segment's file.
pub(crate) fn segment_path(directory: &Path, segment: u16) -> PathBuf {
    directory.join(format!("segment-{segment:05}"))
}

impl<W: World> Segments<W> {
    pub(crate) fn new(segment_bytes: u32) -> Self {
        Self {
            all: Vec::new(),
            segment_bytes,
            next_life: 1,
            last_begun: (0, 0),
            checkpoint_number: 0,
            free: VecDeque::new(),
            ready: VecDeque::new(),
            stuck: false,
            live_bytes: 0,
        }
    }

    pub(crate) fn get(&self, segment: u16) -> &Segment<W> {
        &self.all[usize::from(segment)]
    }

    pub(crate) fn get_mut(&mut self, segment: u16) -> &mut Segment<W> {
        &mut self.all[usize::from(segment)]
    }

    /// Adds a file as the next number, in any state.
    pub(crate) fn add(&mut self, file: Rc<W::File>, life: u64, state: SegmentState) -> u16 {
        let segment = self.all.len() as u16;
        self.all.push(Segment {
            file,
            life,
            state,
            live_bytes: 0,
            unsettled: 0,
            last_number: 0,
            reached_bytes: 0,
            being_compacted: false,
            holds_runs: false,
            unreadable: false,
        });
        if state == SegmentState::Free {
            self.free.push_back(segment);
        }
        segment
    }

    /// The segments that the index points into, and their lives.
    pub(crate) fn lives_with_data(&self) -> Vec<(u16, u64)> {
        let with_data = (0u16..).zip(&self.all).filter(|(_, slot)| slot.live_bytes > 0);
        with_data.map(|(segment, slot)| (segment, slot.life)).collect()
    }

    /// Where `offset_bytes` of the current life of a segment is.
    pub(crate) fn place(&self, segment: u16, offset_bytes: u32) -> Place {
        Place { segment, life: self.get(segment).life, offset_bytes }
    }

    /// Segments that can be had. Free ones that cannot be made ready are not worth waiting for.
    pub(crate) fn free_and_ready(&self) -> usize {
        if self.stuck { self.ready.len() } else { self.free.len() + self.ready.len() }
    }

    pub(crate) fn free_list(&self) -> &VecDeque<u16> {
        &self.free
    }

    pub(crate) fn ready_list(&self) -> &VecDeque<u16> {
        &self.ready
    }

    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Bytes of files that hold something.
    pub(crate) fn occupied_bytes(&self) -> u64 {
        (self.all.len() - self.free.len() - self.ready.len()) as u64 * u64::from(self.segment_bytes)
    }

    /// Bytes of files that hold something, without what only waits for readers to leave and what
    /// compaction cannot read.
    pub(crate) fn reclaimable_bytes(&self) -> u64 {
        let reclaimable = |slot: &&Segment<W>| match slot.state {
            SegmentState::Free | SegmentState::Ready => false,
            SegmentState::Emptied { .. } => slot.last_number > self.checkpoint_number,
            SegmentState::Open | SegmentState::Sealed | SegmentState::Checkpoint => {
                !slot.unreadable
            }
        };
        let count = self.all.iter().filter(reclaimable).count();
        count as u64 * u64::from(self.segment_bytes)
    }

    /// Bytes of records that the index points to.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// Takes a free segment to begin its next life; its header must then be written.
    pub(crate) fn take_free(&mut self) -> Option<(u16, u64)> {
        let segment = self.free.pop_front()?;
        let life = self.next_life;
        self.next_life += 1;
        Some((segment, life))
    }

    /// Puts a segment back whose header could not be written.
    pub(crate) fn put_back(&mut self, segment: u16) {
        self.free.push_back(segment);
        self.stuck = true;
    }

    /// The segment's new header is durable.
    pub(crate) fn make_ready(&mut self, segment: u16, life: u64) {
        let slot = self.get_mut(segment);
        slot.life = life;
        slot.reached_bytes = 0;
        slot.holds_runs = false;
        slot.state = SegmentState::Ready;
        self.last_begun = (segment, life);
        self.ready.push_back(segment);
        self.stuck = false;
    }

    /// Takes a ready segment to write to from [`CONTENT_AT`] on.
    pub(crate) fn open(&mut self, state: SegmentState) -> Option<Place> {
        let segment = self.ready.pop_front()?;
        self.get_mut(segment).state = state;
        Some(self.place(segment, CONTENT_AT))
    }

    /// Nothing more will be written to it.
    pub(crate) fn seal(&mut self, segment: u16) {
        let slot = self.get_mut(segment);
        debug_assert_eq!(slot.state, SegmentState::Open, "segment {segment} is sealed once");
        slot.state = SegmentState::Sealed;
    }

    /// Compaction is at work on these from now on.
    pub(crate) fn begin_compaction(&mut self, victims: &[u16]) {
        for &victim in victims {
            self.get_mut(victim).being_compacted = true;
        }
    }

    /// A batch is on its way into the segment.
    pub(crate) fn unsettle(&mut self, segment: u16) {
        self.get_mut(segment).unsettled += 1;
    }

    /// The index knows the batch now, as of batch `number` of the log.
    pub(crate) fn settle(&mut self, segment: u16, number: u64) {
        let slot = self.get_mut(segment);
        slot.unsettled -= 1;
        slot.last_number = slot.last_number.max(number);
    }

    /// The batch that holds this offset counts: it is of the log, or the log names it.
    pub(crate) fn reach(&mut self, segment: u16, offset_bytes: u32) {
        let slot = self.get_mut(segment);
        slot.reached_bytes = slot.reached_bytes.max(offset_bytes);
    }

    /// The index points to this record from now on.
    pub(crate) fn credit(&mut self, location: Location) {
        let bytes = u64::from(location.len_bytes());
        self.get_mut(location.segment()).live_bytes += bytes;
        self.live_bytes += bytes;
    }

    /// The index no longer points to this record.
    pub(crate) fn debit(&mut self, location: Location) {
        let bytes = u64::from(location.len_bytes());
        let slot = self.get_mut(location.segment());
        debug_assert!(slot.live_bytes >= bytes, "segment {} under zero", location.segment());
        slot.live_bytes -= bytes;
        self.live_bytes -= bytes;
    }

    /// The segments of a superseded checkpoint hold nothing any more.
    pub(crate) fn release_checkpoint(&mut self, segments: &[(u16, u64)]) {
        for &(segment, life) in segments {
            let slot = self.get_mut(segment);
            if slot.life == life && slot.state == SegmentState::Checkpoint {
                slot.state = SegmentState::Free;
                self.free.push_back(segment);
            }
        }
    }

    /// Lets go of segments in which nothing is live, and frees those that neither a reader nor
    /// recovery needs any more. Returns how many became free.
    pub(crate) fn sweep(&mut self, pins: &Pins) -> usize {
        let emptied = |slot: &Segment<W>| {
            slot.state == SegmentState::Sealed
                && slot.live_bytes == 0
                && slot.unsettled == 0
                && !slot.being_compacted
        };
        if self.all.iter().any(emptied) {
            let epoch = pins.end_epoch();
            for slot in self.all.iter_mut().filter(|slot| emptied(slot)) {
                slot.state = SegmentState::Emptied { epoch };
            }
        }
        let mut freed = 0;
        for (segment, slot) in self.all.iter_mut().enumerate() {
            if let SegmentState::Emptied { epoch } = slot.state
                && (pins.passed(epoch) || canary::sings(Canary::FreeUnderReaders))
                && (slot.last_number <= self.checkpoint_number
                    || canary::sings(Canary::FreeBeforeCheckpoint))
            {
                slot.state = SegmentState::Free;
                self.free.push_back(segment as u16);
                freed += 1;
            }
        }
        freed
    }

    /// After recovery: what holds nothing live, is part of no checkpoint and is not needed to replay
    /// the log again.
    pub(crate) fn unused(&self) -> Vec<u16> {
        let is_unused = |slot: &Segment<W>| {
            let replayed = slot.last_number > self.checkpoint_number;
            slot.state == SegmentState::Sealed && slot.live_bytes == 0 && !replayed
        };
        let unused = (0u16..).zip(&self.all).filter(|(_, slot)| is_unused(slot));
        unused.map(|(segment, _)| segment).collect()
    }

    /// Frees a segment that recovery found unused.
    pub(crate) fn free_unused(&mut self, segment: u16) {
        self.get_mut(segment).state = SegmentState::Free;
        self.free.push_back(segment);
    }

    /// Segments that only wait for a checkpoint to become free.
    pub(crate) fn awaiting_checkpoint(&self) -> usize {
        let waits = |slot: &&Segment<W>| {
            matches!(slot.state, SegmentState::Emptied { .. })
                && slot.last_number > self.checkpoint_number
        };
        self.all.iter().filter(waits).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_disk::sim::{self, SimDisk};

    #[test]
    fn free_segments_that_cannot_be_made_ready_do_not_count_as_to_be_had() {
        sim::run(1, &SimDisk::new(), async |world| {
            let mut segments: Segments<sim::SimWorld> = Segments::new(64 << 10);
            for path in ["/segment-00000", "/segment-00001"].map(Path::new) {
                let file = world.create(path, 64 << 10).await.expect("made");
                segments.add(Rc::new(file), 0, SegmentState::Free);
            }
            let (first, life) = segments.take_free().expect("free");
            segments.make_ready(first, life);
            let (second, life) = segments.take_free().expect("free");
            segments.put_back(second);
            assert_eq!((segments.free_and_ready(), segments.occupied_bytes()), (1, 0));
            segments.take_free().expect("it may be tried again");
            segments.make_ready(second, life + 1);
            assert_eq!(segments.free_and_ready(), 2);
        });
    }
}
