//! Figures of an engine since it was opened. Not a time series: whoever wants rates asks twice.

use flywheel_capacity::split::Load;
use flywheel_store::{PartitionInfo, ScrubState, StoreStats};

/// One shard's requests and queues.
#[derive(Debug, Clone, Default)]
pub struct ShardStats {
    /// The shard.
    pub shard: u16,
    /// Gets taken.
    pub gets: u64,
    /// Of those, the ones answered from memory, without a task or a read.
    pub gets_from_memory: u64,
    /// Batches taken, conditional ones included.
    pub writes: u64,
    /// Read-modify-writes taken.
    pub modifies: u64,
    /// Slices of scans taken.
    pub scans: u64,
    /// Requests sent on because their partition had moved.
    pub sent_on: u64,
    /// Requests that had to wait for the last round of a move.
    pub fenced: u64,
    /// Requests refused because the mailbox was full.
    pub refused: u64,
    /// Requests turned away because the shard's queue was as long as it may be.
    pub turned_away: u64,
    /// Requests that may wait and be under way right now; `None` while none are turned away.
    pub admitted: Option<usize>,
    /// Requests that wait in the mailbox right now.
    pub waiting: usize,
    /// The most that were found waiting when the shard turned to its mailbox.
    pub waiting_most: usize,
    /// Requests taken and not yet answered right now.
    pub active: usize,
    /// The most of those when the shard turned to its mailbox.
    pub active_most: usize,
    /// Times the shard found work waiting.
    pub turns: u64,
    /// Splits done.
    pub splits: u64,
    /// Automatic splits that were due for load and not done, because no cut would have helped.
    pub splits_vetoed: u64,
    /// Partitions moved away.
    pub moves: u64,
    /// How far its store's scrub is, and what it found.
    pub scrub: ScrubState,
}

/// One partition: where it is, how much it holds and what it is asked.
#[derive(Debug, Clone)]
pub struct PartitionStats {
    /// The shard that owns it.
    pub shard: u16,
    /// Who it is and how much it holds.
    pub info: PartitionInfo,
    /// What it is asked a second, over the last look; units as far as those are told, refused ones too. `None` before
    /// the first look.
    pub load: Option<Load>,
}

/// The figures of a whole engine.
#[derive(Debug, Clone, Default)]
pub struct EngineStats {
    /// All stores together.
    pub store: StoreStats,
    /// Each shard, in order.
    pub shards: Vec<ShardStats>,
    /// Each partition, shard by shard.
    pub partitions: Vec<PartitionStats>,
    /// Requests that handles refused by themselves because too many were under way.
    pub refused_by_handles: u64,
}

impl EngineStats {
    pub(crate) fn merge(&mut self, other: EngineStats) {
        self.store.merge(&other.store);
        self.shards.extend(other.shards);
        self.partitions.extend(other.partitions);
        self.refused_by_handles += other.refused_by_handles;
    }
}
