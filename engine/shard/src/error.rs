//! What the engine answers when it cannot do as asked, and what to do then. Not the store's errors:
//! those pass through inside [`ShardError::Store`].

use std::path::PathBuf;

use flywheel_disk::DiskError;
use flywheel_store::{PartitionId, StoreError};

/// Why a request failed. A write that failed was not acknowledged; whether it happened is unknown
/// only after [`ShardError::Store`] and [`ShardError::Closed`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum ShardError {
    /// A bounded queue is full. Nothing was done.
    #[error("busy: {0} is full; send less at once, or try again in a moment")]
    Busy(&'static str),
    /// The engine is closing or closed.
    #[error("the engine is closed; open the directory again")]
    Closed,
    /// The store refused or failed.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// A batch is atomic only within one partition. Nothing was done.
    #[error(
        "the batch's keys lie in more than one partition; write one batch for each partition, or \
         choose keys that stay together"
    )]
    BatchSpansPartitions,
    /// Something was to be appended to a shard's own range, and there are none. Nothing was done.
    #[error(
        "nothing can be appended: the directory was made without own ranges; make a new one with \
         own_ranges"
    )]
    NoOwnRanges,
    /// The directory is not ours, is damaged, or was made by another version. Nothing was changed.
    #[error("{}: {problem}", .directory.display())]
    BadDirectory {
        /// The directory.
        directory: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The directory was made with another number of shards. Nothing was changed.
    #[error(
        "{}: made with {made_with} shards and asked to open with {asked}; open it with {made_with}",
        .directory.display()
    )]
    ShardCount {
        /// The directory.
        directory: PathBuf,
        /// Shards it has.
        made_with: u16,
        /// Shards asked for.
        asked: u16,
    },
    /// A setting is out of its bounds.
    #[error("{name}: expected {expected}, found {found}")]
    BadOption {
        /// The setting.
        name: &'static str,
        /// What it may be.
        expected: String,
        /// What it was.
        found: String,
    },
    /// The function given to `modify` panicked. Nothing was written.
    #[error("the change of a value panicked, and nothing was written; mend the function")]
    ChangePanicked,
    /// There is no such partition (any more).
    #[error("there is no partition {}; list the partitions and choose again", .0.0)]
    NoSuchPartition(PartitionId),
    /// There is no such shard.
    #[error("there is no shard {asked}; the engine has shards 0 to {last}")]
    NoSuchShard {
        /// The shard asked for.
        asked: u16,
        /// The highest there is.
        last: u16,
    },
    /// The partition cannot be split there.
    #[error("partition {} cannot be split there: {reason}", .id.0)]
    BadSplit {
        /// The partition.
        id: PartitionId,
        /// Why not.
        reason: &'static str,
    },
    /// A split or move of this partition is under way.
    #[error("partition {} is being split or moved; wait for that to end", .0.0)]
    Changing(PartitionId),
    /// A move was given up. The partition stays where it was and is served there.
    #[error("partition {} was not moved: {reason}", .id.0)]
    NotMoved {
        /// The partition.
        id: PartitionId,
        /// Why.
        reason: String,
    },
    /// The last step of a move failed midway, and taking the partition back failed too: which shard
    /// owns it is known only to the medium. It answers nothing until the directory is opened again.
    #[error("partition {} was left between two shards: close and open the directory again", .0.0)]
    Stranded(PartitionId),
}

impl From<StoreError> for ShardError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Closed => ShardError::Closed,
            error => ShardError::Store(Box::new(error)),
        }
    }
}

impl From<DiskError> for ShardError {
    fn from(error: DiskError) -> Self {
        ShardError::from(StoreError::Disk(error))
    }
}
