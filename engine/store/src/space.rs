//! Space: how much of the disk a shard takes, and what each need leaves to those that free some. Not the
//! segments themselves: see `segments`.

use flywheel_disk::World;

use crate::core::Core;

/// What a segment is wanted for: the fewer are left, the more it must help to make space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// The log's, for a group that holds values.
    Items,
    /// The log's, for a group that deletes only.
    Deletes,
    /// Compaction's output.
    Runs,
    /// Compaction's output in a round that surely gives back more than it takes.
    LastRuns,
    /// Checkpoints, and what compaction and partition changes log.
    Upkeep,
}

impl<W: World> Core<W> {
    /// Files may hold at most twice the live data, and some room to work in. Only what compaction
    /// and checkpoints can give back is worth waiting for.
    pub(crate) fn must_wait_for_space(&self) -> bool {
        let bound_bytes = self.space_bound_bytes();
        let segments = self.segments.borrow();
        segments.occupied_bytes() > bound_bytes && segments.reclaimable_bytes() > bound_bytes
    }

    /// Whether so much may be written anew before what it replaces is freed.
    pub(crate) fn has_space_for(&self, bytes: u64) -> bool {
        let occupied_bytes = self.segments.borrow().occupied_bytes();
        occupied_bytes.saturating_add(bytes) <= self.space_bound_bytes()
    }

    fn space_bound_bytes(&self) -> u64 {
        let segments = self.segments.borrow();
        let segment_bytes = u64::from(segments.segment_bytes);
        let slack_bytes = (self.working_segments() as u64).saturating_mul(segment_bytes);
        (2 * segments.live_bytes()).saturating_add(slack_bytes.saturating_mul(2))
    }

    /// Segments that hold no live data at times though all is well: open ones, a checkpoint and its
    /// successor, what compaction has emptied and the next checkpoint will free.
    pub(crate) fn working_segments(&self) -> usize {
        let log_bytes = self.options.checkpoint_min_log_bytes;
        let between_checkpoints = log_bytes / u64::from(self.options.segment_bytes);
        let reserve = self.reserve(Need::Items);
        8 + self.options.ready_segments + between_checkpoints as usize + 2 * reserve
    }

    /// Segments that each need leaves to those below it: two for deletes; three for the output of a
    /// round that ends well whatever happens; one for its relocations, the rest for a checkpoint.
    /// Without them nothing could ever be freed on a full disk. What a round may leave behind half
    /// done, because it was cut off or found no room, stops where values do: else each such round would
    /// take from the last ones, and neither a delete nor the next round could even begin.
    pub(crate) fn reserve(&self, need: Need) -> usize {
        const BYTES_PER_ENTRY: u64 = 40;
        let items: u64 = self.table.borrow().iter().map(|partition| partition.index.len()).sum();
        let index = (items * BYTES_PER_ENTRY / u64::from(self.options.segment_bytes)) as usize;
        match need {
            Need::Items | Need::Runs => 7 + index,
            Need::Deletes => 5 + index,
            Need::LastRuns => 2 + index,
            Need::Upkeep => 0,
        }
    }
}
